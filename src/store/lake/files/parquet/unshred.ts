/** Leaves as the vectors that shred.ts took apart. */
import { NULL_CODE } from '../../../../span/vector.ts';
import type { AttributesVector, TextVector, Validity, Vector } from '../../../../span/vector.ts';
import { typeTags } from '../parquet-vectors.ts';
import type { LeafRows } from './leaf-reader.ts';
import type { Field, Group, Leaf } from './schema.ts';
import { countOf } from './values.ts';

/**
 * The columns of `rows` rows out of `leaves`, by the order of `leafPaths(fields)`. Throws RangeError when leaves don't
 * have as many rows, values or entries as those beside them.
 */
export function unshred(
  fields: readonly Field[],
  leaves: readonly LeafRows[],
  rows: number,
): Map<string, Vector> {
  return new Unshredder(leaves).siblings(fields, 0, rows);
}

class Unshredder {
  #next = 0;
  /** Leaves of a list mostly have the same levels: those that were read last, and what they mean. */
  #known: { rows: LeafRows; depth: number; offsets: Uint32Array } | undefined;

  constructor(private readonly leaves: readonly LeafRows[]) {}

  /** `depth`: in how many lists the fields stand; `count`: of the innermost list's elements. */
  siblings(fields: readonly Field[], depth: number, count: number): Map<string, Vector> {
    const vectors = new Map<string, Vector>();
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      if (field.kind === 'leaf') vectors.set(field.name, this.#leaf(field, depth, count));
      else if (field.kind === 'list') vectors.set(field.name, this.#list(field, depth, count));
      else {
        const letters = fields[++i];
        if (letters?.kind !== 'leaf') throw new RangeError(`${field.name} without types`);
        const entries = this.#map(field, depth, count);
        const types = this.#leaf(letters, depth, count);
        if (types.kind !== 'text') throw new RangeError(`${letters.name} is a ${types.kind}`);
        vectors.set(field.name, { ...entries, types: typeTags(types, entries.offsets) });
        if (depth === 0) vectors.set(letters.name, types);
      }
    }
    return vectors;
  }

  #list(field: Group, depth: number, count: number): Vector {
    const first = this.#next;
    const offsets = this.#offsets(first, depth, count);
    const children = Object.fromEntries(this.siblings(field.fields, depth + 1, offsets[count]));
    for (let leaf = first + 1; leaf < this.#next; leaf++) {
      expectEqual(field, offsets, this.#offsets(leaf, depth, count));
    }
    return { kind: 'list', offsets, children };
  }

  #map(field: Group, depth: number, count: number): Omit<AttributesVector, 'types'> {
    const offsets = this.#offsets(this.#next, depth, count);
    expectEqual(field, offsets, this.#offsets(this.#next + 1, depth, count));
    const entries = offsets[count];
    const [keys, values] = field.fields.map((each) =>
      each.kind === 'leaf' ? this.#leaf(each, depth + 1, entries) : undefined,
    );
    if (keys?.kind !== 'text' || values?.kind !== 'text') throw new RangeError(`${field.name} is no map`);
    return {
      kind: 'attributes',
      offsets,
      keys: keys.codes,
      keyDictionary: keys.dictionary,
      values: values.codes,
      valueDictionary: values.dictionary,
    };
  }

  #offsets(leaf: number, depth: number, count: number): Uint32Array {
    const rows = this.leaves[leaf];
    const known = this.#known;
    if (known?.depth === depth && known.offsets.length === count + 1 && haveSameLevels(known.rows, rows)) {
      return known.offsets;
    }
    const offsets = offsetsOf(rows, depth, count);
    this.#known = { rows, depth, offsets };
    return offsets;
  }

  #leaf(leaf: Leaf, depth: number, count: number): Vector {
    const rows = this.leaves[this.#next++];
    const present = leaf.optional ? presentOf(rows, depth, count) : undefined;
    const values = countOf(rows.values);
    const expected = present === undefined ? count : present.reduce((sum, each) => sum + each, 0);
    if (values !== expected) throw new RangeError(`${leaf.name} has ${values} values for ${expected}`);
    return vectorOf(leaf, rows, expected === count ? undefined : present, count);
  }
}

