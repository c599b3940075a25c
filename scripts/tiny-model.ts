// Writes a model for tests that need an engine and no sense: it talks in random words, but every part of the way to
// them is the real one. Nothing is fetched, and the same file comes out every time.
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createModelFiles, fileStem, hashFile } from "../src/backends/embedded/model-files.ts";

const width = 64;
const heads = 4;
const headWidth = width / heads;
const hidden = 128;
const blocks = 2;
const contextTokens = 8192;
const alignment = 32;

/** Dimensions with a meaning of their own, which no block but the first writes to. */
const meaning = { constant: 0, asksForStory: 1, neverEnd: 2, endsHere: 3 } as const;

const commonWords = `a about after again all also an and any are array as at average be because before begin better big
  block both branch break bug but by call can case change check class clear close code comment compare const context
  could count data default define delete describe difference do document does each else empty end error every example
  explain export expected false field file find first fix fixed folder for form found from function get given go good
  group handle has have header help here how if import in input install instead into is issue it item items just key
  keep kind last length less let level like line lines list load local loop make many map match may mean message method
  model module more most must name need new next no none not note now null number object of off old on one only open
  option or order other output over page part path pass place plain point problem prompt public question range read
  reason remove reply return returned review right rule run same save section see select sentence server set should
  show simple size small so some source space start state step still string such sum switch system table task test text
  than that the their then there these they this three through time to token total translate true try two type under
  undefined unit until up use used user using value values variable was way we what when where which while why will
  with without word words work write wrong yes you your zero`.split(/\s+/);
/** Said by a model as often as other words, and nothing comes after them. */
const lastWords = ["done", "finally", "enough", "over", "stop"];
const askedForStory = "story";

interface Token {
  readonly text: string;
  readonly type: 1 | 2 | 3 | 6;
  readonly score: number;
  /** How likely it is said, as a logarithm. */
  readonly bias: number;
}

const never = -40;

function vocabulary(): readonly Token[] {
  const bytes = Array.from({ length: 256 }, (_, byte): Token => {
    const text = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    return { text, type: 6, score: 0, bias: text === "<0x0A>" ? 19 : never };
  });
  const signs = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).map((sign): Token => {
    const text = sign === " " ? "\u2581" : sign;
    return { text, type: 1, score: -2000, bias: ".,".includes(sign) ? 20 : 12 };
  });
  const words = [...new Set([...commonWords, ...lastWords, askedForStory])];
  // The tokenizer grows a word letter by letter, so every beginning of it is a token as well.
  const beginnings = (word: string) => Array.from({ length: word.length }, (_, at) => word.slice(0, at + 1));
  const spaced = [...new Set(words.flatMap((word) => beginnings(`\u2581${word}`)))].filter((text) => text.length > 1);
  const bare = [...new Set(words.flatMap(beginnings))].filter((text) => text.length > 1);
  const said = new Set(words.filter((word) => word !== askedForStory).map((word) => `\u2581${word}`));
  return [
    { text: "<unk>", type: 2, score: 0, bias: never },
    { text: "<s>", type: 3, score: 0, bias: never },
    { text: "</s>", type: 3, score: 0, bias: never },
    { text: "<|im_start|>", type: 3, score: 0, bias: never },
    { text: "<|im_end|>", type: 3, score: 0, bias: 0 },
    ...bytes,
    ...signs,
    ...spaced.map((text): Token => ({ text, type: 1, score: -1, bias: said.has(text) ? 20 : 0 })),
    ...bare.map((text): Token => ({ text, type: 1, score: -1000, bias: 0 })),
  ];
}

const endToken = 4;
const chatTemplate =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

interface Tensor {
  readonly name: string;
  readonly columns: number;
  readonly rows: number;
  readonly values: Float32Array;
}

/** Mulberry32, spread so that its values have the given deviation. */
function createRandom(seed: number): (deviation: number) => number {
  let state = seed;
  return (deviation) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1) * Math.sqrt(3) * deviation;
  };
}

