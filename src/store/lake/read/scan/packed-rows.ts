/** Rows of a block as a block of their own that is worth sending: with what of its dictionaries they need. */
import type { AttributesVector, Block, TextDictionary, TextVector, Vector } from '../../../../span/vector.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import { take } from '../../files/take.ts';

/** Row i is row `rows[i]` of the block. Columns that it does not have are left out. */
export function packedRows(block: Block, rows: Uint32Array, columns: Iterable<string>): Block {
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
  for (let row = 0; row < rows; row++) {
    const list = vector.rowIndex ? vector.rowIndex[row] : row;
    offsets[row + 1] = offsets[row] + vector.offsets[list + 1] - vector.offsets[list];
  }
  const count = offsets[rows];
  const [keys, values] = [new Uint32Array(count), new Uint32Array(count)];
  const types = new Uint8Array(count);
  const usedKeys = new UsedTexts(vector.keyDictionary);
  const usedValues = new UsedTexts(vector.valueDictionary);
  for (let row = 0, to = 0; row < rows; row++) {
    const list = vector.rowIndex ? vector.rowIndex[row] : row;
    for (let entry = vector.offsets[list]; entry < vector.offsets[list + 1]; entry++, to++) {
      const at = vector.pairs ? vector.pairs[entry] : entry;
      keys[to] = usedKeys.number(vector.keys[at]);
      types[to] = vector.types[at];
      values[to] = usedValues.number(vector.values[at]);
    }
  }
  return {
    kind: 'attributes',
    offsets,
    keys,
    types,
    values,
    keyDictionary: usedKeys.dictionary(),
    valueDictionary: usedValues.dictionary(),
  };
}

/** Texts numbered anew in the order in which they are met. */
class UsedTexts {
  /** By code, its number + 1. */
  readonly #numbers: Uint32Array;
  readonly #codes: number[] = [];

  constructor(readonly from: TextDictionary) {
    this.#numbers = new Uint32Array(from.count);
  }

  number(code: number): number {
    if (code === NULL_CODE) return NULL_CODE;
    const known = this.#numbers[code];
    if (known !== 0) return known - 1;
    this.#numbers[code] = this.#codes.push(code);
    return this.#codes.length - 1;
  }

  dictionary(): TextDictionary {
    const { offsets, bytes } = this.from;
    const codes = this.#codes;
    const ends = new Uint32Array(codes.length + 1);
    for (const [i, code] of codes.entries()) ends[i + 1] = ends[i] + offsets[code + 1] - offsets[code];
    const packed = new Uint8Array(ends[codes.length]);
    for (const [i, code] of codes.entries()) {
      packed.set(bytes.subarray(offsets[code], offsets[code + 1]), ends[i]);
    }
    return { count: codes.length, offsets: ends, bytes: packed };
  }
}