/** For each element of the depth whether the leaf has a value there. */
function presentOf({ repetition, definition }: LeafRows, depth: number, count: number): Uint8Array {
  if (definition === undefined) throw new RangeError('an optional column without levels');
  const present = new Uint8Array(count);
  let element = 0;
  for (let slot = 0; slot < definition.length; slot++) {
    if ((repetition?.[slot] ?? 0) > depth || definition[slot] < depth) continue;
    present[element++] = definition[slot] > depth ? 1 : 0;
  }
  if (element !== count) throw new RangeError(`levels of ${element} elements for ${count}`);
  return present;
}

/** Element e of the depth has the children `offsets[e] .. offsets[e + 1]`. */
function offsetsOf(rows: LeafRows | undefined, depth: number, count: number): Uint32Array {
  if (rows?.repetition === undefined || rows.definition === undefined) {
    throw new RangeError('a list without levels');
  }
  const { repetition, definition } = rows;
  const offsets = new Uint32Array(count + 1);
  let element = 0;
  let child = 0;
  for (let slot = 0; slot < definition.length; slot++) {
    if (repetition[slot] <= depth && definition[slot] >= depth) offsets[element++] = child;
    if (repetition[slot] <= depth + 1 && definition[slot] > depth) child++;
  }
  if (element !== count) throw new RangeError(`levels of ${element} lists for ${count}`);
  offsets[count] = child;
  return offsets;
}

function haveSameLevels(a: LeafRows, b: LeafRows): boolean {
  return haveSameBytes(a.repetition, b.repetition) && haveSameBytes(a.definition, b.definition);
}

function haveSameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}

function expectEqual({ name }: Group, offsets: Uint32Array, others: Uint32Array): void {
  if (offsets === others) return;
  for (let i = 0; i < offsets.length; i++) {
    if (offsets[i] !== others[i])
      throw new RangeError(`the columns of ${name} have lists of different lengths`);
  }
}

/** `present`: one byte a row; absent: all rows have a value. */
function vectorOf(leaf: Leaf, { values }: LeafRows, present: Uint8Array | undefined, count: number): Vector {
  const valid = present === undefined ? {} : { valid: bitsOf(present) };
  switch (values.kind) {
    case 'words': {
      const words = spreadWords(values.words, values.width, present, count);
      if (leaf.type === 'int64') return { kind: 'int64', words, ...valid };
      if (leaf.type === 'uint32') return { kind: 'uint32', values: words };
      if (leaf.type === 'uint8') return { kind: 'uint8', values: Uint8Array.from(words) };
      return { kind: 'float64', values: new Float64Array(words.slice().buffer), ...valid };
    }
    case 'bool':
      return { kind: 'bool', values: spreadBytes(values.values, 1, present, count), ...valid };
    case 'fixed': {
      const { width } = values;
      return { kind: 'fixed', width, bytes: spreadBytes(values.bytes, width, present, count) };
    }
    case 'text':
      return textVector(values, present, count);
  }
}

function textVector(
  { codes, dictionary }: Pick<TextVector, 'codes' | 'dictionary'>,
  present: Uint8Array | undefined,
  count: number,
): TextVector {
  if (present === undefined) return { kind: 'text', codes, dictionary };
  const out = new Uint32Array(count).fill(NULL_CODE);
  for (let row = 0, at = 0; row < count; row++) if (present[row] === 1) out[row] = codes[at++];
  return { kind: 'text', codes: out, dictionary };
}

function bitsOf(present: Uint8Array): Validity {
  const bits = new Uint8Array((present.length + 7) >>> 3);
  for (let row = 0; row < present.length; row++) bits[row >>> 3] |= present[row] << (row & 7);
  return bits;
}

function spreadWords(
  words: Uint32Array,
  width: number,
  present: Uint8Array | undefined,
  count: number,
): Uint32Array {
  if (present === undefined) return words;
  const out = new Uint32Array(count * width);
  for (let row = 0, at = 0; row < count; row++) {
    if (present[row] === 1) for (let i = 0; i < width; i++) out[row * width + i] = words[at++];
  }
  return out;
}

function spreadBytes(
  bytes: Uint8Array,
  width: number,
  present: Uint8Array | undefined,
  count: number,
): Uint8Array {
  if (present === undefined) return bytes;
  const out = new Uint8Array(count * width);
  for (let row = 0, at = 0; row < count; row++) {
    if (present[row] === 1) for (let i = 0; i < width; i++) out[row * width + i] = bytes[at++];
  }
  return out;
}