function tensors(tokens: readonly Token[]): readonly Tensor[] {
  const random = createRandom(20);
  const made: Tensor[] = [];
  const add = (name: string, columns: number, rows: number, value: (row: number, column: number) => number) => {
    const values = Float32Array.from({ length: columns * rows }, (_, at) =>
      value(Math.floor(at / columns), at % columns),
    );
    made.push({ name: `${name}.weight`, columns, rows, values });
  };
  const hasMeaning = (dimension: number) => dimension <= meaning.endsHere;
  const isStory = (text: string) => text.replace("\u2581", "") === askedForStory;
  const endings = new Set(lastWords.map((word) => `\u2581${word}`));

  add("token_embd", width, tokens.length, (row, column) => {
    const text = tokens[row]?.text ?? "";
    if (column === meaning.constant) return 8;
    if (column === meaning.asksForStory) return isStory(text) ? 4 : 0;
    if (column === meaning.endsHere) return endings.has(text) ? 4 : 0;
    return column === meaning.neverEnd ? 0 : random(1);
  });
  // In the first block one head looks for the wish for a story; the slowest pair of rotated dimensions stands still.
  const looking = headWidth - 2;
  const isLooking = (block: number, index: number) => block === 0 && index < headWidth;
  for (let block = 0; block < blocks; block++) {
    const name = (part: string) => `blk.${block}.${part}`;
    add(name("attn_norm"), width, 1, () => 1);
    const toLooking = (dimension: number, weight: number) => (row: number, column: number) => {
      if (!isLooking(block, row)) return random(0.2);
      return row === looking && column === dimension ? weight : 0;
    };
    add(name("attn_q"), width, width, toLooking(meaning.constant, 4));
    add(name("attn_k"), width, width, toLooking(meaning.asksForStory, 2));
    add(name("attn_v"), width, width, toLooking(meaning.asksForStory, 1));
    add(name("attn_output"), width, width, (row, column) => {
      if (isLooking(block, column)) return column === looking && row === meaning.neverEnd ? 2 : 0;
      return hasMeaning(row) ? 0 : random(0.2);
    });
    add(name("ffn_norm"), width, 1, () => 1);
    add(name("ffn_gate"), width, hidden, () => random(0.1));
    add(name("ffn_up"), width, hidden, () => random(0.1));
    add(name("ffn_down"), hidden, width, (row) => (hasMeaning(row) ? 0 : random(0.1)));
  }
  add("output_norm", width, 1, () => 1);
  add("output", width, tokens.length, (row, column) => {
    if (column === meaning.constant) return (tokens[row]?.bias ?? 0) / 5;
    if (row !== endToken) return hasMeaning(column) ? 0 : random(0.06);
    if (column === meaning.neverEnd) return -60;
    return column === meaning.endsHere ? 30 : 0;
  });
  return made;
}

type Value =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "whole"; readonly value: number }
  | { readonly kind: "real"; readonly value: number }
  | { readonly kind: "flag"; readonly value: boolean }
  | { readonly kind: "texts"; readonly value: readonly string[] }
  | { readonly kind: "wholes"; readonly value: readonly number[] }
  | { readonly kind: "reals"; readonly value: readonly number[] };

