/** What dictionaries know of values, as codes of a field: each is made once, when it is first met. */
import { TYPE_TAGS } from '../../../../span/value.ts';
import type { AttributesVector, TextDictionary } from '../../../../span/vector.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { Texts, codesOfText } from '../scan/texts.ts';

/** From so many on it pays to decode all of a dictionary at once. */
const MANY_TEXTS = 1000;

/** In tables of codes 0 is unknown, NO_CODE itself, and a code one more than it is. */
export function entryOf(code: number): number {
  return code === NO_CODE ? NO_CODE : code + 1;
}

export function codeOfEntry(entry: number): number {
  return entry === NO_CODE ? NO_CODE : entry - 1;
}

/** Codes by a dictionary's own, each made when first met. */
export class DictionaryCodes {
  #dictionary: TextDictionary | undefined;
  #texts: Texts | undefined;
  /** See `entryOf`. */
  #table = new Uint32Array(0);

  constructor(readonly make: (texts: Texts, code: number) => number) {}

  table(dictionary: TextDictionary): Uint32Array {
    if (dictionary !== this.#dictionary) {
      this.#dictionary = dictionary;
      this.#texts = new Texts(dictionary);
      if (dictionary.count > MANY_TEXTS) this.#texts.expectMany();
      this.#table = new Uint32Array(dictionary.count);
    }
    return this.#table;
  }

  /** Of the dictionary that `table` was asked for. */
  add(text: number): number {
    if (!this.#texts) throw new Error('a code before its dictionary');
    const code = this.make(this.#texts, text);
    this.#table[text] = entryOf(code);
    return code;
  }
}

/** What one key of a map of attributes says in each row. */
export class MapCodes {
  #keys: TextDictionary | undefined;
  #values: TextDictionary | undefined;
  #hits: Uint8Array = new Uint8Array(0);
  #present = false;
  #texts: Texts | undefined;
  /** By type, then value: see `entryOf`. */
  #tables: (Uint32Array | undefined)[] = [];

  constructor(
    readonly key: string,
    readonly make: (tag: number, text: string) => number,
  ) {}

  fill(vector: AttributesVector, selected: Uint8Array, from: number, to: number, codes: Uint32Array): void {
    this.#turnTo(vector);
    const { offsets, rowIndex } = vector;
    let lastList = -1;
    let last = 0;
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      const list = rowIndex ? rowIndex[row] : row;
      if (list !== lastList) {
        lastList = list;
        last = this.#present ? this.#ofList(vector, offsets[list], offsets[list + 1]) : 0;
      }
      codes[row] = last;
    }
  }

  #ofList({ pairs, keys, types, values }: AttributesVector, from: number, to: number): number {
    for (let entry = from; entry < to; entry++) {
      const at = pairs ? pairs[entry] : entry;
      if (this.#hits[keys[at]] === 0) continue;
      const tag = types[at];
      if (tag === TYPE_TAGS.empty) return 0;
      const table = (this.#tables[tag] ??= new Uint32Array(this.#values?.count ?? 0));
      const known = table[values[at]];
      if (known !== 0) return codeOfEntry(known);
      const code = this.make(tag, this.#texts?.get(values[at]) ?? '');
      table[values[at]] = entryOf(code);
      return code;
    }
    return 0;
  }

  #turnTo({ keyDictionary, valueDictionary }: AttributesVector): void {
    if (keyDictionary !== this.#keys) {
      this.#keys = keyDictionary;
      this.#hits = codesOfText(keyDictionary, this.key);
      this.#present = this.#hits.includes(1);
    }
    if (valueDictionary === this.#values) return;
    this.#values = valueDictionary;
    this.#texts = new Texts(valueDictionary);
    this.#tables = [];
  }
}
