/** Rows of a block as the leaves of a Parquet file: for each its levels, and its values without the nulls. */
import { Interner } from '../../../../span/interner.ts';
import { TYPE_LETTERS } from '../../../../span/value.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type { AttributesVector, Block, TextDictionary, Vector } from '../../../../span/vector.ts';
import { Levels, innerSlots, listSlots, optionalSlots } from './levels.ts';
import type { Field, Group, Leaf } from './schema.ts';
import { countOf, densePlain, presence } from './values.ts';
import type { LeafValues } from './values.ts';

export interface LeafColumn {
  readonly levels: Levels;
  readonly values: LeafValues;
}

/** Rows of a vector, and where in the file they stand: at the top, or as elements of a list. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly levels: Levels;
}

export class Shredder {
  #letters = new Interner();

  /** The rows `from .. to` by the order of `leafPaths(fields)`. */
  shred(fields: readonly Field[], block: Block, from: number, to: number): LeafColumn[] {
    const range = { from, to, levels: Levels.required(to - from) };
    // Kept over a whole file they would take the memory of all its rows if each row had types of its own.
    this.#letters = new Interner();
    return this.#siblings(fields, (name) => block.columns.get(name), range);
  }

  #siblings(
    fields: readonly Field[],
    vectorOf: (name: string) => Vector | undefined,
    range: Range,
  ): LeafColumn[] {
    const leaves: LeafColumn[] = [];
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      const vector = vectorOf(field.name);
      if (vector === undefined) throw new Error(`a block without the column ${field.name}`);
      if (field.kind === 'leaf') leaves.push(plainLeaf(field, vector, range));
      else if (field.kind === 'list') leaves.push(...this.#list(field, vector, range));
      else {
        leaves.push(...this.#map(field, vector, range));
        // The field behind a map is its types, which the same vector holds.
        i++;
      }
    }
    return leaves;
  }

  #list(field: Group, vector: Vector, { from, to, levels }: Range): LeafColumn[] {
    if (vector.kind !== 'list') throw new Error(`${field.name} is a ${vector.kind}, no list`);
    const { offsets, children } = vector;
    const inner = { from: offsets[from], to: offsets[to], levels: listLevels(levels, offsets, from, to) };
    return this.#siblings(field.fields, (name) => children[name], inner);
  }

  /** Keys, values, and the letters of the values' types. */
  #map(field: Group, vector: Vector, { from, to, levels }: Range): LeafColumn[] {
    if (vector.kind !== 'attributes') throw new Error(`${field.name} is a ${vector.kind}, no attributes`);
    const { offsets, pairs } = expanded(vector, from, to);
    const entries = listLevels(levels, offsets, 0, to - from);
    const { keys, values, keyDictionary, valueDictionary } = vector;
    const text = (codes: Uint32Array, dictionary: TextDictionary): LeafValues => ({
      kind: 'text',
      codes,
      dictionary,
    });
    return [
      { levels: entries, values: text(picked(keys, pairs), keyDictionary) },
      { levels: entries, values: text(picked(values, pairs), valueDictionary) },
      { levels, values: this.#typeLetters(vector.types, offsets, pairs) },
    ];
  }

  #typeLetters(types: Uint8Array, offsets: Uint32Array, pairs: Uint32Array): LeafValues {
    const letters = new Uint8Array(pairs.length);
    for (let entry = 0; entry < pairs.length; entry++) {
      letters[entry] = TYPE_LETTERS.charCodeAt(types[pairs[entry]]);
    }
    const codes = new Uint32Array(offsets.length - 1);
    const none = this.#letters.intern(letters, 0, 0);
    for (let row = 0; row < codes.length; row++) {
      const first = offsets[row];
      const end = offsets[row + 1];
      codes[row] = end === first ? none : this.#letters.intern(letters, first, end);
    }
    return { kind: 'text', codes, dictionary: this.#letters.dictionary() };
  }
}

function plainLeaf(leaf: Leaf, vector: Vector, { from, to, levels }: Range): LeafColumn {
  const present = presence(vector, from, to);
  if (leaf.optional) {
    const values = densePlain(leaf, vector, from, to, present);
    const count = countOf(values);
    const own =
      levels.nested === undefined
        ? Levels.optional(to - from, present, count)
        : Levels.nested(optionalSlots(levels.nested, present ?? new Uint8Array(to - from).fill(1)), count);
    return { levels: own, values };
  }
  // Ids alone are optional in the schema, and a text without a value would shift all that follow.
  if (present?.includes(0)) throw new Error(`${leaf.name} has no value in row ${from + present.indexOf(0)}`);
  return { levels, values: densePlain(leaf, vector, from, to, undefined) };
}

function listLevels(outer: Levels, offsets: Uint32Array, from: number, to: number): Levels {
  const elements = offsets[to] - offsets[from];
  if (outer.nested === undefined) return Levels.nested(listSlots(offsets, from, to), elements);
  return Levels.nested(innerSlots(outer.nested, offsets.subarray(from, to + 1)), elements);
}

/** The lists of the rows one after another, as pairs. */
function expanded(
  vector: AttributesVector,
  from: number,
  to: number,
): { offsets: Uint32Array; pairs: Uint32Array } {
  const { rowIndex } = vector;
  const offsets = new Uint32Array(to - from + 1);
  for (let row = from; row < to; row++) {
    const list = rowIndex === undefined ? row : rowIndex[row];
    offsets[row - from + 1] = offsets[row - from] + vector.offsets[list + 1] - vector.offsets[list];
  }
  const pairs = new Uint32Array(offsets[to - from]);
  for (let row = from, at = 0; at < pairs.length; row++) {
    const list = rowIndex === undefined ? row : rowIndex[row];
    const end = vector.offsets[list + 1];
    for (let entry = vector.offsets[list]; entry < end; entry++) {
      pairs[at++] = vector.pairs === undefined ? entry : vector.pairs[entry];
    }
  }
  return { offsets, pairs };
}

function picked(codes: Uint32Array, pairs: Uint32Array): Uint32Array {
  const out = new Uint32Array(pairs.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = codes[pairs[i]];
    if (out[i] === NULL_CODE) throw new Error('an attribute without a key or a value');
  }
  return out;
}
