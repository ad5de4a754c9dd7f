/** Scalars of OTLP/JSON: 64-bit integers as strings or numbers, enums, hex ids, doubles, base64. */
import type { JsonCursor } from './json-cursor.ts';

const QUOTE = 0x22;
const ZERO = 0x30;
const MAX_UINT64 = (1n << 64n) - 1n;
const INTEGER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** An unsigned 64-bit integer into `words[at]` (low) and `words[at + 1]` (high). Null is 0. */
export function readUint64(cursor: JsonCursor, what: string, words: Uint32Array, at: number): void {
  const quoted = cursor.peek() === QUOTE;
  const start = quoted ? cursor.pos + 1 : cursor.pos;
  if (readNanoseconds(cursor, start, quoted, words, at)) return;
  const value = readInteger(cursor, what);
  if (value < 0n || value > MAX_UINT64) cursor.fail(`${what} is not an unsigned 64-bit integer`, start);
  words[at] = Number(value & 0xffffffffn);
  words[at + 1] = Number(value >> 32n);
}

/** The same for exactly 19 digits, as times have from 2001 to 2286; false, and nothing read, for all else. */
function readNanoseconds(
  cursor: JsonCursor,
  start: number,
  quoted: boolean,
  words: Uint32Array,
  at: number,
): boolean {
  const { view } = cursor;
  const end = start + 19;
  if (end >= view.byteLength) return false;
  const behind = view.getUint8(end);
  if (quoted ? behind !== QUOTE : !isDelimiter(behind)) return false;
  let low = 0;
  let high = 0;
  // Four digits a step, three in the last, by halves of a word whose product 32 bits hold.
  for (let pos = start; pos < end; pos += 4) {
    const isLast = pos + 4 > end;
    const word = isLast ? (view.getInt32(pos - 1, true) & ~0xff) | ZERO : view.getInt32(pos, true);
    const digits = fourDigits(word);
    if (digits < 0) return false;
    const factor = isLast ? 1_000 : 10_000;
    const lower = Math.imul(low & 0xffff, factor) + digits;
    const upper = Math.imul(low >>> 16, factor) + (lower >>> 16);
    low = (upper << 16) | (lower & 0xffff);
    high = (Math.imul(high, factor) + (upper >>> 16)) | 0;
  }
  words[at] = low;
  words[at + 1] = high;
  cursor.pos = quoted ? end + 1 : end;
  return true;
}

/** The number that a word of four digits shows, the first in the lowest byte; -1 when one is no digit. */
function fourDigits(word: number): number {
  const nibbles = word ^ 0x30303030;
  if (((nibbles | (nibbles + 0x76767676)) & 0x80808080) !== 0) return -1;
  const pairs = nibbles * 10 + (nibbles >>> 8);
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === 0x2c || byte === 0x7d || byte === 0x5d || (byte !== undefined && byte <= 0x20);
}

function digits(buf: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + buf[i] - 0x30;
  return value;
}

/** Any integer, as a string or a number, `1e3` and `5.0` too. Null is 0. */
export function readInteger(cursor: JsonCursor, what: string): bigint {
  if (cursor.isNull()) return 0n;
  const start = cursor.pos;
  const text = readNumberText(cursor, what);
  const match = INTEGER.exec(text);
  const exponent = Number(match?.[4] ?? 0);
  const fraction = match?.[3] ?? '';
  if (!match || match[2].length > 400 || Math.abs(exponent) > 100) {
    return cursor.fail(`${what} is not an integer`, start);
  }
  const all = BigInt(match[2] + fraction);
  const shift = BigInt(Math.abs(exponent - fraction.length));
  const scale = 10n ** shift;
  const isExact = exponent >= fraction.length || all % scale === 0n;
  if (!isExact) return cursor.fail(`${what} is not an integer`, start);
  const value = exponent >= fraction.length ? all * scale : all / scale;
  return match[1] === '-' ? -value : value;
}

/** An integer of up to nine digits that stands without quotes; -1, and nothing read, for all else. */
function readSmall(cursor: JsonCursor): number {
  cursor.peek();
  const { buf, pos: start } = cursor;
  let pos = start;
  while (buf[pos] >= 0x30 && buf[pos] <= 0x39) pos++;
  if (pos === start || pos - start > 9 || !isDelimiter(buf[pos])) return -1;
  cursor.pos = pos;
  return digits(buf, start, pos);
}

