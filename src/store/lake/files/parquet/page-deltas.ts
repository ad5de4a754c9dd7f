/**
 * DELTA_BINARY_PACKED pages read whole: the values of 64 bits as two words each, all in 32-bit integers. What
 * single rows need of a page is delta-reader.ts's.
 */
import { MAX_BLOCK_VALUES } from './delta-reader.ts';

/** What a number that was read last is: a module has no other way to give two words without an object. */
interface Cursor {
  at: number;
  low: number;
  high: number;
}

/**
 * All `count` values that begin at `from`, to `out[at * 2 ..]`. Throws RangeError when they are not as many, or
 * the page ends before.
 */
export function readAllDeltas(
  bytes: Uint8Array,
  from: number,
  count: number,
  out: Uint32Array,
  at: number,
): void {
  if (out.length < (at + count) * 2) throw new RangeError(`no room for ${count} values at ${at}`);
  const cursor: Cursor = { at: from, low: 0, high: 0 };
  const perBlock = size(bytes, cursor);
  const parts = size(bytes, cursor);
  const perPart = partLength(perBlock, parts, size(bytes, cursor), count);
  zigzag(bytes, cursor);
  out[at * 2] = cursor.low;
  out[at * 2 + 1] = cursor.high;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let value = 1; value < count; value += perBlock) {
    zigzag(bytes, cursor);
    const widths = cursor.at;
    cursor.at += parts;
    for (let part = 0; part < parts; part++) {
      const first = value + part * perPart;
      if (first >= count) break;
      const width = bytes[widths + part];
      const start = cursor.at;
      cursor.at = partEnd(bytes, start, perPart, width);
      const taken = Math.min(perPart, count - first);
      // A difference is read as a word of four bytes and a fifth: what stands behind the part must be there.
      const isSimple = width <= 32 && cursor.at + 5 <= bytes.length;
      const add = isSimple ? addNarrow : addWide;
      add(view, start, width, taken, cursor.low, cursor.high, out, (at + first) * 2);
    }
  }
}

/** `out[to]` and on: the value before, and `count` times a difference of up to 32 bits and the block's least added. */
function addNarrow(
  view: DataView,
  start: number,
  width: number,
  count: number,
  minLow: number,
  minHigh: number,
  out: Uint32Array,
  to: number,
): void {
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let low = out[to - 2] | 0;
  let high = out[to - 1] | 0;
  let at = to;
  let bit = 0;
  for (let i = 0; i < count; i++) {
    const byte = start + (bit >>> 3);
    const shift = bit & 7;
    let difference = view.getInt32(byte, true) >>> shift;
    if (shift + width > 32) difference |= view.getUint8(byte + 4) << (32 - shift);
    difference &= mask;
    const sum = (low + difference) | 0;
    const value = (sum + minLow) | 0;
    high = (high + minHigh + carry(low, difference, sum) + carry(sum, minLow, value)) | 0;
    low = value;
    out[at] = low;
    out[at + 1] = high;
    at += 2;
    bit += width;
  }
}

/** The same for differences of up to 64 bits, and where nothing stands behind them. */
function addWide(
  view: DataView,
  start: number,
  width: number,
  count: number,
  minLow: number,
  minHigh: number,
  out: Uint32Array,
  to: number,
): void {
  let low = out[to - 2] | 0;
  let high = out[to - 1] | 0;
  for (let i = 0; i < count; i++) {
    const bit = start * 8 + i * width;
    const differenceLow = bitsAt(view, bit, Math.min(32, width));
    const differenceHigh = width > 32 ? bitsAt(view, bit + 32, width - 32) : 0;
    const sum = (low + differenceLow) | 0;
    const value = (sum + minLow) | 0;
    const carries = carry(low, differenceLow, sum) + carry(sum, minLow, value);
    high = (high + minHigh + differenceHigh + carries) | 0;
    low = value;
    out[to + i * 2] = low;
    out[to + i * 2 + 1] = high;
  }
}

/**
 * The same for values that all fit into an unsigned word, which the column's bounds say: one word each, at half the
 * time and memory.
 */
