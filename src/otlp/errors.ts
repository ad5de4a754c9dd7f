/** The bytes are no export request: nothing of them is taken, and sending them again is no use. */
export class OtlpDecodeError extends Error {
  override readonly name = 'OtlpDecodeError';
  /** `offset`: the byte of the (decompressed) body at which reading failed. */
  constructor(
    problem: string,
    readonly offset: number,
  ) {
    super(`${problem} at byte ${offset}`);
  }
}
