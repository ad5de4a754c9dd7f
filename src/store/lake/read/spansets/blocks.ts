/** Few rows of a block as a block of their own that is worth sending: with what their dictionaries need. */
import type { AttributesVector, Block, TextDictionary, TextVector, Vector } from '../../../../span/vector.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import { take } from '../../files/take.ts';

/** Row i is row `rows[i]` of the block. Columns that it does not have are left out. */
export function packedRows(block: Block, rows: Uint32Array, columns: readonly string[]): Block {
  const packed = new Map<string, Vector>();
  for (const name of columns) {
    const vector = block.columns.get(name);
    if (vector) packed.set(name, pack(take(vector, rows)));
  }
  return { rows: rows.length, columns: packed };
}

function pack(vector: Vector): Vector {
  switch (vector.kind) {
    case 'text':
      return packTexts(vector);
    case 'attributes':
      return packAttributes(vector);
    case 'list': {
      const children = Object.entries(vector.children).map(([name, child]) => [name, pack(child)] as const);
      return { ...vector, children: Object.fromEntries(children) };
    }
    default:
      return vector;
  }
}

function packTexts({ kind, codes, dictionary }: TextVector): TextVector {
  const used = new UsedTexts(dictionary);
  return { kind, codes: codes.map((code) => used.number(code)), dictionary: used.dictionary() };
}

/** Lists that rows share, and pairs, are written out: what is left belongs to these rows. */
function packAttributes(vector: AttributesVector): AttributesVector {
  const rows = vector.rowIndex?.length ?? vector.offsets.length - 1;
  const offsets = new Uint32Array(rows + 1);
  const entries: number[] = [];
  for (let row = 0; row < rows; row++) {
    const list = vector.rowIndex ? vector.rowIndex[row] : row;
    for (let entry = vector.offsets[list]; entry < vector.offsets[list + 1]; entry++) {
      entries.push(vector.pairs ? vector.pairs[entry] : entry);
    }
    offsets[row + 1] = entries.length;
  }
  const keys = new UsedTexts(vector.keyDictionary);
  const values = new UsedTexts(vector.valueDictionary);
  return {
    kind: 'attributes',
    offsets,
    keys: Uint32Array.from(entries, (entry) => keys.number(vector.keys[entry])),
    types: Uint8Array.from(entries, (entry) => vector.types[entry]),
    values: Uint32Array.from(entries, (entry) => values.number(vector.values[entry])),
    keyDictionary: keys.dictionary(),
    valueDictionary: values.dictionary(),
  };
}

/** Texts numbered anew in the order in which they are met. */
class UsedTexts {
  readonly #numbers = new Map<number, number>();

  constructor(readonly from: TextDictionary) {}

  number(code: number): number {
    if (code === NULL_CODE) return NULL_CODE;
    let number = this.#numbers.get(code);
    if (number === undefined) this.#numbers.set(code, (number = this.#numbers.size));
    return number;
  }

  dictionary(): TextDictionary {
    const { offsets, bytes } = this.from;
    const count = this.#numbers.size;
    const ends = new Uint32Array(count + 1);
    let at = 0;
    for (const [code, number] of this.#numbers) ends[number + 1] = at += offsets[code + 1] - offsets[code];
    const packed = new Uint8Array(at);
    for (const [code, number] of this.#numbers) {
      packed.set(bytes.subarray(offsets[code], offsets[code + 1]), ends[number]);
    }
    return { count, offsets: ends, bytes: packed };
  }
}
