// Finds many words in one pass (Aho–Corasick), so that a rule's own pattern runs only where its word stands.

/** `keyword` is the index in the list the scan was made from; `start` and `end` are UTF-16 offsets. */
export type KeywordHit = (keyword: number, start: number, end: number) => void;

interface Node {
  readonly next: Map<number, number>;
  /** The longest other node that ends as this one does. */
  fallback: number;
  outputs: number[];
}

function createTrie(words: readonly string[]): Node[] {
  const nodes: Node[] = [{ next: new Map(), fallback: 0, outputs: [] }];
  for (const [index, word] of words.entries()) {
    let at = 0;
    for (let i = 0; i < word.length; i++) {
      const code = word.charCodeAt(i);
      let to = nodes[at]?.next.get(code);
      if (to === undefined) {
        to = nodes.length;
        nodes.push({ next: new Map(), fallback: 0, outputs: [] });
        nodes[at]?.next.set(code, to);
      }
      at = to;
    }
    nodes[at]?.outputs.push(index);
  }
  return nodes;
}

/** A small number for each character that occurs in a word, 0 for all others; capitals count as small letters. */
function createAlphabet(words: readonly string[]): { readonly classes: Uint8Array; readonly codes: readonly number[] } {
  const classes = new Uint8Array(65536);
  const codes = [...new Set(words.join(""))].map((char) => char.charCodeAt(0));
  for (const [index, code] of codes.entries()) {
    classes[code] = index + 1;
    if (code >= 97 && code <= 122) classes[code - 32] = index + 1;
  }
  return { classes, codes };
}

/** Every step a text can make, as one table: a row a node, a column a character class. */
function createTable(nodes: readonly Node[], codes: readonly number[]): Int32Array {
  const width = codes.length + 1;
  const table = new Int32Array(nodes.length * width);
  const queue = [0];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    const node = nodes[at];
    if (!node) continue;
    for (const [index, code] of codes.entries()) {
      const column = index + 1;
      const viaFallback = at === 0 ? 0 : (table[node.fallback * width + column] ?? 0);
      const to = node.next.get(code);
      table[at * width + column] = to ?? viaFallback;
      const child = to === undefined ? undefined : nodes[to];
      if (to === undefined || !child) continue;
      child.fallback = viaFallback;
      child.outputs = [...child.outputs, ...(nodes[viaFallback]?.outputs ?? [])];
      queue.push(to);
    }
  }
  // Rows are addressed by their offset, and a node that ends a word is marked by its sign: one look-up a character.
  return table.map((to) => ((nodes[to]?.outputs.length ?? 0) > 0 ? ~(to * width) : to * width));
}

/** Reports every occurrence of every word, capitals or not. `words` are given in small letters. */
export function createKeywordScan(words: readonly string[]): (text: string, report: KeywordHit) => void {
  const nodes = createTrie(words);
  const { classes, codes } = createAlphabet(words);
  const table = createTable(nodes, codes);
  const width = codes.length + 1;
  return (text, report) => {
    let row = 0;
    for (let i = 0; i < text.length; i++) {
      row = table[row + (classes[text.charCodeAt(i)] ?? 0)] ?? 0;
      if (row >= 0) continue;
      row = ~row;
      for (const keyword of nodes[row / width]?.outputs ?? []) {
        report(keyword, i + 1 - (words[keyword]?.length ?? 0), i + 1);
      }
    }
  };
}
