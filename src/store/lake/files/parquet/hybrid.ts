/**
 * Parquet's RLE / bit-packing hybrid: levels and dictionary codes. The same loops stand here for codes and for
 * levels: shared, they would be compiled for neither kind of array, and take four times as long.
 */
import type { ByteWriter } from './bytes.ts';

/** Bits for the values 0 to `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/** `count` times the same value. */
export function writeRun(out: ByteWriter, value: number, count: number, width: number): void {
  out.varint(count * 2);
  for (let bits = 0; bits < width; bits += 8) out.byte(value >>> bits);
}

/** A run costs two bytes or more and another header for what follows: 32 bits of packed values. */
function worthwhileRun(width: number): number {
  return Math.max(8, Math.ceil(32 / Math.max(1, width)));
}

/**
 * `codes[from .. to)` of at most 24 bits. Runs that are long enough as runs, what stands between them
 * packed in groups of eight.
 */
export function writeHybrid(
  out: ByteWriter,
  codes: Uint32Array,
  from: number,
  to: number,
  width: number,
): void {
  const worthwhile = worthwhileRun(width);
  // Of a run that is long enough two values stand this far apart, wherever it begins.
  const step = worthwhile >>> 1;
  let packedFrom = from;
  let row = from;
  while (row + step < to) {
    const value = codes[row];
    if (codes[row + step] !== value) {
      row += step;
      continue;
    }
    let start = row;
    while (start > packedFrom && codes[start - 1] === value) start--;
    let end = row + 1;
    while (end < to && codes[end] === value) end++;
    const filled = filledFrom(start, packedFrom);
    if (end - filled >= worthwhile) {
      if (filled > packedFrom) packCodes(out, codes, packedFrom, filled, width);
      writeRun(out, value, end - filled, width);
      packedFrom = end;
    }
    row = end;
  }
  if (to > packedFrom) packCodes(out, codes, packedFrom, to, width);
}

/** The same of levels, of which bytes have room. */
export function writeLevels(
  out: ByteWriter,
  levels: Uint8Array,
  from: number,
  to: number,
  width: number,
): void {
  const worthwhile = worthwhileRun(width);
  const step = worthwhile >>> 1;
  let packedFrom = from;
  let row = from;
  while (row + step < to) {
    const value = levels[row];
    if (levels[row + step] !== value) {
      row += step;
      continue;
    }
    let start = row;
    while (start > packedFrom && levels[start - 1] === value) start--;
    let end = row + 1;
    while (end < to && levels[end] === value) end++;
    const filled = filledFrom(start, packedFrom);
    if (end - filled >= worthwhile) {
      if (filled > packedFrom) packLevels(out, levels, packedFrom, filled, width);
      writeRun(out, value, end - filled, width);
      packedFrom = end;
    }
    row = end;
  }
  if (to > packedFrom) packLevels(out, levels, packedFrom, to, width);
}

/** Packed values come in eights: the first of a run fill up the group before it. */
function filledFrom(start: number, packedFrom: number): number {
  return start + ((8 - ((start - packedFrom) & 7)) & 7);
}

/** The header of groups of eight, and room for them and what is stored beyond; the last is filled up with zeros. */
function beginPacked(out: ByteWriter, count: number, width: number): number {
  const groups = (count + 7) >>> 3;
  out.varint(groups * 2 + 1);
  out.reserve(groups * width + 4);
  return out.length + groups * width;
}

function packCodes(out: ByteWriter, codes: Uint32Array, from: number, to: number, width: number): void {
  const end = beginPacked(out, to - from, width);
  const { data, bytes } = out;
  let at = out.length;
  if (width === 8) for (let row = from; row < to; row++) bytes[at++] = codes[row];
  else if (width === 16) {
    for (let row = from; row < to; row++, at += 2) data.setUint16(at, codes[row], true);
  } else {
    let pending = 0;
    let bits = 0;
    for (let row = from; row < to; row++) {
      const code = codes[row];
      pending |= code << bits;
      bits += width;
      if (bits < 32) continue;
      data.setInt32(at, pending, true);
      at += 4;
      bits -= 32;
      pending = code >>> (width - bits);
    }
    data.setInt32(at, pending, true);
    at += (bits + 7) >>> 3;
  }
  bytes.fill(0, at, end);
  out.length = end;
}

function packLevels(out: ByteWriter, levels: Uint8Array, from: number, to: number, width: number): void {
  const end = beginPacked(out, to - from, width);
  const { data, bytes } = out;
  let at = out.length;
  let pending = 0;
  let bits = 0;
  for (let row = from; row < to; row++) {
    pending |= levels[row] << bits;
    bits += width;
    if (bits < 32) continue;
    data.setInt32(at, pending, true);
    at += 4;
    bits -= 32;
    pending = levels[row] >>> (width - bits);
  }
  data.setInt32(at, pending, true);
  at += (bits + 7) >>> 3;
  bytes.fill(0, at, end);
  out.length = end;
}