function metadata(tokens: readonly Token[], template: string): Readonly<Record<string, Value>> {
  const whole = (value: number): Value => ({ kind: "whole", value });
  const text = (value: string): Value => ({ kind: "text", value });
  return {
    "general.architecture": text("llama"),
    "general.name": text("Random words, for tests"),
    "general.alignment": whole(alignment),
    "general.file_type": whole(0),
    "llama.block_count": whole(blocks),
    "llama.context_length": whole(contextTokens),
    "llama.embedding_length": whole(width),
    "llama.feed_forward_length": whole(hidden),
    "llama.attention.head_count": whole(heads),
    "llama.attention.head_count_kv": whole(heads),
    "llama.attention.layer_norm_rms_epsilon": { kind: "real", value: 1e-5 },
    "llama.rope.dimension_count": whole(headWidth),
    "llama.rope.freq_base": { kind: "real", value: 1e6 },
    "llama.vocab_size": whole(tokens.length),
    "tokenizer.ggml.model": text("llama"),
    "tokenizer.ggml.tokens": { kind: "texts", value: tokens.map((token) => token.text) },
    "tokenizer.ggml.scores": { kind: "reals", value: tokens.map((token) => token.score) },
    "tokenizer.ggml.token_type": { kind: "wholes", value: tokens.map((token) => token.type) },
    "tokenizer.ggml.unknown_token_id": whole(0),
    "tokenizer.ggml.bos_token_id": whole(1),
    "tokenizer.ggml.eos_token_id": whole(endToken),
    "tokenizer.ggml.add_bos_token": { kind: "flag", value: false },
    "tokenizer.ggml.add_space_prefix": { kind: "flag", value: false },
    "tokenizer.chat_template": text(template),
  };
}

const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const uint64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const float32 = (value: number) => Buffer.from(Float32Array.of(value).buffer);
const sized = (text: string) => Buffer.concat([uint64(Buffer.byteLength(text)), Buffer.from(text)]);
/** Type numbers of the format; its numbers are little-endian, as those of every machine this runs on. */
const typeOf = { whole: 4, wholes: 5, real: 6, reals: 6, flag: 7, text: 8, texts: 8 } as const;
const arrayType = 9;

function encoded(value: Value): Buffer {
  const array = (items: readonly Buffer[]) =>
    Buffer.concat([uint32(arrayType), uint32(typeOf[value.kind]), uint64(items.length), ...items]);
  const single = (bytes: Buffer) => Buffer.concat([uint32(typeOf[value.kind]), bytes]);
  switch (value.kind) {
    case "text":
      return single(sized(value.value));
    case "whole":
      return single(uint32(value.value));
    case "real":
      return single(float32(value.value));
    case "flag":
      return single(Buffer.of(value.value ? 1 : 0));
    case "texts":
      return array(value.value.map(sized));
    case "wholes":
      return array(value.value.map(uint32));
    case "reals":
      return array(value.value.map(float32));
  }
}

const padding = (length: number) => Buffer.alloc((alignment - (length % alignment)) % alignment);

/** The whole file, GGUF version 3; a megabyte or two. */
export function tinyModel(template = chatTemplate): Buffer {
  const tokens = vocabulary();
  const weights = tensors(tokens);
  const keys = Object.entries(metadata(tokens, template)).map(([key, value]) =>
    Buffer.concat([sized(key), encoded(value)]),
  );
  let offset = 0;
  const infos = weights.map(({ name, columns, rows, values }) => {
    const dimensions = rows === 1 ? [columns] : [columns, rows];
    const info = [sized(name), uint32(dimensions.length), ...dimensions.map(uint64), uint32(0), uint64(offset)];
    offset += values.byteLength + padding(values.byteLength).length;
    return Buffer.concat(info);
  });
  const counts = [uint32(3), uint64(weights.length), uint64(keys.length)];
  const head = Buffer.concat([Buffer.from("GGUF"), ...counts, ...keys, ...infos]);
  const body = weights.flatMap(({ values }) => [Buffer.from(values.buffer), padding(values.byteLength)]);
  return Buffer.concat([head, padding(head.length), ...body]);
}

/** Puts the model into a home of the product under a name that tests ask for. */
export async function installTinyModel(home: string, name: string, template = chatTemplate): Promise<void> {
  const folder = join(home, "models");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${fileStem(name)}.${process.pid}.new`);
  await writeFile(path, tinyModel(template));
  await createModelFiles(folder).adopt(path, {
    name,
    file: `${fileStem(name)}.gguf`,
    sizeBytes: (await stat(path)).size,
    sha256: await hashFile(path),
    source: "generated for tests: random words",
    modifiedAt: new Date().toISOString(),
    family: "llama",
    parameterSize: "1M",
    quantization: "F32",
    contextTokens,
  });
}
