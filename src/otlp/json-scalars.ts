/** Scalars of OTLP/JSON: 64-bit integers as strings or numbers, enums, hex ids, doubles, base64. */
import type { JsonCursor } from './json-cursor.ts';

const QUOTE = 0x22;
const TWO_32 = 2 ** 32;
const MAX_UINT64 = (1n << 64n) - 1n;
const INTEGER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** An unsigned 64-bit integer into `words[at]` (low) and `words[at + 1]` (high). Null is 0. */
export function readUint64(cursor: JsonCursor, what: string, words: Uint32Array, at: number): void {
  const quoted = cursor.peek() === QUOTE;
  const start = quoted ? cursor.pos + 1 : cursor.pos;
  const buf = cursor.buf;
  let pos = start;
  while (buf[pos] >= 0x30 && buf[pos] <= 0x39) pos++;
  const isPlain = pos > start && pos - start < 20 && (quoted ? buf[pos] === QUOTE : isDelimiter(buf[pos]));
  if (!isPlain) {
    const value = readInteger(cursor, what);
    if (value < 0n || value > MAX_UINT64) cursor.fail(`${what} is not an unsigned 64-bit integer`, start);
    words[at] = Number(value & 0xffffffffn);
    words[at + 1] = Number(value >> 32n);
    return;
  }
  // value = head * 10^9 + tail, by halves that a double holds exactly.
  const split = Math.max(start, pos - 9);
  const head = digits(buf, start, split);
  const headHigh = Math.floor(head / 65536);
  const upper = headHigh * 1e9;
  const lower = (upper % 65536) * 65536 + (head - headHigh * 65536) * 1e9 + digits(buf, split, pos);
  words[at] = lower % TWO_32;
  words[at + 1] = Math.floor(upper / 65536) + Math.floor(lower / TWO_32);
  cursor.pos = quoted ? pos + 1 : pos;
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
 * null id; -1 for anything else, and the row stays as it was.
 */
export function readId(
  cursor: JsonCursor,
  what: string,
  into: Uint8Array,
  row: number,
  width: number,
  reading: IdReading,
): void {
  reading.bytes = 0;
  reading.bits = 0;
  if (cursor.isNull()) return;
  cursor.string(what);
  const length = cursor.stringEnd - cursor.stringStart;
  if (length === 0) return;
  reading.bytes = -1;
  if (length !== width * 2) return;
  const buf = cursor.buf;
  let [wrong, bits] = [0, 0];
  for (let i = 0; i < width; i++) {
    const high = HEX[buf[cursor.stringStart + i * 2]];
    const low = HEX[buf[cursor.stringStart + i * 2 + 1]];
    wrong |= high | low;
    const byte = ((high & 15) << 4) | (low & 15);
    bits |= byte;
    into[row * width + i] = byte;
  }
  if (wrong > 15) {
    into.fill(0, row * width, row * width + width);
    return;
  }
  reading.bytes = width;
  reading.bits = bits;
}

/** The value of each hex digit by its byte; 16 for all other bytes. */
const HEX = new Uint8Array(256).fill(16);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}
