// Whether models call tools, as a test that a person ran has shown: what servers claim of their models is often not so.

/** What one test came to. It counts for these weights, and no longer when others have their name. */
export interface ToolTest {
  readonly model: string;
  /** Server it was run on. */
  readonly backend: string;
  /** Hash of the weights; absent where the server does not tell. */
  readonly digest?: string;
  /** `text`: it wrote a call into its answer, where it can be read as one. */
  readonly calls: "yes" | "text" | "no";
  /** Unix ms. */
  readonly atMs: number;
}

export interface ToolTests {
  /** Read anew each time: other windows and shells test as well. */
  list(): Promise<readonly ToolTest[]>;
  /**
   * Puts it in the place of earlier ones of the same model.
   * @throws TaskError `storage`
   */
  keep(test: ToolTest): Promise<void>;
}

interface Tested {
  readonly name: string;
  readonly backend: string;
  readonly digest?: string;
  readonly toolTest?: ToolTest;
}

/** The models, each with the test of its weights where there is one. Equal weights on another server need no test of their own. */
export function withToolTests<Model extends Tested>(
  models: readonly Model[],
  tests: readonly ToolTest[],
): readonly Model[] {
  return models.map((model) => {
    const test = tests.find((each) => isOf(each, model));
    return test ? { ...model, toolTest: test } : model;
  });
}

function isOf(test: ToolTest, { name, backend, digest }: Tested): boolean {
  if (test.model !== name || test.digest !== digest) return false;
  return digest !== undefined || test.backend === backend;
}
