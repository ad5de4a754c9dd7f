/** Values whose text is too long: the part of it that fits, still a text that `parseValueText` reads. */
import type { Attribute, AttributeValue } from './span.ts';
import { isPlainKvlist, nestedText, valueText } from './value.ts';

/**
 * `valueText` in at most `maxBytes` of UTF-8, and whether that is all of it. Bytes keep their first ones, a list its
 * first entries, the last of them cut itself where it is a string or a list. A string that does not fit stays as
 * it is: the Interner cuts it. `isCut`: a list was cut when it was read, and hardly fits.
 */
export function fittingText(
  value: AttributeValue,
  maxBytes: number,
  isCut: boolean,
): { text: string; fits: boolean } {
  switch (value.type) {
    case 'string':
      return { text: value.value, fits: fits(value.value, maxBytes) };
    case 'bool':
    case 'int':
    case 'double':
    case 'empty':
      return { text: valueText(value), fits: true };
    case 'bytes': {
      const kept = value.value.subarray(0, Math.floor(maxBytes / 4) * 3);
      return {
        text: valueText({ type: 'bytes', value: kept }),
        fits: kept.length === value.value.length,
      };
    }
    case 'array':
    case 'kvlist': {
      const text = isCut ? undefined : valueText(value);
      if (text !== undefined && fits(text, maxBytes)) return { text, fits: true };
      const fitting = new Fitting().text(value, maxBytes);
      return { text: fitting ?? (value.type === 'array' ? '[]' : '{}'), fits: false };
    }
  }
}

function fits(text: string, maxBytes: number): boolean {
  return text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes;
}

/** One value being cut. After the first text that did not fit whole, nothing more is added. */
class Fitting {
  #isCut = false;
  /** Of the text made last. */
  #bytes = 0;

  /** The nested text of what fits `room` bytes; undefined where nothing of the value does. */
  text(value: AttributeValue, room: number): string | undefined {
    switch (value.type) {
      case 'string':
        return this.#string(value.value, room);
      case 'array':
        return this.#list(value.value, room, ['[', ']'], (entry, left) => this.text(entry, left));
      case 'kvlist': {
        const brackets = isPlainKvlist(value.value) ? PLAIN : LISTED;
        return this.#list(value.value, room, brackets, (entry, left) => this.#entry(entry, left, brackets));
      }
      case 'bool':
      case 'int':
      case 'double':
      case 'bytes':
      case 'empty': {
        const text = nestedText(value);
        this.#bytes = text.length;
        return text.length <= room ? text : undefined;
      }
    }
  }

  #string(text: string, room: number): string | undefined {
    const whole = JSON.stringify(text);
    this.#bytes = Buffer.byteLength(whole);
    if (this.#bytes <= room) return whole;
    this.#isCut = true;
    let left = room - 2;
    let end = 0;
    for (const character of text) {
      left -= Buffer.byteLength(JSON.stringify(character)) - 2;
      if (left < 0) break;
      end += character.length;
    }
    return end === 0 ? undefined : JSON.stringify(text.slice(0, end));
  }

  #entry({ key, value }: Attribute, room: number, brackets: readonly string[]): string | undefined {
    const name = JSON.stringify(key);
    const isPlain = brackets === PLAIN;
    const head = Buffer.byteLength(name) + (isPlain ? 1 : 3);
    const text = this.text(value, room - head);
    if (text === undefined) return undefined;
    this.#bytes += head;
    return isPlain ? `${name}:${text}` : `[${name},${text}]`;
  }

  #list<T>(
    entries: readonly T[],
    room: number,
    [opening, closing]: readonly string[],
    textOf: (entry: T, room: number) => string | undefined,
  ): string | undefined {
    let left = room - opening.length - closing.length;
    if (left < 0) return undefined;
    const texts: string[] = [];
    for (const entry of entries) {
      const text = textOf(entry, left);
      if (text === undefined) {
        this.#isCut = true;
        break;
      }
      texts.push(text);
      left -= this.#bytes + 1;
      if (this.#isCut) break;
    }
    this.#bytes = room - left;
    if (texts.length === 0) return opening[0] + closing[closing.length - 1];
    return `${opening}${texts.join(',')}${closing}`;
  }
}

const PLAIN = ['{', '}'];
const LISTED = ['{"$kvlist":[', ']}'];

/** Of the text of an entry of a list: a digit and a comma. */
export const LEAST_ENTRY_BYTES = 2;

/**
 * What a list may still be read of: its text is at least as long as what is taken of this, so that a value of
 * millions of entries is not read for the few thousand that are kept.
 */
export class ReadingRoom {
  isCut = false;

  constructor(public left: number) {}

  /** Takes the room of an entry with a text of at least `bytes`; false when there is none. */
  take(bytes: number): boolean {
    if (this.left === 0) {
      this.isCut = true;
      return false;
    }
    this.left = Math.max(0, this.left - bytes);
    return true;
  }
}
