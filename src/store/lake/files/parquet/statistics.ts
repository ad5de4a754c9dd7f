/** The smallest and the largest value of a column chunk, as Parquet's readers want them to leave out row groups. */
import type { TextDictionary } from '../../../../span/vector.ts';
import type { LeafType } from './schema.ts';
import type { LeafValues } from './values.ts';

export interface ChunkStatistics {
  readonly nulls: number;
  /** PLAIN; a text or an id without a length. Absent: nothing can be said. */
  readonly bounds?: { readonly min: Uint8Array; readonly max: Uint8Array };
}

/** A longer text would cost more in every footer than its bound prunes. */
const MAX_TEXT_BYTES = 64;

/** `distinctTexts`: the codes that a column of texts uses. */
export function boundsOf(
  type: LeafType,
  values: LeafValues,
  distinctTexts: Uint32Array | undefined,
): ChunkStatistics['bounds'] {
  switch (values.kind) {
    case 'bool':
      return undefined;
    case 'words':
      if (values.words.length === 0) return undefined;
      if (type === 'double') return doubleBounds(values.words);
      return values.width === 1 ? uint32Bounds(values.words) : int64Bounds(values.words);
    case 'fixed':
      return fixedBounds(values.bytes, values.width);
    case 'text':
      return textBounds(distinctTexts ?? values.codes, values.dictionary);
  }
}

function uint32Bounds(values: Uint32Array): ChunkStatistics['bounds'] {
  let min = values[0];
  let max = min;
  for (let i = 1; i < values.length; i++) {
    const value = values[i];
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return { min: bytesOf(Uint32Array.of(min)), max: bytesOf(Uint32Array.of(max)) };
}

/** Signed, as readers see the column. */
function int64Bounds(words: Uint32Array): ChunkStatistics['bounds'] {
  let min = 0;
  let max = 0;
  for (let i = 2; i < words.length; i += 2) {
    const high = words[i + 1] | 0;
    const minHigh = words[min + 1] | 0;
    const maxHigh = words[max + 1] | 0;
    if (high < minHigh || (high === minHigh && words[i] < words[min])) min = i;
    if (high > maxHigh || (high === maxHigh && words[i] > words[max])) max = i;
  }
  return { min: bytesOf(words.slice(min, min + 2)), max: bytesOf(words.slice(max, max + 2)) };
}

/** None when there is a NaN, which has no place in the order; a zero of either sign counts as both. */
function doubleBounds(words: Uint32Array): ChunkStatistics['bounds'] {
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < words.byteLength; at += 8) {
    const value = view.getFloat64(at, true);
    if (Number.isNaN(value)) return undefined;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return {
    min: bytesOf(Float64Array.of(min === 0 ? -0 : min)),
    max: bytesOf(Float64Array.of(max === 0 ? 0 : max)),
  };
}

/** The first four bytes of an id mostly tell already. */
function fixedBounds(bytes: Uint8Array, width: number): ChunkStatistics['bounds'] {
  if (bytes.length === 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [min, max] = [0, 0];
  let least = view.getUint32(0);
  let most = least;
  for (let at = width; at < bytes.length; at += width) {
    const first = view.getUint32(at);
    if (first > least && first < most) continue;
    if (first < least || compareBytes(bytes, at, at + width, bytes, min, min + width) < 0) {
      min = at;
      least = first;
    }
    if (first > most || compareBytes(bytes, at, at + width, bytes, max, max + width) > 0) {
      max = at;
      most = first;
    }
  }
  return { min: bytes.slice(min, min + width), max: bytes.slice(max, max + width) };
}

function textBounds(codes: Uint32Array, { offsets, bytes }: TextDictionary): ChunkStatistics['bounds'] {
  if (codes.length === 0) return undefined;
  const compare = (a: number, b: number) =>
    compareBytes(bytes, offsets[a], offsets[a + 1], bytes, offsets[b], offsets[b + 1]);
  let min = codes[0];
  let max = min;
  for (let i = 1; i < codes.length; i++) {
    const code = codes[i];
    if (code === min || code === max) continue;
    if (compare(code, min) < 0) min = code;
    else if (compare(code, max) > 0) max = code;
  }
  const text = (code: number) => bytes.slice(offsets[code], offsets[code + 1]);
  const isShort =
    Math.max(offsets[min + 1] - offsets[min], offsets[max + 1] - offsets[max]) <= MAX_TEXT_BYTES;
  return isShort ? { min: text(min), max: text(max) } : undefined;
}

/** Byte by byte, unsigned; of two that begin alike the shorter is smaller. */
function compareBytes(
  a: Uint8Array,
  fromA: number,
  endA: number,
  b: Uint8Array,
  fromB: number,
  endB: number,
): number {
  const length = Math.min(endA - fromA, endB - fromB);
  for (let i = 0; i < length; i++) {
    const difference = a[fromA + i] - b[fromB + i];
    if (difference !== 0) return difference;
  }
  return endA - fromA - (endB - fromB);
}

function bytesOf(values: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
