/**
 * Dictionary codes of whole pages, unpacked straight into arrays no wider than the dictionary asks for. The same
 * loop stands here once for each kind of array: shared, it would be compiled for none of them.
 */
import { HybridReader } from './hybrid-reader.ts';

export type CodeArray = Uint8Array | Uint16Array | Uint32Array;

/** For codes from 0 to `max`. */
export function codeArray(length: number, max: number): CodeArray {
  if (max < 2 ** 8) return new Uint8Array(length);
  return max < 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}

/**
 * The `count` values in `bytes[at .. end)`, `width` bits each, to `out[to ..]`. Their one value, if they are one run;
 * else undefined. Throws RangeError when they are fewer.
 */
export function readAllCodes(
  bytes: Uint8Array,
  at: number,
  end: number,
  width: number,
  out: CodeArray,
  to: number,
  count: number,
): number | undefined {
  const reader = new HybridReader(bytes, at, end, width);
  const constant = reader.constant(count);
  if (constant !== undefined) {
    out.fill(constant, to, to + count);
    return constant;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  reader.runs(count, (from, taken, value, start) => {
    if (start < 0) out.fill(value, to + from, to + from + taken);
    else unpack(view, start, width, out, to + from, taken);
  });
  return undefined;
}

function unpack(
  view: DataView,
  start: number,
  width: number,
  out: CodeArray,
  to: number,
  count: number,
): void {
  if (width === 8 && out instanceof Uint8Array) {
    out.set(new Uint8Array(view.buffer, view.byteOffset + start, count), to);
    return;
  }
  // Four bytes are read for each value: the last ones one by one, so that nothing behind the page is read.
  const safe = Math.floor(((view.byteLength - start - 4) * 8) / Math.max(1, width));
  const fast = Math.max(0, Math.min(count, safe));
  if (out instanceof Uint8Array) unpack8(view, start, width, out, to, fast);
  else if (out instanceof Uint16Array) unpack16(view, start, width, out, to, fast);
  else unpack32(view, start, width, out, to, fast);
  for (let i = fast; i < count; i++) out[to + i] = bitsOf(view, start * 8 + i * width, width);
}

function unpack8(v: DataView, start: number, width: number, out: Uint8Array, to: number, count: number) {
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < count; i++, bit += width) {
    out[to + i] = (v.getInt32(start + (bit >>> 3), true) >>> (bit & 7)) & mask;
  }
}

function unpack16(v: DataView, start: number, width: number, out: Uint16Array, to: number, count: number) {
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < count; i++, bit += width) {
    out[to + i] = (v.getInt32(start + (bit >>> 3), true) >>> (bit & 7)) & mask;
  }
}

function unpack32(v: DataView, start: number, width: number, out: Uint32Array, to: number, count: number) {
  const mask = (1 << width) - 1;
  for (let i = 0, bit = 0; i < count; i++, bit += width) {
    out[to + i] = (v.getInt32(start + (bit >>> 3), true) >>> (bit & 7)) & mask;
  }
}

function bitsOf(view: DataView, bit: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) {
    value |= ((view.getUint8((bit + i) >>> 3) >>> ((bit + i) & 7)) & 1) << i;
  }
  return value;
}
