/** Runs of bytes, kept one behind the other and compared eight bytes at a time. */
import { grown } from './grow.ts';

const FIRST_BYTES = 1024;

export class ByteArena {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  view: DataView = new DataView(this.bytes.buffer);
  /** Bytes in use. */
  count = 0;

  /** Copies `source[from .. to)` and answers where it stands now. */
  add(source: DataView, from: number, to: number): number {
    const first = this.count;
    const after = first + to - from;
    if (after > this.bytes.length) {
      this.bytes = grown(this.bytes, after);
      this.view = new DataView(this.bytes.buffer);
    }
    for (let i = from, at = first; i < to; i++) this.bytes[at++] = source.getUint8(i);
    this.count = after;
    return first;
  }
}

/**
 * Are `own[first .. first + length)` and the bytes from `source[at]` on equal? As doubles, of which eight
 * bytes cost 27 instructions, like four as an integer. Bytes that are no number equal nothing as a double.
 */
export function standsAt(
  own: DataView,
  first: number,
  length: number,
  source: DataView,
  at: number,
): boolean {
  if (at + length > source.byteLength) return false;
  const last = length - 8;
  if (last < 0) return areEqual(own, first, length, source, at);
  for (let i = 0; i < last; i += 8) {
    const double = own.getFloat64(first + i, true);
    if (double === source.getFloat64(at + i, true)) continue;
    return Number.isNaN(double) && areEqual(own, first + i, length - i, source, at + i);
  }
  const double = own.getFloat64(first + last, true);
  if (double === source.getFloat64(at + last, true)) return true;
  return Number.isNaN(double) && areEqual(own, first + last, 8, source, at + last);
}

function areEqual(own: DataView, first: number, length: number, source: DataView, at: number): boolean {
  let i = 0;
  for (const last = length - 3; i < last; i += 4) {
    if (own.getInt32(first + i, true) !== source.getInt32(at + i, true)) return false;
  }
  for (; i < length; i++) if (own.getUint8(first + i) !== source.getUint8(at + i)) return false;
  return true;
}

/** One step of a hash over words. */
export function mixWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/**
 * Which of a word's four bytes, counted from the lowest, ends or breaks a run of plain characters in a JSON
 * string: a quote, a backslash or a control character. 4 when none does.
 */
export function stopInText(word: number): number {
  const quote = word ^ 0x22222222;
  const slash = word ^ 0x5c5c5c5c;
  // A borrow makes false marks only above a true one, so the lowest mark is right.
  const marks =
    ((quote - 0x01010101) & ~quote) | ((slash - 0x01010101) & ~slash) | ((word - 0x20202020) & ~word);
  const found = marks & 0x80808080;
  return found === 0 ? 4 : (31 - Math.clz32(found & -found)) >>> 3;
}

/** The first byte of `source` from `from` on that is not plain in a JSON string; its length when all are. */
export function endOfPlain(source: DataView, from: number): number {
  const size = source.byteLength;
  let pos = from;
  for (const last = size - 4; pos <= last; pos += 4) {
    const stop = stopInText(source.getInt32(pos, true));
    if (stop < 4) return pos + stop;
  }
  for (; pos < size; pos++) {
    const byte = source.getUint8(pos);
    if (byte === 0x22 || byte === 0x5c || byte < 0x20) return pos;
  }
  return size;
}
