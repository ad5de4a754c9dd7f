/** What narrows a selection of rows, one byte a row. */
export interface Kernel {
  /** Rough nanoseconds a row, for the order of conjuncts. */
  readonly cost: number;
  /** The share of rows that it is likely to leave, from 0 to 1: dear and harmless ones go last. */
  readonly leaves: number;
  /** Clears `selection[row]` of the rows from `from` to `to` that do not match. */
  narrow(selection: Uint8Array, from: number, to: number): void;
  /** The same of rows that are all selected, whatever their bytes are. */
  readonly set?: (selection: Uint8Array, from: number, to: number) => void;
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

/** Rows behind `to` may be selected too; no view is made, which costs more than the search. */
export function isEmpty(selection: Uint8Array, from: number, to: number): boolean {
  const first = selection.indexOf(1, from);
  return first < 0 || first >= to;
}

/** Words of four rows each are added, until a byte of their sum could be full. */
const WORDS_A_SUM = 255;

/** How many rows are selected: 0.2 ns each, where a loop over bytes takes 0.6. */
export function countOnes(selection: Uint8Array, from: number, to: number): number {
  let count = 0;
  let row = from;
  for (; row < to && ((selection.byteOffset + row) & 3) !== 0; row++) count += selection[row];
  if (row === to) return count;
  const words = new Uint32Array(selection.buffer, selection.byteOffset + row, (to - row) >>> 2);
  for (let i = 0; i < words.length;) {
    const end = Math.min(words.length, i + WORDS_A_SUM);
    let sum = 0;
    for (; i < end; i++) sum = (sum + words[i]) | 0;
    count += (sum & 0xff) + ((sum >>> 8) & 0xff) + ((sum >>> 16) & 0xff) + (sum >>> 24);
  }
  for (row += words.length * 4; row < to; row++) count += selection[row];
  return count;
}

/** To look at every 64th row tells enough. */
const SAMPLE_STEP = 64;
/** With fewer rows selected than this share, to skip the others is faster than to compare them all. */
const FEW = 1 / 8;

export function areFew(selection: Uint8Array, from: number, to: number): boolean {
  let found = 0;
  for (let row = from; row < to; row += SAMPLE_STEP) found += selection[row];
  return found * SAMPLE_STEP < (to - from) * FEW;
}

/** Lists the selected rows, which are few: four that are not are passed over at once. How many they are. */
export function listFew(selection: Uint8Array, from: number, to: number, list: Uint32Array): number {
  let count = 0;
  let row = from;
  for (; row < to && ((selection.byteOffset + row) & 3) !== 0; row++)
    if (selection[row] !== 0) list[count++] = row;
  if (row === to) return count;
  const words = new Uint32Array(selection.buffer, selection.byteOffset + row, (to - row) >>> 2);
  for (let i = 0; i < words.length; i++, row += 4) {
    if (words[i] === 0) continue;
    for (let own = row; own < row + 4; own++) {
      list[count] = own;
      count += selection[own];
    }
  }
  for (; row < to; row++) if (selection[row] !== 0) list[count++] = row;
  return count;
}

let few = new Uint32Array(0);

/** Memory for `listFew` of so many rows, until it is asked for again. */
export function fewScratch(rows: number): Uint32Array {
  // One more: what comes behind the last row is written, and not counted.
  if (few.length <= rows) few = new Uint32Array(rows + 4);
  return few;
}
