/** Attributes in maps, counted for a comparison. */
import { TYPES_BY_TAG, TYPE_TAGS, parseValueText } from '../../../../span/value.ts';
import type { AttributesVector, TextDictionary } from '../../../../span/vector.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import type { FieldCounts } from './comparison-fields.ts';
import type { ListedRows } from './comparison-kept.ts';
import { PairCodes } from './group-codes-pairs.ts';
import { Texts } from '../scan/texts.ts';

/** All keys of a map of attributes: each distinct key, type and value is looked up once for a block. */
export class MapCounts {
  readonly #slots = new PairCodes();
  readonly #counts: (FieldCounts | undefined)[] = [];
  #codes = new Uint32Array(64);
  readonly #keys: Texts;
  readonly #values: Texts;

  constructor(
    readonly vector: AttributesVector,
    readonly fieldOf: (key: string) => FieldCounts | undefined,
  ) {
    const dictionaries: readonly TextDictionary[] = [vector.keyDictionary, vector.valueDictionary];
    [this.#keys, this.#values] = dictionaries.map((dictionary) => new Texts(dictionary));
  }

  count({ list: rows, count, sides, buckets }: ListedRows): void {
    const { offsets, rowIndex, pairs, keys, types, values } = this.vector;
    for (let i = 0; i < count; i++) {
      const list = rowIndex ? rowIndex[rows[i]] : rows[i];
      const end = offsets[list + 1];
      for (let entry = offsets[list]; entry < end; entry++) {
        const at = pairs ? pairs[entry] : entry;
        const slot = this.#slots.code(keys[at] * TYPES_BY_TAG.length + types[at], values[at]);
        if (slot >= this.#counts.length) this.#learn(slot, keys[at], types[at], values[at]);
        if (this.#codes[slot] !== 0) this.#counts[slot]?.add(this.#codes[slot], sides[i], buckets[i], 1);
      }
    }
  }

  #learn(slot: number, key: number, tag: number, value: number): void {
    const counts = tag === TYPE_TAGS.empty ? undefined : this.fieldOf(this.#keys.get(key));
    this.#counts.push(counts);
    if (slot >= this.#codes.length) {
      const codes = new Uint32Array(this.#codes.length * 2);
      codes.set(this.#codes);
      this.#codes = codes;
    }
    if (!counts) return;
    const statics = staticsOf(parseValueText(TYPES_BY_TAG[tag], this.#values.get(value)));
    this.#codes[slot] = counts.codes.codeOf(statics);
  }
}
