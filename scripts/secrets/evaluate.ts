// How many secrets of the labelled set are found, how much else is flagged, and how fast. `node scripts/secrets/evaluate.ts`
//
// The set holds no whole secret: ⟦ ⟧ stands around one, made of pieces; `#B36` is 36 characters drawn when it is read.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findSecrets, type SecretFinding } from "../../src/core/secrets/find.ts";
import { root } from "../run.ts";

const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const lower = upper.toLowerCase();
const digits = "0123456789";
const alphabets: Readonly<Record<string, string>> = {
  U: `${upper}234567`,
  B: upper + lower + digits,
  S: `${upper}${lower}${digits}+/`,
  W: `${upper}${lower}${digits}_-`,
  P: `${upper}${lower}${digits}!@#$%^*+?~`,
  H: `${digits}abcdef`,
  L: lower,
  D: digits,
};

export interface Sample {
  readonly kind: string;
  readonly text: string;
  /** Nothing in a harmless sample. */
  readonly secret: { readonly start: number; readonly end: number } | undefined;
}

/** Small and repeatable (mulberry32); `random(n)` is below n. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof createRandom>;

function draw(random: Random, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[random(alphabet.length)]).join("");
}

function drawResidentId(random: Random): string {
  const place = ["110105", "310104", "440305", "510107", "330106"][random(5)] ?? "";
  const date = `19${50 + random(49)}${String(1 + random(12)).padStart(2, "0")}${String(1 + random(28)).padStart(2, "0")}`;
  const body = place + date + draw(random, digits, 3);
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, index) => total + weight * Number(body[index]), 0);
  return body + ("10X98765432"[sum % 11] ?? "");
}

function drawCard(random: Random): string {
  const body = `622202${draw(random, "13579", 4)}${draw(random, digits, 8)}`;
  const isValid = (number: string) => {
    const sum = [...number].reverse().reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
      return total + Math.floor(value / 10) + (value % 10);
    }, 0);
    return sum % 10 === 0;
  };
  return [...digits].map((last) => body + last).find(isValid) ?? "";
}

function drawPiece(random: Random, kind: string, count: number): string {
  const lines = (between: string) =>
    Array.from({ length: count }, () => draw(random, alphabets["S"] ?? "", 64)).join(between);
  const mobile = () => (["138", "159", "186", "177", "199"][random(5)] ?? "") + draw(random, digits, 8);
  const split = (between: string) => mobile().replace(/^(...)(....)/, `$1${between}$2${between}`);
  const special: Readonly<Record<string, () => string>> = {
    K: () => lines("\n"),
    Q: () => lines("\\n"),
    Z: () => btoa(draw(random, alphabets["B"] ?? "", Math.ceil((count * 3) / 4))).slice(0, count),
    I: () => drawResidentId(random),
    C: () => drawCard(random),
    M: mobile,
    N: () => split("-"),
    O: () => split(" "),
  };
  return special[kind]?.() ?? draw(random, alphabets[kind] ?? "", count);
}

const fill = (random: Random, text: string) =>
  text.replace(/#([UBSWPHLDKQZICMNO])(\d*)/g, (whole, kind: string, count: string) =>
    count === "" && !"ICMNO".includes(kind) ? whole : drawPiece(random, kind, Number(count)),
  );

function readLines(name: string): readonly { readonly kind?: string; readonly text: string }[] {
  const file = readFileSync(join(root, "test/fixtures/secrets", name), "utf8");
  return file
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The labelled set, with other random parts for each seed. */
export function readSamples(seed: number): readonly Sample[] {
  const random = createRandom(seed);
  const secrets = readLines("secrets.jsonl").map(({ kind = "", text }): Sample => {
    const [, before = "", inside = "", after = ""] = /^(.*?)⟦(.*?)⟧(.*)$/s.exec(text) ?? [];
    const secret = inside
      .split("¦")
      .map((piece) => (/^#[A-Z]\d*$/.test(piece) ? fill(random, piece) : piece))
      .join("");
    return {
      kind,
      text: before + secret + after,
      secret: { start: before.length, end: before.length + secret.length },
    };
  });
  const benign = readLines("benign.jsonl").map(
    ({ text }): Sample => ({ kind: "", text: fill(random, text), secret: undefined }),
  );
  return [...secrets, ...benign];
}

export interface Score {
  readonly secrets: number;
  readonly benign: number;
  readonly precision: number;
  readonly recall: number;
  /** Share of the secrets found that are marked neither too wide nor in two pieces. */
  readonly exact: number;
  readonly missed: readonly Sample[];
  readonly wrong: readonly { readonly sample: Sample; readonly finding: SecretFinding }[];
}

/** A secret counts as found only if one finding covers all of it. */
export function evaluate(samples: readonly Sample[], find: typeof findSecrets = findSecrets): Score {
  const missed: Sample[] = [];
  const wrong: { sample: Sample; finding: SecretFinding }[] = [];
  let right = 0;
  let exact = 0;
  for (const sample of samples) {
    const { secret } = sample;
    let isFound = false;
    for (const finding of find(sample.text)) {
      if (!secret || finding.end <= secret.start || finding.start >= secret.end) wrong.push({ sample, finding });
      else if (finding.start <= secret.start && finding.end >= secret.end) {
        isFound = true;
        if (finding.start === secret.start && finding.end === secret.end) exact++;
      }
    }
    if (isFound) right++;
    else if (secret) missed.push(sample);
  }
  const secrets = right + missed.length;
  const flagged = right + wrong.length;
  return {
    secrets,
    benign: samples.length - secrets,
    precision: flagged === 0 ? 0 : right / flagged,
    recall: right / secrets,
    exact: exact / right,
    missed,
    wrong,
  };
}

function measureSpeed(): string {
  const files = ["src/core/secrets/assignments.ts", "package-lock.json", "src/core/secrets/tokens.ts"];
  const text = files.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
  const large = text.repeat(Math.ceil(8e6 / text.length));
  findSecrets(large);
  const start = performance.now();
  findSecrets(large);
  return `${(large.length / 1000 / (performance.now() - start)).toFixed(0)} MB/s`;
}

if (import.meta.main) {
  const score = evaluate([1, 2, 3].flatMap(readSamples));
  for (const { kind, text } of score.missed) console.log(`missed  ${kind}: ${text.slice(0, 160)}`);
  for (const { sample, finding } of score.wrong) {
    console.log(
      `wrong   ${finding.rule} [${sample.text.slice(finding.start, finding.end)}] in ${sample.text.slice(0, 160)}`,
    );
  }
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  console.log(`${score.secrets} secrets, ${score.benign} harmless texts (three draws of the set)`);
  console.log(`precision ${percent(score.precision)}, recall ${percent(score.recall)}, exact ${percent(score.exact)}`);
  console.log(`speed ${measureSpeed()}`);
}
