/**
 * A position in the UTF-8 bytes of a JSON text, and the steps that move it. Nothing is built: strings
 * are ranges, objects and arrays are walked by `nextField` and `nextElement`.
 */
import { OtlpDecodeError } from './errors.ts';
import type { Field } from './json-fields.ts';
import { END_OF_OBJECT, fieldNamed } from './json-fields.ts';

/** A value of MAX_VALUE_DEPTH levels takes three objects or arrays a level; unknown fields get the same. */
const MAX_JSON_DEPTH = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_N = 0x6e;
const SPACE = 0x20;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export class JsonCursor {
  pos = 0;
  /** The string read last: its bytes between the quotes, and whether escapes are among them. */
  stringStart = 0;
  stringEnd = 0;
  escaped = false;

  constructor(readonly buf: Uint8Array) {}

  fail(problem: string, at: number = this.pos): never {
    throw new OtlpDecodeError(problem, at);
  }

  /** Moves over white space and answers the byte there; -1 at the end. */
  peek(): number {
    const buf = this.buf;
    let pos = this.pos;
    while (pos < buf.length) {
      const byte = buf[pos];
      if (byte > SPACE || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.pos = pos;
        return byte;
      }
      pos++;
    }
    this.pos = pos;
    return -1;
  }

  /** Takes the literal `null`, which stands for a field that is not set, if it is next. */
  isNull(): boolean {
    if (this.peek() !== LOWER_N) return false;
    this.literal('null');
    return true;
  }

  literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.buf[this.pos + i] !== word.charCodeAt(i)) this.fail('malformed JSON: unexpected character');
    }
    this.pos += word.length;
  }

  /** Enters an object. False for null. */
  openObject(what: string): boolean {
    return this.#open(OPEN_OBJECT, what, 'an object');
  }

  openArray(what: string): boolean {
    return this.#open(OPEN_ARRAY, what, 'an array');
  }

  #open(bracket: number, what: string, kind: string): boolean {
    if (this.peek() === bracket) {
      this.pos++;
      return true;
    }
    if (this.isNull()) return false;
    return this.fail(`${what} is not ${kind}`);
  }

  /** Moves to the value of the next field and answers which it is; END_OF_OBJECT behind the last. */
  nextField(isFirst: boolean): Field | typeof END_OF_OBJECT {
    let byte = this.peek();
    if (byte === CLOSE_OBJECT) {
      this.pos++;
      return END_OF_OBJECT;
    }
    if (!isFirst) {
      if (byte !== COMMA) this.fail('malformed JSON: expected , or }');
      this.pos++;
      byte = this.peek();
    }
    if (byte !== QUOTE) this.fail('malformed JSON: expected a key');
    this.string('a key');
    const field = this.escaped
      ? this.#escapedField()
      : fieldNamed(this.buf, this.stringStart, this.stringEnd);
    if (this.peek() !== COLON) this.fail('malformed JSON: expected :');
    this.pos++;
    return field;
  }

  #escapedField(): Field {
    const name = encoder.encode(this.text());
    return fieldNamed(name, 0, name.length);
  }

  /** Moves to the next element; false behind the last. */
  nextElement(isFirst: boolean): boolean {
    const byte = this.peek();
    if (byte === CLOSE_ARRAY) {
      this.pos++;
      return false;
    }
    if (!isFirst) {
      if (byte !== COMMA) this.fail('malformed JSON: expected , or ]');
      this.pos++;
      if (this.peek() === CLOSE_ARRAY) this.fail('malformed JSON: expected a value');
    }
    return true;
  }

  /** Reads a string into `stringStart`, `stringEnd` and `escaped`. */
  string(what: string): void {
    if (this.peek() !== QUOTE) this.fail(`${what} is not a string`);
    const buf = this.buf;
    let pos = this.pos + 1;
    this.stringStart = pos;
    this.escaped = false;
    for (;;) {
      const byte = buf[pos];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        this.escaped = true;
        pos++;
      } else if (!(byte >= SPACE)) {
        this.fail(
          'malformed JSON: a string does not end or holds a control character',
          Math.min(pos, buf.length),
        );
      }
      pos++;
    }
    this.stringEnd = pos;
    this.pos = pos + 1;
  }

  /** The string read last. A lone surrogate, which UTF-8 lacks, becomes U+FFFD. */
  text(): string {
    const text = decoder.decode(this.buf.subarray(this.stringStart, this.stringEnd));
    if (!this.escaped) return text;
    try {
      return (JSON.parse(`"${text}"`) as string).toWellFormed();
    } catch {
      return this.fail('malformed JSON: a wrong escape in a string', this.stringStart);
    }
  }

  /** Reads the text of a number; `end` of the digits is then `pos`. */
  number(what: string): string {
    this.peek();
    const start = this.pos;
    let pos = start;
    while (pos < this.buf.length && isNumberByte(this.buf[pos])) pos++;
    const text = String.fromCharCode(...this.buf.subarray(start, Math.min(pos, start + 400)));
    if (!NUMBER.test(text) || pos - start > 400) this.fail(`${what} is not a number`, start);
    this.pos = pos;
    return text;
  }

  /** Moves behind the value that is next, without a look at its grammar: its bytes are known or parsed later. */
  leap(): void {
    const buf = this.buf;
    this.peek();
    let pos = this.pos;
    let depth = 0;
    do {
      const byte = buf[pos++];
      if (byte === QUOTE) {
        while (pos < buf.length && buf[pos] !== QUOTE) pos += buf[pos] === BACKSLASH ? 2 : 1;
        pos++;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (++depth > MAX_JSON_DEPTH) this.fail(`JSON nests deeper than ${MAX_JSON_DEPTH}`, pos - 1);
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
      }
    } while (depth > 0 && pos < buf.length);
    if (depth > 0 || pos > buf.length) this.fail('malformed JSON: unexpected end', buf.length);
    this.pos = pos;
  }

  /** Moves behind the value that is next and checks that it is one: for fields that nobody knows. */
  skip(): void {
    /** One element an open bracket: is it an object's? */
    const open: boolean[] = [];
    do {
      const byte = this.peek();
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (open.length === MAX_JSON_DEPTH) this.fail(`JSON nests deeper than ${MAX_JSON_DEPTH}`);
        this.pos++;
        open.push(byte === OPEN_OBJECT);
        if (this.#enter(open, true)) continue;
      } else {
        this.#skipScalar(byte);
      }
      while (open.length > 0 && !this.#enter(open, false)) open.pop();
    } while (open.length > 0);
  }

  /** Moves to the next value of the innermost bracket. At its end, false; a bracket just opened is popped. */
  #enter(open: boolean[], isFirst: boolean): boolean {
    const isObject = open[open.length - 1];
    const more = isObject ? this.nextField(isFirst) !== END_OF_OBJECT : this.nextElement(isFirst);
    if (!more && isFirst) open.pop();
    return more;
  }

  #skipScalar(byte: number): void {
    if (byte === QUOTE) {
      this.string('a value');
      if (this.escaped) this.text();
    } else if (byte === 0x74) this.literal('true');
    else if (byte === 0x66) this.literal('false');
    else if (byte === LOWER_N) this.literal('null');
    else this.number('a value');
  }
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e || (byte | 32) === 0x65
  );
}
