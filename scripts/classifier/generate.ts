// Makes prompts from patterns: `{slot}` is a value of `patterns/slots.txt`, `[a|b|]` is one of its parts.

export type Random = () => number;
export type Slots = ReadonlyMap<string, readonly string[]>;

/** mulberry32: the same numbers on every machine. */
export function makeRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(list: readonly T[], random: Random): T {
  const chosen = list[Math.floor(random() * list.length)];
  if (chosen === undefined) throw new Error("nothing to pick from");
  return chosen;
}

export function readSlots(text: string): Slots {
  const slots = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("@")) {
      current = [];
      slots.set(line.slice(1), current);
    } else if (line !== "" && !line.startsWith("# ")) current.push(line);
  }
  return slots;
}

export function fill(pattern: string, slots: Slots, random: Random): string {
  // Parts first: a value may have brackets of its own.
  const parts = pattern.replace(/\[([^\][]*\|[^\][]*)\]/g, (_, list: string) => pick(list.split("|"), random));
  const filled = parts.replace(/\{(\w+)\}/g, (all, name: string) => {
    const values = slots.get(name);
    return values === undefined ? all : pick(values, random);
  });
  return filled.replaceAll("\\n", "\n");
}

const before = {
  en: [
    "Please ",
    "please ",
    "Can you ",
    "could you please ",
    "hi, ",
    "Hello! ",
    "hey ",
    "I need help. ",
    "I want you to ",
    "As an expert, ",
    "Quick question: ",
    "You are a helpful assistant. ",
    "ok so ",
    "help me ",
    "I'd like you to ",
    "Kindly ",
  ],
  zh: [
    "请",
    "帮我",
    "麻烦",
    "你好，",
    "请问",
    "请你",
    "我想问一下，",
    "帮忙",
    "你是一位专家。",
    "急！",
    "老师，",
    "能不能",
    "可以帮我",
    "现在",
    "我想",
  ],
};
const after = {
  en: [
    " Thanks!",
    " please",
    " Keep it short.",
    " Be detailed.",
    " Give an example.",
    " Answer in bullet points.",
    " thx",
    "?",
    " (under 200 words)",
    " I'm a beginner.",
    " It's for work.",
    " Use a table.",
  ],
  zh: [
    "谢谢",
    "，谢谢！",
    "。",
    "，简短一点",
    "，详细一点",
    "，举个例子",
    "，分点回答",
    "？",
    "，三百字左右",
    "，我是新手",
    "，急用",
  ],
};

/** As people type: with and without politeness, capitals, full stops; with a slip of the finger now and then. */
export function noisy(text: string, language: string, random: Random): string {
  const tongue = language === "zh" ? "zh" : "en";
  let result = text;
  if (random() < 0.22) result = pick(before[tongue], random) + lowerFirst(result);
  if (random() < 0.22) result += pick(after[tongue], random);
  if (random() < 0.2) result = result.replace(/[.?!。？！]$/, "");
  if (random() < 0.1 && !result.includes("\n")) result = result.toLowerCase();
  if (tongue === "en" && random() < 0.08) result = withSlip(result, random);
  return result;
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]+ /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function withSlip(text: string, random: Random): string {
  const at = Math.floor(random() * (Math.min(text.length, 60) - 1));
  if (!/^[a-z]{2}$/.test(text.slice(at, at + 2))) return text;
  const swapped = text.charAt(at + 1) + text.charAt(at);
  return text.slice(0, at) + (random() < 0.5 ? swapped : text.charAt(at)) + text.slice(at + 2);
}
