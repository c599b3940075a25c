/** Gathers what comes within a while, and writes it together: a busy service must not write for each answer. */
export interface Batch<Item> {
  /** Resolves when the item was written, with those beside it; rejects as the writing does. */
  add(item: Item): Promise<void>;
  /** Writes what waits now. Resolves when everything so far is written, or could not be. */
  flush(): Promise<void>;
}

/** @param delayMs between the first item and the writing; @param write never runs twice at once */
export function createBatch<Item>(write: (items: readonly Item[]) => Promise<unknown>, delayMs: number): Batch<Item> {
  let next: { readonly items: Item[]; readonly written: Promise<void>; readonly begin: () => void } | undefined;
  let last: Promise<void> = Promise.resolve();
  const open = () => {
    const due = Promise.withResolvers<void>();
    const timer = setTimeout(due.resolve, delayMs);
    const items: Item[] = [];
    const before = last.catch(() => undefined);
    const written = Promise.all([due.promise, before]).then(async () => {
      next = undefined;
      await write(items);
    });
    last = written;
    written.catch(() => undefined); // told by `add`
    return {
      items,
      written,
      begin() {
        clearTimeout(timer);
        due.resolve();
      },
    };
  };
  return {
    add(item) {
      next ??= open();
      next.items.push(item);
      return next.written;
    },
    async flush() {
      next?.begin();
      await last.catch(() => undefined);
    },
  };
}