/** The text of a number that stands as such or in quotes. */
function readNumberText(cursor: JsonCursor, what: string): string {
  if (cursor.peek() !== QUOTE) return cursor.number(what);
  cursor.string(what);
  return cursor.text();
}

/** Null is 0. */
export function readUint32(cursor: JsonCursor, what: string): number {
  const small = readSmall(cursor);
  if (small >= 0) return small;
  const start = cursor.pos;
  const value = readInteger(cursor, what);
  if (value < 0n || value >= 1n << 32n) cursor.fail(`${what} is not an unsigned 32-bit integer`, start);
  return Number(value);
}

/** A member of an enum by number or name. What does not fit a byte is 0, like in protobuf. */
export function readEnum(cursor: JsonCursor, what: string, names: ReadonlyMap<string, number>): number {
  const small = readSmall(cursor);
  if (small >= 0) return small > 255 ? 0 : small;
  if (cursor.peek() === QUOTE) {
    const start = cursor.pos;
    cursor.string(what);
    const named = names.get(cursor.text());
    if (named !== undefined) return named;
    cursor.pos = start;
  }
  const value = readInteger(cursor, what);
  return value < 0n || value > 255n ? 0 : Number(value);
}

export function readDouble(cursor: JsonCursor, what: string): number {
  const start = cursor.pos;
  const isText = cursor.peek() === QUOTE;
  const text = readNumberText(cursor, what);
  const value = Number(text);
  const isNumber = text.trim() !== '' && (!Number.isNaN(value) || text === 'NaN');
  if (isText && !isNumber) cursor.fail(`${what} is not a number`, start);
  return value;
}

export function readBool(cursor: JsonCursor, what: string): boolean {
  const byte = cursor.peek();
  if (byte === 0x74) cursor.literal('true');
  else if (byte === 0x66) cursor.literal('false');
  else cursor.fail(`${what} is not true or false`);
  return byte === 0x74;
}

/** Base64, of the usual or the URL-safe alphabet, padded or not. */
export function readBytes(cursor: JsonCursor, what: string): Uint8Array {
  cursor.string(what);
  const text = cursor.text();
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) cursor.fail(`${what} is not base64`, cursor.stringStart);
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** The bits of the id met last, ORed: 0 for an id of zeros. */
export interface IdReading {
  bytes: number;
  bits: number;
}

/**
 * Copies an id of `width` bytes in hex digits to its row. `bytes` is then its width; 0 for an empty or
 * null id; -1 for anything else. The row holds zeros where it is not the width.
 */
export function readId(
  cursor: JsonCursor,
  what: string,
  into: Uint8Array,
  row: number,
  width: number,
  reading: IdReading,
): void {
  const first = row * width;
  reading.bytes = 0;
  reading.bits = 0;
  if (!cursor.isNull()) {
    cursor.string(what);
    const digits = cursor.escaped ? unescaped(cursor) : cursor.view;
    const start = cursor.escaped ? 0 : cursor.stringStart;
    const length = cursor.escaped ? digits.byteLength : cursor.stringEnd - start;
    if (length === width * 2) {
      let wrong = 0;
      let bits = 0;
      for (let i = 0; i < width; i++) {
        const byte = HEX_PAIRS[digits.getUint16(start + i * 2)];
        wrong |= byte;
        bits |= byte;
        into[first + i] = byte;
      }
      if (wrong < NO_HEX) {
        reading.bytes = width;
        reading.bits = bits;
        return;
      }
    }
    if (length > 0) reading.bytes = -1;
  }
  for (let i = 0; i < width; i++) into[first + i] = 0;
}

/** The bytes of the string read last, whose digits stand as escapes. */
function unescaped(cursor: JsonCursor): DataView {
  const bytes = new TextEncoder().encode(cursor.text());
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const NO_HEX = 256;
/** The byte that two hex digits mean, by both as one number; NO_HEX for all else. */
const HEX_PAIRS = new Uint16Array(1 << 16).fill(NO_HEX);
const DIGITS = '0123456789abcdefABCDEF';
for (const high of DIGITS) {
  for (const low of DIGITS) {
    HEX_PAIRS[high.charCodeAt(0) * 256 + low.charCodeAt(0)] = Number.parseInt(high + low, 16);
  }
}