export function readNarrowDeltas(
  bytes: Uint8Array,
  from: number,
  count: number,
  out: Uint32Array,
  at: number,
): void {
  if (out.length < at + count) throw new RangeError(`no room for ${count} values at ${at}`);
  const cursor: Cursor = { at: from, low: 0, high: 0 };
  const perBlock = size(bytes, cursor);
  const parts = size(bytes, cursor);
  const perPart = partLength(perBlock, parts, size(bytes, cursor), count);
  zigzag(bytes, cursor);
  out[at] = cursor.low;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let value = 1; value < count; value += perBlock) {
    zigzag(bytes, cursor);
    const widths = cursor.at;
    cursor.at += parts;
    for (let part = 0; part < parts; part++) {
      const first = value + part * perPart;
      if (first >= count) break;
      const width = bytes[widths + part];
      const start = cursor.at;
      cursor.at = partEnd(bytes, start, perPart, width);
      const taken = Math.min(perPart, count - first);
      const isSimple = width <= 32 && cursor.at + 5 <= bytes.length;
      const add = isSimple ? addLows : addLowsSlowly;
      add(view, start, width, taken, cursor.low, out, at + first);
    }
  }
}

function addLows(
  view: DataView,
  start: number,
  width: number,
  count: number,
  minLow: number,
  out: Uint32Array,
  to: number,
): void {
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let low = out[to - 1] | 0;
  for (let i = 0, bit = 0; i < count; i++, bit += width) {
    const byte = start + (bit >>> 3);
    const shift = bit & 7;
    let difference = view.getInt32(byte, true) >>> shift;
    if (shift + width > 32) difference |= view.getUint8(byte + 4) << (32 - shift);
    low = (low + (difference & mask) + minLow) | 0;
    out[to + i] = low;
  }
}

function addLowsSlowly(
  view: DataView,
  start: number,
  width: number,
  count: number,
  minLow: number,
  out: Uint32Array,
  to: number,
): void {
  let low = out[to - 1] | 0;
  for (let i = 0; i < count; i++) {
    low = (low + bitsAt(view, start * 8 + i * width, Math.min(32, width)) + minLow) | 0;
    out[to + i] = low;
  }
}

/** Values of a part. */
function partLength(perBlock: number, parts: number, total: number, count: number): number {
  const perPart = perBlock / parts;
  if (perBlock > MAX_BLOCK_VALUES || !Number.isInteger(perPart / 32) || perPart === 0) {
    throw new RangeError(`blocks of ${perBlock} differences in ${parts} parts`);
  }
  if (total !== count) throw new RangeError(`${total} values for ${count}`);
  return perPart;
}

function partEnd(bytes: Uint8Array, start: number, perPart: number, width: number): number {
  const end = start + (perPart * width) / 8;
  if (width > 64 || !(end <= bytes.length)) {
    throw new RangeError(`differences of ${width} bits to ${end}, where ${bytes.length} are left`);
  }
  return end;
}

/** 1 when the sum of two unsigned words is beyond 32 bits. */
function carry(a: number, b: number, sum: number): number {
  return ((a & b) | ((a | b) & ~sum)) >>> 31;
}

/** `width` bits, up to 32, byte by byte. */
function bitsAt(view: DataView, bit: number, width: number): number {
  let value = 0;
  for (let done = 0; done < width;) {
    const shift = (bit + done) & 7;
    const taken = Math.min(8 - shift, width - done);
    value |= ((view.getUint8((bit + done) >>> 3) >>> shift) & ((1 << taken) - 1)) << done;
    done += taken;
  }
  return value;
}

/** A number of up to 32 bits. */
function size(bytes: Uint8Array, cursor: Cursor): number {
  varint(bytes, cursor);
  return cursor.low >>> 0;
}

function zigzag(bytes: Uint8Array, cursor: Cursor): void {
  varint(bytes, cursor);
  const { low, high } = cursor;
  const sign = -(low & 1);
  cursor.low = ((low >>> 1) | (high << 31)) ^ sign;
  cursor.high = (high >>> 1) ^ sign;
}

/** Of 64 bits. */
function varint(bytes: Uint8Array, cursor: Cursor): void {
  let low = 0;
  let high = 0;
  let at = cursor.at;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= bytes.length) throw new RangeError(`a number at ${cursor.at}, where no bytes are left`);
    const byte = bytes[at++];
    const part = byte & 0x7f;
    if (shift < 32) low |= part << shift;
    if (shift > 25) high |= shift < 32 ? part >>> (32 - shift) : part << (shift - 32);
    if (byte < 0x80) {
      cursor.at = at;
      cursor.low = low;
      cursor.high = high;
      return;
    }
  }
  throw new RangeError(`too long a number before ${at}`);
}
