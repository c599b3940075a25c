// Values of several rounds as rows: the ratio to a peer is taken in each round, and the middle half of them is told.

import { median, quantile, type Row } from "../measure.ts";
import type { Name } from "./rig.ts";

export type Round = ReadonlyMap<Name, number>;

/** Those that the goals are not measured by: left out where it would take minutes. */
export const isBeside = (name: Name) => name === "router" || name === "litellm";

export interface Compared {
  readonly name: string;
  readonly unit: string;
  readonly rounds: readonly Round[];
  readonly peer: Name;
  /** Largest ratio to the peer; where more is better, the least. */
  readonly gate: number;
  readonly ambitious: number;
  readonly isMoreBetter?: boolean;
}

const titles: Readonly<Record<Name, string>> = {
  direct: "the model server itself",
  pipe: "a bare pipe of node:http",
  ours: "Switchyard",
  portkey: "Portkey",
  router: "claude-code-router",
  litellm: "LiteLLM",
};

/** No row where the peer could not be had. */
export function compare({ name, unit, rounds, peer, gate, ambitious, isMoreBetter = false }: Compared): readonly Row[] {
  const both = rounds.flatMap((round) => {
    const [ours, other] = [round.get("ours"), round.get(peer)];
    return ours === undefined || other === undefined ? [] : [{ ours, other, ratio: ours / other }];
  });
  if (both.length === 0) return [];
  const ratios = both.map((each) => each.ratio);
  const [low, high] = [quantile(ratios, 0.25), quantile(ratios, 0.75)];
  const sign = isMoreBetter ? "≥" : "≤";
  return [
    {
      name,
      unit,
      value: median(both.map((each) => each.ours)),
      peer: { name: titles[peer], value: median(both.map((each) => each.other)) },
      goal: `${sign} ${gate} × (better: ${ambitious} ×)`,
      isMet: isMoreBetter ? high >= gate : low <= gate,
      note: `ratio ${low.toFixed(3)}–${high.toFixed(3)}`,
    },
  ];
}

/** What each adds to a direct call; that of a direct one is left out. */
export function added(round: Round): Round {
  const direct = round.get("direct") ?? 0;
  return new Map([...round].filter(([name]) => name !== "direct").map(([name, value]) => [name, value - direct]));
}
