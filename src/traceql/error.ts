/** A text that is not TraceQL, or TraceQL that this version does not answer. */
export class TraceqlError extends Error {
  override readonly name = 'TraceqlError';
  /**
   * `position`: UTF-16 units into the text. `found` and `expected` read on from "expected ... , found ...".
   * The code `unsupported_query` says that the text is TraceQL all the same.
   */
  constructor(
    readonly position: number,
    readonly found: string,
    readonly expected: string,
    readonly code: 'invalid_query' | 'unsupported_query' = 'invalid_query',
  ) {
    super(`expected ${expected}, found ${found} at position ${position}`);
  }
}
