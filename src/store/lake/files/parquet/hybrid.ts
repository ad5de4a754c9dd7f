/** Parquet's RLE / bit-packing hybrid: levels and dictionary codes. */
import type { ByteWriter } from './bytes.ts';

type Values = Uint32Array | Uint8Array;

/** Bits for the values 0 to `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/** `count` times the same value. */
export function writeRun(out: ByteWriter, value: number, count: number, width: number): void {
  out.varint(count * 2);
  for (let bits = 0; bits < width; bits += 8) out.byte(value >>> bits);
}

/**
 * `values[from .. to)` of at most 24 bits. Runs that are long enough as runs, what stands between them
 * packed in groups of eight.
 */
export function writeHybrid(out: ByteWriter, values: Values, from: number, to: number, width: number): void {
  // A run costs two bytes or more and another header for what follows: 32 bits of packed values.
  const worthwhile = Math.max(8, Math.ceil(32 / Math.max(1, width)));
  // Of a run that is long enough two values stand this far apart, wherever it begins.
  const step = worthwhile >>> 1;
  let packedFrom = from;
  let row = from;
  while (row + step < to) {
    const value = values[row];
    if (values[row + step] !== value) {
      row += step;
      continue;
    }
    let start = row;
    while (start > packedFrom && values[start - 1] === value) start--;
    let end = row + 1;
    while (end < to && values[end] === value) end++;
    // Packed values come in eights: the first of a run fill up the group before it.
    const filled = start + ((8 - ((start - packedFrom) & 7)) & 7);
    if (end - filled >= worthwhile) {
      if (filled > packedFrom) writePacked(out, values, packedFrom, filled, width);
      writeRun(out, value, end - filled, width);
      packedFrom = end;
    }
    row = end;
  }
  if (to > packedFrom) writePacked(out, values, packedFrom, to, width);
}

/** Groups of eight, the last filled up with zeros. */
function writePacked(out: ByteWriter, values: Values, from: number, to: number, width: number): void {
  const groups = Math.ceil((to - from) / 8);
  out.varint(groups * 2 + 1);
  out.reserve(groups * width);
  const end = out.length + groups * width;
  const { bytes } = out;
  let at = out.length;
  let bits = 0;
  let pending = 0;
  for (let row = from; row < to; row++) {
    pending |= values[row] << bits;
    bits += width;
    while (bits >= 8) {
      bytes[at++] = pending;
      pending >>>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) bytes[at++] = pending;
  bytes.fill(0, at, end);
  out.length = end;
}
