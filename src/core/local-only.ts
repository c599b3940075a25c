/** Why a text stays on this machine. */
export type PrivacyRule =
  /** The switch for everything is on. */
  | { readonly kind: "offline" }
  /** This workspace is local only; `folder`: another one, which a file lies in. */
  | { readonly kind: "workspace"; readonly folder?: string }
  /** Programs of the editor ask, and nobody knows which files their texts are from. */
  | { readonly kind: "agents" }
  /** A window of the editor has this folder open, and it is local only; what is asked may be about it. */
  | { readonly kind: "window"; readonly folder: string }
  /** A pattern of the settings fits its path. */
  | { readonly kind: "glob"; readonly glob: string }
  /** A `.localonly` file lies in its folder or above; `folder` is where. */
  | { readonly kind: "marker"; readonly folder: string }
  /** Whether a rule fits could not be found out. */
  | { readonly kind: "unchecked"; readonly reason: string };

/** Whether it is about the text of a file, and not about who asks, or where. */
export const isOfFile = (rule: PrivacyRule): boolean =>
  ["glob", "marker", "unchecked"].includes(rule.kind) || (rule.kind === "workspace" && rule.folder !== undefined);

/** A part of a prompt that has to stay. */
export interface LocalOnlyPart {
  /** What people call it: a file, or the whole question. */
  readonly label: string;
  readonly rule: PrivacyRule;
}
