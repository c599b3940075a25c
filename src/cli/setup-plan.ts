// What `switchyard setup` has to do here. Pure: what is there has been found out before.
import { candidatesFor, isTag } from "../core/catalogue.ts";
import { type Message, msg } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";

/** Where the models are to run. */
export type ServerChoice = "auto" | "ollama" | "containers" | "built-in";

export interface SetupFacts {
  readonly platform: NodeJS.Platform;
  /** Whether a program is on the person's path. */
  readonly has: (program: string) => boolean;
  readonly isRoot: boolean;
  /** Address of an Ollama that answers, in a container of ours or not. */
  readonly ollama?: string;
  readonly hasEngine: boolean;
  readonly choice: ServerChoice;
}

export type ServerStep =
  | { readonly kind: "use"; readonly address: string }
  /** A program of the person's, started beside this one. */
  | { readonly kind: "start"; readonly command: readonly [string, ...string[]] }
  | { readonly kind: "install"; readonly command: readonly [string, ...string[]]; readonly otherwise: ServerStep }
  | { readonly kind: "containers" }
  | { readonly kind: "built-in"; readonly why: Message };

interface Installer {
  readonly platform: NodeJS.Platform;
  readonly program: string;
  readonly command: readonly [string, ...string[]];
  readonly wantsRoot?: true;
}

/** The systems' own package managers, which check what they install. No script is fetched and run. */
const installers: readonly Installer[] = [
  { platform: "darwin", program: "brew", command: ["brew", "install", "ollama"] },
  { platform: "win32", program: "winget", command: ["winget", "install", "--exact", "--id", "Ollama.Ollama"] },
  { platform: "linux", program: "pacman", command: ["pacman", "-S", "--noconfirm", "ollama"], wantsRoot: true },
  { platform: "linux", program: "dnf", command: ["dnf", "install", "-y", "ollama"], wantsRoot: true },
  { platform: "linux", program: "apk", command: ["apk", "add", "ollama"], wantsRoot: true },
  { platform: "linux", program: "snap", command: ["snap", "install", "ollama"], wantsRoot: true },
];

export function planServer(facts: SetupFacts): ServerStep {
  const { choice, ollama, platform, hasEngine, has } = facts;
  // On a Mac models do not run in containers, where there is no graphics card for them.
  const container: ServerStep | undefined = hasEngine && platform !== "darwin" ? { kind: "containers" } : undefined;
  if (choice === "built-in") return { kind: "built-in", why: msg("as you asked") };
  if (choice === "containers") {
    return container ?? { kind: "built-in", why: msg("no Docker engine answers in which models could run") };
  }
  if (ollama) return { kind: "use", address: ollama };
  const otherwise: ServerStep =
    (choice === "auto" ? container : undefined) ??
    ({ kind: "built-in", why: msg("no Ollama is here; it is to be had at ollama.com/download") } as const);
  if (has("ollama")) return { kind: "start", command: ["ollama", "serve"] };
  const installer = installers.find((each) => each.platform === platform && has(each.program));
  // Containers need nothing to be installed.
  if (!installer || (choice === "auto" && container)) return otherwise;
  const needsSudo = installer.wantsRoot && !facts.isRoot;
  return { kind: "install", command: needsSudo ? ["sudo", ...installer.command] : installer.command, otherwise };
}

/** One for each role of the design: code, Chinese, everything else. @param fits of those that are known, whether they run here */
export function modelsToGet(
  profile: Settings["modelProfile"],
  fits: (model: string) => boolean,
  installed: readonly string[],
): readonly string[] {
  const roles = ["code", "chinese", "general"] as const;
  const wanted = roles.flatMap((role) => {
    const candidates = candidatesFor(role, profile);
    // The design names its models; the current ones are chosen by what the machine can run.
    const chosen = profile === "design" ? candidates[0] : candidates.find(fits);
    return chosen ?? [];
  });
  return [...new Set(wanted)].filter((model) => !installed.some((name) => isTag(name, model)));
}
