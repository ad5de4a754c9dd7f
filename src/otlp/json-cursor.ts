/**
 * A position in the UTF-8 bytes of a JSON text, and the steps that move it. Nothing is built: strings
 * are ranges, objects and arrays are walked by `nextField` and `nextElement`.
 */
import { OtlpDecodeError } from './errors.ts';
import type { FieldPlace, Level } from './json-guesses.ts';
import { FieldGuesses, FIRST_FIELD } from './json-guesses.ts';
import type { Field } from './json-fields.ts';
import { endOfPlain } from '../span/words.ts';
import { END_OF_OBJECT, fieldNamed } from './json-fields.ts';

/** A value of MAX_VALUE_DEPTH levels takes three objects or arrays a level; unknown fields get the same. */
const MAX_JSON_DEPTH = 256;

const MAX_NUMBER_BYTES = 400;

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
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;

/** Of all requests: most of them look like the last one. */
const guesses = new FieldGuesses();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export class JsonCursor {
  pos = 0;
  /** The string read last: its bytes between the quotes, and whether escapes are among them. */
  stringStart = 0;
  stringEnd = 0;
  escaped = false;

  readonly view: DataView;
  readonly #buffer: Buffer;

  constructor(readonly buf: Uint8Array) {
    this.view = new DataView(buf.buffer, buf.byteOffset, buf.length);
    this.#buffer = Buffer.from(buf.buffer, buf.byteOffset, buf.length);
  }

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
    if (!this.#nextKey(isFirst)) return END_OF_OBJECT;
    const field = this.escaped
      ? this.#escapedField()
      : fieldNamed(this.buf, this.stringStart, this.stringEnd);
    this.#colon();
    return field;
  }

  /** Reads the key of the next field; false behind the last. */
  #nextKey(isFirst: boolean): boolean {
    let byte = this.peek();
    if (byte === CLOSE_OBJECT) {
      this.pos++;
      return false;
    }
    if (!isFirst) {
      if (byte !== COMMA) this.fail('malformed JSON: expected , or }');
      this.pos++;
      byte = this.peek();
    }
    if (byte !== QUOTE) this.fail('malformed JSON: expected a key');
    this.string('a key');
    return true;
  }

  #colon(): void {
    if (this.peek() !== COLON) this.fail('malformed JSON: expected :');
    this.pos++;
  }

  /**
   * The same for the objects that come in great numbers, by guess: `previous` is the field before, or
   * FIRST_FIELD.
   */
  fieldBehind(previous: FieldPlace, level: Level): Field | typeof END_OF_OBJECT {
    const start = this.pos;
    if (this.buf[start] === CLOSE_OBJECT) {
      this.pos = start + 1;
      return END_OF_OBJECT;
    }
    const guess = guesses.find(this.view, start, level, previous);
    if (guess >= 0) {
      this.pos = start + guesses.lengthOf(guess);
      return guesses.fieldOf(guess);
    }
    const field = this.nextField(previous === FIRST_FIELD);
    if (field !== END_OF_OBJECT) guesses.learn(this.buf, start, this.pos, level, previous, field);
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
    const { buf, view } = this;
    let pos = this.pos + 1;
    this.stringStart = pos;
    this.escaped = false;
    for (;;) {
      pos = endOfPlain(view, pos);
      const byte = buf[pos];
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH)
        this.fail('malformed JSON: a string does not end or holds a control character', pos);
      this.escaped = true;
      pos = Math.min(pos + 2, buf.length);
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

  /** Reads the text of a number. */
  number(what: string): string {
    const start = this.#skipNumber(what);
    return this.#buffer.toString('latin1', start, this.pos);
  }

  /** Moves behind a number and answers where it began. */
  #skipNumber(what: string): number {
    this.peek();
    const start = this.pos;
    let pos = start;
    while (pos < this.buf.length && isNumberByte(this.buf[pos])) pos++;
    if (!isNumber(this.buf, start, pos)) this.fail(`${what} is not a number`, start);
    this.pos = pos;
    return start;
  }

  /** The text of `buf[start .. end)` if it is a number. */
  numberIn(start: number, end: number): string | undefined {
    return isNumber(this.buf, start, end) ? this.#buffer.toString('latin1', start, end) : undefined;
  }

  /** The string `buf[start .. end)`, as `string` and `text` read it. */
  textIn(start: number, end: number, escaped: boolean): string {
    this.stringStart = start;
    this.stringEnd = end;
    this.escaped = escaped;
    return this.text();
  }

  /** Moves behind the number or literal that is next, whatever it says. */
  toDelimiter(): void {
    const start = this.peek() < 0 ? this.fail('malformed JSON: unexpected end') : this.pos;
    while (!isDelimiter(this.buf[this.pos])) this.pos++;
    if (this.pos === start) this.fail('malformed JSON: expected a value');
  }

  /** Moves behind the value that is next, without a look at its grammar: its bytes are known or parsed later. */
  leap(): void {
    const { buf, view } = this;
    const first = this.peek();
    if (first !== QUOTE && first !== OPEN_OBJECT && first !== OPEN_ARRAY) return this.toDelimiter();
    let pos = this.pos;
    let depth = 0;
    do {
      const byte = buf[pos++];
      if (byte === QUOTE) {
        pos = endOfPlain(view, pos);
        while (pos < buf.length && buf[pos] !== QUOTE) {
          pos = endOfPlain(view, pos + (buf[pos] === BACKSLASH ? 2 : 1));
        }
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
    const more = isObject ? this.#nextKey(isFirst) : this.nextElement(isFirst);
    if (more && isObject) {
      if (this.escaped) this.text();
      this.#colon();
    }
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
    else this.#skipNumber('a value');
  }
}

/** Whether a number or literal ends before this byte; the end of all bytes counts. */
function isDelimiter(byte: number | undefined): boolean {
  return (
    byte === undefined || byte <= SPACE || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY
  );
}

/** Is `buf[start .. end)` a number as the grammar of JSON has it, and of reasonable length? */
function isNumber(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_NUMBER_BYTES) return false;
  const whole = buf[start] === MINUS ? start + 1 : start;
  let pos = buf[whole] === ZERO ? whole + 1 : digitsEnd(buf, whole, end);
  if (pos === whole) return false;
  if (pos < end && buf[pos] === DOT) {
    const fraction = pos + 1;
    pos = digitsEnd(buf, fraction, end);
    if (pos === fraction) return false;
  }
  if (pos < end && (buf[pos] | 32) === LOWER_E) {
    const exponent = buf[pos + 1] === MINUS || buf[pos + 1] === PLUS ? pos + 2 : pos + 1;
    pos = digitsEnd(buf, exponent, end);
    if (pos === exponent) return false;
  }
  return pos === end;
}

function digitsEnd(buf: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (pos < end && buf[pos] >= ZERO && buf[pos] <= NINE) pos++;
  return pos;
}

/** Digits, signs, the point and the letter of an exponent. */
function isNumberByte(byte: number): boolean {
  const isDigit = byte >= ZERO && byte <= NINE;
  return isDigit || byte === MINUS || byte === PLUS || byte === DOT || (byte | 32) === LOWER_E;
}
