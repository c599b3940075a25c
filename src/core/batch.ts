/** Gathers what comes within a while, and writes it together: a busy service must not write for each answer. */
export interface Batch<Item> {
  /** Resolves when the item was written, with those beside it, or given up for later ones; rejects as the writing does. */
  add(item: Item): Promise<void>;
  /** Writes what waits now. Resolves when everything so far is written, or could not be. */
  flush(): Promise<void>;
}

export interface BatchLimits {
  /** Items that are written in one go; the next ones come `delayMs` later. */
  readonly atOnce: number;
  /** Items that may wait; of more, those that came first are given up, but for those whose time runs already. */
  readonly waiting: number;
}

interface Group<Item> {
  readonly items: Item[];
  readonly written: Promise<void>;
  readonly begin: () => void;
}

const unlimited: BatchLimits = { atOnce: Number.POSITIVE_INFINITY, waiting: Number.POSITIVE_INFINITY };

/** @param delayMs between the first item and the writing; @param write never runs twice at once */
export function createBatch<Item>(
  write: (items: readonly Item[]) => Promise<unknown>,
  delayMs: number,
  { atOnce, waiting }: BatchLimits = unlimited,
): Batch<Item> {
  /** What is not being written yet, the oldest first. */
  const groups: Group<Item>[] = [];
  /** Items in all of them. */
  let count = 0;
  let last: Promise<void> = Promise.resolve();
  const open = (): Group<Item> => {
    const due = Promise.withResolvers<void>();
    const items: Item[] = [];
    const before = last.catch(() => undefined);
    const written = before.then(async () => {
      const timer = setTimeout(due.resolve, delayMs);
      await due.promise;
      clearTimeout(timer);
      if (groups[0] === group) groups.shift();
      count -= items.length;
      if (items.length > 0) await write(items);
    });
    last = written;
    written.catch(() => undefined); // told by `add`
    const group = { items, written, begin: due.resolve };
    groups.push(group);
    return group;
  };
  const giveUpOldest = () => {
    for (const { items, begin } of groups.splice(1, 1)) {
      count -= items.length;
      items.length = 0;
      begin();
    }
  };
  return {
    add(item) {
      const newest = groups.at(-1);
      const group = newest && newest.items.length < atOnce ? newest : open();
      group.items.push(item);
      count++;
      if (count > waiting) giveUpOldest();
      return group.written;
    },
    async flush() {
      for (const { begin } of groups) begin();
      await last.catch(() => undefined);
    },
  };
}
