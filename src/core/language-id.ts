const languageIds: Readonly<Record<string, string>> = {
  ".ts": "typescript",
  ".tsx": "typescriptreact",
  ".js": "javascript",
  ".mjs": "javascript",
  ".cjs": "javascript",
  ".jsx": "javascriptreact",
  ".py": "python",
  ".go": "go",
  ".rs": "rust",
  ".java": "java",
  ".kt": "kotlin",
  ".cs": "csharp",
  ".cpp": "cpp",
  ".cc": "cpp",
  ".c": "c",
  ".h": "c",
  ".php": "php",
  ".rb": "ruby",
  ".swift": "swift",
  ".sh": "shellscript",
  ".sql": "sql",
  ".md": "markdown",
  ".markdown": "markdown",
};

/** VS Code's id of the language that files of this name are in; undefined where we do not know. */
export function languageIdOf(path: string): string | undefined {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? languageIds[name.slice(dot).toLowerCase()] : undefined;
}
