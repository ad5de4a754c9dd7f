/** Comparisons of 64-bit integers as two words: 557M a second, where a BigInt64Array does 27M. */
import type { Validity } from '../../../../span/vector.ts';
import { int64Bounds } from '../../../../traceql/bounds.ts';
import type { Int64Range } from '../../../../traceql/bounds.ts';
import { isValid } from './cells.ts';
import { areFew, fewScratch, listFew } from './kernel.ts';
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

/** Whether all values between the bounds lie in the ranges, or none; undefined when that can't be told. */
export function covers(
  ranges: readonly Int64Range[],
  bounds: { readonly min: bigint; readonly max: bigint },
): boolean | undefined {
  if (ranges.every(({ min, max }) => bounds.max < min || bounds.min > max)) return false;
  return ranges.some(({ min, max }) => min <= bounds.min && bounds.max <= max) ? true : undefined;
}

function wordRange({ min, max }: Int64Range): WordRange {
  return {
    minHigh: Number(min >> 32n) | 0,
    minLow: Number(BigInt.asUintN(32, min)),
    maxHigh: Number(max >> 32n) | 0,
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
  const signed = new Int32Array(words.buffer, words.byteOffset, words.length);
  const first = wordRange(ranges[0]);
  const second = ranges.length > 1 ? wordRange(ranges[1]) : undefined;
  return (selection, from, to) => {
    if (second) narrowToTwo(words, first, second, selection, from, to);
    else narrowTo(signed, first, 0, selection, from, to);
    if (!valid) return;
    for (let row = from; row < to; row++) if (!isValid(valid, row)) selection[row] = 0;
  };
}

/** The same for values that are unsigned words. */
export function narrowWords(
  words: Uint32Array,
  ranges: readonly Int64Range[],
): (selection: Uint8Array, from: number, to: number) => void {
  const within = ranges
    .filter(({ min, max }) => max >= 0n && min <= MAX_UINT32)
    .map(({ min, max }) => ({
      min: Number(min < 0n ? 0n : min),
      max: Number(max > MAX_UINT32 ? MAX_UINT32 : max),
    }));
  if (within.length === 0) return (selection, from, to) => void selection.fill(0, from, to);
  const [first, second = first] = within;
  const gap = { min: first.max + 1, max: second.min - 1 };
  const signed = new Int32Array(words.buffer, words.byteOffset, words.length);
  return (selection, from, to) => {
    keepWords(signed, first.min, second.max, 0, selection, from, to);
    if (second !== first) keepWords(signed, gap.min, gap.max, 1, selection, from, to);
  };
}

const MAX_UINT32 = 2n ** 32n - 1n;

// selection[row] &= (min <= value && value <= max) !== isOut: the distance from min is at most that of max
function keepWords(
  words: Int32Array,
  min: number,
  max: number,
  isOut: 0 | 1,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  if (min > max) return;
  const least = min | 0;
  const span = (max - min) | 0;
  const inside = 1 ^ isOut;
  if (areFew(selection, from, to)) {
    keepFewWords(words, least, span, inside, selection, from, to);
    return;
  }
  for (let row = from; row < to; row++) {
    const above = (words[row] - least) | 0;
    const isBeyond = ((~span & above) | (~(span ^ above) & ((span - above) | 0))) >>> 31;
    selection[row] &= isBeyond ^ inside;
  }
}

function keepFewWords(
  words: Int32Array,
  least: number,
  span: number,
  inside: number,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  const list = fewScratch(to - from);
  const count = listFew(selection, from, to, list);
  for (let i = 0; i < count; i++) {
    const row = list[i];
    const above = (words[row] - least) >>> 0;
    selection[row] = (above > span >>> 0 ? 1 : 0) ^ inside;
  }
}

const SIGN = 0x80000000 | 0;

// selection[row] &= min <= value && value <= max; `flip` is the sign bit where values are unsigned
function narrowTo(
  words: Int32Array,
  range: WordRange,
  flip: number,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  if (areFew(selection, from, to)) narrowFew(words, range, flip, selection, from, to);
  else narrowMany(words, range, flip, selection, from, to);
}

function narrowFew(
  words: Int32Array,
  range: WordRange,
  flip: number,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  const minHigh = range.minHigh ^ flip;
  const maxHigh = range.maxHigh ^ flip;
  const minLow = range.minLow ^ SIGN;
  const maxLow = range.maxLow ^ SIGN;
  const list = fewScratch(to - from);
  const count = listFew(selection, from, to, list);
  for (let i = 0; i < count; i++) {
    const row = list[i];
    const high = words[row * 2 + 1] ^ flip;
    const low = words[row * 2] ^ SIGN;
    const below = high < minHigh || (high === minHigh && low < minLow);
    if (below || high > maxHigh || (high === maxHigh && low > maxLow)) selection[row] = 0;
  }
}

/**
 * Without a branch, since nobody can foretell them: the sign of a difference of two words each, and whether it
 * overflowed, as Hacker's Delight has it. 3 ns a row, where comparing takes 6.
 */
function narrowMany(
  words: Int32Array,
  range: WordRange,
  flip: number,
  selection: Uint8Array,
  from: number,
  to: number,
): void {
  const minHigh = range.minHigh ^ flip;
  const maxHigh = range.maxHigh ^ flip;
  const minLow = range.minLow | 0;
  const maxLow = range.maxLow | 0;
  for (let row = from; row < to; row++) {
    const low = words[row * 2];
    const high = words[row * 2 + 1] ^ flip;
    const borrowMin = ((~low & minLow) | (~(low ^ minLow) & ((low - minLow) | 0))) >>> 31;
    const overMin = (high - minHigh) | 0;
    const belowMin = (overMin - borrowMin) | 0;
    const overflowMin =
      ((high ^ minHigh) & (high ^ overMin)) ^ ((overMin ^ borrowMin) & (overMin ^ belowMin));
    const borrowMax = ((~maxLow & low) | (~(maxLow ^ low) & ((maxLow - low) | 0))) >>> 31;
    const underMax = (maxHigh - high) | 0;
    const aboveMax = (underMax - borrowMax) | 0;
    const overflowMax =
      ((maxHigh ^ high) & (maxHigh ^ underMax)) ^ ((underMax ^ borrowMax) & (underMax ^ aboveMax));
    selection[row] &= (((belowMin ^ overflowMin) | (aboveMax ^ overflowMax)) >>> 31) ^ 1;
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
    if (selection[row] === 0) continue;
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
  if (min === 0n && max === MAX_UINT64) return;
  const signed = new Int32Array(words.buffer, words.byteOffset, words.length);
  narrowTo(signed, wordRange({ min, max }), SIGN, selection, from, to);
}

const MAX_UINT64 = (1n << 64n) - 1n;
