/** An answer with an HTTP status other than 200, in Ollama's form `{"error": …}`. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number;
  /** More fields beside `error`, such as the numbers of a prompt that is too long. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}
