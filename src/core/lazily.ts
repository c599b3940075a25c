/** Made when it is first asked for, and then always the same: for what takes time or memory that most processes need not spend. */
export function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
