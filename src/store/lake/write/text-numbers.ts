/** Texts of many dictionaries under numbers of one's own, so that counting rows compares no text. */
import { Interner } from '../../../span/interner.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { TextDictionary } from '../../../span/vector.ts';

/** The entry of a text that came when there was no room. */
const UNTRACKED = -2;

/** Texts may be long too. */
const MAX_BYTES = 8 * 1024 * 1024;

export class TextNumbers {
  /** False when a text had no room. */
  whole = true;
  private readonly texts = new Interner();
  private dictionary: TextDictionary | undefined;
  private known = new Int32Array(0);

  constructor(private readonly limit: number) {}

  /** Numbers begin with 0, in the order in which the texts came. */
  text(number: number): string {
    return this.texts.text(number);
  }

  /**
   * For rows of one dictionary: by code, number + 1, UNTRACKED, or 0 for a code that `learn` is to be asked
   * about; nothing for NULL_CODE. The same table while the dictionary is the same.
   */
  table(dictionary: TextDictionary): Int32Array {
    if (dictionary !== this.dictionary) {
      this.dictionary = dictionary;
      this.known = new Int32Array(dictionary.count);
    }
    return this.known;
  }

  /** What the table has for the code from now on. A missing text counts as an empty one. */
  learn(code: number): number {
    const { dictionary } = this;
    if (dictionary === undefined) throw new Error('no dictionary');
    const start = code === NULL_CODE ? 0 : dictionary.offsets[code];
    const end = code === NULL_CODE ? 0 : dictionary.offsets[code + 1];
    const entry = this.entryOf(dictionary.bytes, start, end);
    if (code !== NULL_CODE) this.known[code] = entry;
    return entry;
  }

  /** The entry of a text that stands in no dictionary. */
  entryOfText(text: string): number {
    const bytes = new TextEncoder().encode(text);
    return this.entryOf(bytes, 0, bytes.length);
  }

  private entryOf(bytes: Uint8Array, start: number, end: number): number {
    const { texts } = this;
    const hasRoom = texts.count < this.limit && texts.byteLength < MAX_BYTES;
    if (hasRoom || texts.find(bytes, start, end) >= 0) {
      return texts.intern(bytes, start, end) + 1;
    }
    this.whole = false;
    return UNTRACKED;
  }
}
