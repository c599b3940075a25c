/** A model's name as Claude Code accepts it: only what begins with `claude` is a model to it. */
export function aliasForClaude(model: string): string {
  return model.startsWith("switchyard/")
    ? `claude-switchyard-${model.slice("switchyard/".length)}`
    : `claude-local-${model}`;
}
