/** What narrows a selection of rows, one byte a row. */
export interface Kernel {
  /** Rough nanoseconds a row, for the order of conjuncts. */
  readonly cost: number;
  /** The share of rows that it is likely to leave, from 0 to 1: dear and harmless ones go last. */
  readonly leaves: number;
  /** Clears `selection[row]` of the rows from `from` to `to` that do not match. */
  narrow(selection: Uint8Array, from: number, to: number): void;
}

export const ALWAYS: Kernel = { cost: 0, leaves: 1, narrow() {} };
export const NEVER: Kernel = {
  cost: 0,
  leaves: 0,
  narrow: (selection, from, to) => void selection.fill(0, from, to),
};

/** The order in which conjuncts throw out rows soonest: by cost for each share of rows that goes. */
export function byWorth(a: Kernel, b: Kernel): number {
  return worth(a) - worth(b);
}

function worth({ cost, leaves }: Kernel): number {
  return cost / Math.max(0.001, 1 - leaves);
}

export function isEmpty(selection: Uint8Array, from: number, to: number): boolean {
  return !selection.subarray(from, to).includes(1);
}
