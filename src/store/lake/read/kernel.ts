/** What narrows a selection of a block's rows, one byte a row. */
export interface Kernel {
  /** Rough nanoseconds a row, for the order of conjuncts. */
  readonly cost: number;
  /** Clears `selection[row]` of the rows from `from` to `to` that do not match. */
  narrow(selection: Uint8Array, from: number, to: number): void;
}

export const ALWAYS: Kernel = { cost: 0, narrow() {} };
export const NEVER: Kernel = { cost: 0, narrow: (selection, from, to) => void selection.fill(0, from, to) };
