/** Strings, quoted names, and numbers in a query's text, as Go writes them. */
import { parseDuration } from '../span/time.ts';
import type { Static } from './ast.ts';
import { TraceqlError } from './error.ts';
import { MAX_INT } from './keywords.ts';

export interface Scanned<T> {
  readonly value: T;
  /** Behind its last character. */
  readonly end: number;
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
]);

const NUMERIC_ESCAPE = /x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y;

/** From the opening quote: "..." with escapes, or `...` without. */
export function scanString(text: string, start: number): Scanned<string> {
  return text[start] === '`' ? scanRawString(text, start) : scanQuotedString(text, start);
}

function scanRawString(text: string, start: number): Scanned<string> {
  const end = text.indexOf('`', start + 1);
  if (end < 0) throw new TraceqlError(text.length, 'the end of the query', 'a closing "`"');
  return { value: text.slice(start + 1, end).replaceAll('\r', ''), end: end + 1 };
}

function scanQuotedString(text: string, start: number): Scanned<string> {
  const out = new StringBuilder();
  let at = start + 1;
  for (;;) {
    const plain = at;
    while (at < text.length && text[at] !== '"' && text[at] !== '\\' && text[at] !== '\n') at++;
    out.text(text.slice(plain, at));
    if (at >= text.length) throw new TraceqlError(at, 'the end of the query', "a closing '\"'");
    if (text[at] === '\n') throw new TraceqlError(at, 'a line break', "a closing '\"'");
    if (text[at] === '"') return { value: out.finish(), end: at + 1 };
    at = scanEscape(text, at, out);
  }
}

/** From the backslash; answers where it ends. */
function scanEscape(text: string, start: number, out: StringBuilder): number {
  const simple = SIMPLE_ESCAPES.get(text[start + 1] ?? '');
  if (simple !== undefined) {
    out.text(simple);
    return start + 2;
  }
  NUMERIC_ESCAPE.lastIndex = start + 1;
  const match = NUMERIC_ESCAPE.exec(text);
  const code = match === null ? -1 : escapeCode(match);
  if (match === null || code < 0) {
    throw new TraceqlError(start, JSON.stringify(text.slice(start, start + 2)), 'a valid escape sequence');
  }
  if (match[1] !== undefined || match[2] !== undefined) out.byte(code);
  else out.text(match[3] === undefined ? String.fromCodePoint(code) : String.fromCharCode(code));
  return start + 1 + match[0].length;
}

function escapeCode(match: RegExpExecArray): number {
  const [, hexByte, octalByte, unit, point] = match;
  if (octalByte !== undefined) return parseInt(octalByte, 8) > 0xff ? -1 : parseInt(octalByte, 8);
  const code = parseInt(hexByte ?? unit ?? point, 16);
  return code > 0x10ffff ? -1 : code;
}

/** Texts and single bytes: `\xc3\xbc` is the two bytes of one letter. */
class StringBuilder {
  private done = '';
  private bytes: number[] = [];

  text(text: string): void {
    if (text === '') return;
    this.flush();
    this.done += text;
  }

  byte(byte: number): void {
    this.bytes.push(byte);
  }

  finish(): string {
    this.flush();
    return this.done;
  }

  private flush(): void {
    if (this.bytes.length > 0) this.done += new TextDecoder().decode(new Uint8Array(this.bytes));
    this.bytes = [];
  }
}

/** A quoted part of an attribute's name, from its quote. Only `\"` and `\\` are escapes here. */
export function scanQuotedName(text: string, start: number): Scanned<string> {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return { value, end: at + 1 };
    if (text[at] === '\\') {
      at++;
      if (text[at] !== '"' && text[at] !== '\\') {
        throw new TraceqlError(at - 1, JSON.stringify(text.slice(at - 1, at + 1)), 'the escape \\" or \\\\');
      }
    }
    value += text[at];
  }
  throw new TraceqlError(text.length, 'the end of the query', "a closing '\"'");
}

const NUMBER = /(?:\d+(\.\d*)?|(\.\d+))([eE][+-]?\d+)?/y;
/** Bounded, so that "1.1.1.1..." is not looked through again from each of its dots. */
const DURATION_TAIL = /[\d.nsumhdwy\u00b5\u03bc]{1,100}/y;

/** An int, a float or a duration, from its first digit or the "." before it. */
export function scanNumber(text: string, start: number): Scanned<Static> {
  NUMBER.lastIndex = start;
  const match = NUMBER.exec(text);
  if (match === null) throw new TraceqlError(start, JSON.stringify(text[start]), 'a number');
  const end = start + match[0].length;
  const duration = scanDuration(text, start, end);
  if (duration !== null) return duration;
  if (match[1] === undefined && match[2] === undefined && match[3] === undefined) {
    const value = BigInt(match[0]);
    if (value > MAX_INT) throw new TraceqlError(start, match[0], `an integer up to ${MAX_INT}`);
    return { value: { type: 'int', value }, end };
  }
  const value = Number(match[0]);
  if (!Number.isFinite(value)) throw new TraceqlError(start, match[0], 'a number up to 1.8e308');
  return { value: { type: 'float', value }, end };
}

function scanDuration(text: string, start: number, numberEnd: number): Scanned<Static> | null {
  DURATION_TAIL.lastIndex = numberEnd;
  const tail = DURATION_TAIL.exec(text);
  if (tail === null) return null;
  const end = numberEnd + tail[0].length;
  if (/[\p{L}_]/u.test(text[end] ?? '')) return null;
  const value = parseDuration(text.slice(start, end));
  if (value === null) return null;
  if (value > MAX_INT) throw new TraceqlError(start, text.slice(start, end), 'a duration below 292 years');
  return { value: { type: 'duration', value }, end };
}
