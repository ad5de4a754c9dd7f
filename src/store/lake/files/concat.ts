/** Blocks of the same columns, one below the other. Dictionaries that differ are merged. */
import { joinBytes, joinWords } from '../../../span/join.ts';
import { Interner } from '../../../span/interner.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type {
  AttributesVector,
  Block,
  ListVector,
  TextDictionary,
  TextVector,
  Validity,
  Vector,
} from '../../../span/vector.ts';

interface Merged {
  readonly sources: readonly TextDictionary[];
  readonly dictionary: TextDictionary;
  /** New codes by old code, for each source. */
  readonly codes: readonly Uint32Array[];
}

export function concatBlocks(blocks: readonly Block[]): Block {
  if (blocks.length === 1) return blocks[0];
  const merger = new DictionaryMerger();
  const columns = new Map<string, Vector>();
  const sizes = blocks.map((block) => block.rows);
  for (const name of blocks[0].columns.keys()) {
    const vectors = blocks.map((block) => {
      const vector = block.columns.get(name);
      if (vector === undefined) throw new Error(`a block without the column ${name}`);
      return vector;
    });
    columns.set(name, concat(vectors, sizes, merger));
  }
  return { rows: sizes.reduce((sum, rows) => sum + rows, 0), columns };
}

/** Many columns share one dictionary: the same sources are merged once. */
class DictionaryMerger {
  private readonly known: Merged[] = [];

  merge(sources: readonly TextDictionary[]): Merged {
    const known = this.known.find((merged) => merged.sources.every((source, i) => source === sources[i]));
    if (known !== undefined) return known;
    const all = new Interner();
    const codes = sources.map((source) => {
      const renamed = new Uint32Array(source.count);
      for (let code = 0; code < source.count; code++) {
        renamed[code] = all.intern(source.bytes, source.offsets[code], source.offsets[code + 1]);
      }
      return renamed;
    });
    const merged = { sources, dictionary: all.dictionary(), codes };
    this.known.push(merged);
    return merged;
  }
}

/** `sizes`: the rows of each vector. */
function concat(vectors: readonly Vector[], sizes: readonly number[], merger: DictionaryMerger): Vector {
  const first = vectors[0];
  switch (first.kind) {
    case 'int64': {
      const all = ofKind(vectors, first.kind);
      const words = joinWords(all.map((vector) => vector.words));
      return {
        kind: 'int64',
        words,
        valid: joinValidity(
          all.map((vector) => vector.valid),
          sizes,
        ),
      };
    }
    case 'uint32':
      return {
        kind: 'uint32',
        values: joinWords(ofKind(vectors, first.kind).map((vector) => vector.values)),
      };
    case 'uint8':
      return { kind: 'uint8', values: joinBytes(ofKind(vectors, first.kind).map((vector) => vector.values)) };
    case 'float64': {
      const all = ofKind(vectors, first.kind);
      const values = new Float64Array(sizes.reduce((sum, rows) => sum + rows, 0));
      let at = 0;
      for (const vector of all) {
        values.set(vector.values, at);
        at += vector.values.length;
      }
      return {
        kind: 'float64',
        values,
        valid: joinValidity(
          all.map((vector) => vector.valid),
          sizes,
        ),
      };
    }
    case 'bool': {
      const all = ofKind(vectors, first.kind);
      const values = joinBytes(all.map((vector) => vector.values));
      return {
        kind: 'bool',
        values,
        valid: joinValidity(
          all.map((vector) => vector.valid),
          sizes,
        ),
      };
    }
    case 'fixed':
      return {
        kind: 'fixed',
        width: first.width,
        bytes: joinBytes(ofKind(vectors, first.kind).map((vector) => vector.bytes)),
      };
    case 'text':
      return concatText(ofKind(vectors, first.kind), merger);
    case 'attributes':
      return concatAttributes(ofKind(vectors, first.kind), sizes, merger);
    case 'list':
      return concatLists(ofKind(vectors, first.kind), merger);
  }
}

function ofKind<K extends Vector['kind']>(
  vectors: readonly Vector[],
  kind: K,
): Extract<Vector, { kind: K }>[] {
  return vectors.map((vector) => {
    if (vector.kind !== kind) throw new Error(`a ${vector.kind} vector among ${kind} vectors`);
    return vector as Extract<Vector, { kind: K }>;
  });
}

function concatText(vectors: readonly TextVector[], merger: DictionaryMerger): TextVector {
  const merged = merger.merge(vectors.map((vector) => vector.dictionary));
  const codes = vectors.map((vector, i) => renamed(vector.codes, merged.codes[i]));
  return { kind: 'text', codes: joinWords(codes), dictionary: merged.dictionary };
}

function concatAttributes(
  vectors: readonly AttributesVector[],
  sizes: readonly number[],
  merger: DictionaryMerger,
): AttributesVector {
  const keys = merger.merge(vectors.map((vector) => vector.keyDictionary));
  const values = merger.merge(vectors.map((vector) => vector.valueDictionary));
  const shared = vectors.some((vector) => vector.rowIndex !== undefined);
  const rowIndex = vectors.map((vector, i) => vector.rowIndex ?? numbersTo(sizes[i]));
  const lists = vectors.map((vector) => vector.offsets.length - 1);
  const pairs = vectors.map((vector) => vector.pairs ?? numbersTo(vector.offsets[vector.offsets.length - 1]));
  return {
    kind: 'attributes',
    offsets: joinOffsets(vectors.map((vector) => vector.offsets)),
    ...(shared ? { rowIndex: joinShifted(rowIndex, lists) } : {}),
    pairs: joinShifted(
      pairs,
      vectors.map((vector) => vector.keys.length),
    ),
    keys: joinWords(vectors.map((vector, i) => renamed(vector.keys, keys.codes[i]))),
    keyDictionary: keys.dictionary,
    types: joinBytes(vectors.map((vector) => vector.types)),
    values: joinWords(vectors.map((vector, i) => renamed(vector.values, values.codes[i]))),
    valueDictionary: values.dictionary,
  };
}

function concatLists(vectors: readonly ListVector[], merger: DictionaryMerger): ListVector {
  const sizes = vectors.map((vector) => vector.offsets[vector.offsets.length - 1]);
  const children: Record<string, Vector> = {};
  for (const name of Object.keys(vectors[0].children)) {
    const parts = vectors.map((vector) => vector.children[name]);
    children[name] = concat(parts, sizes, merger);
  }
  return { kind: 'list', offsets: joinOffsets(vectors.map((vector) => vector.offsets)), children };
}

function renamed(codes: Uint32Array, names: Uint32Array): Uint32Array {
  return codes.map((code) => (code === NULL_CODE ? NULL_CODE : names[code]));
}

function numbersTo(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** Indices into tables that now stand one behind the other. */
function joinShifted(parts: readonly Uint32Array[], tableSizes: readonly number[]): Uint32Array {
  let base = 0;
  const shifted = parts.map((part, i) => {
    const from = base;
    base += tableSizes[i];
    return from === 0 ? part : part.map((index) => index + from);
  });
  return joinWords(shifted);
}

/** Each part is assumed to begin with 0. */
function joinOffsets(parts: readonly Uint32Array[]): Uint32Array {
  const out = new Uint32Array(parts.reduce((sum, part) => sum + part.length - 1, 1));
  let at = 1;
  let base = 0;
  for (const part of parts) {
    for (let i = 1; i < part.length; i++) out[at++] = base + part[i];
    base += part[part.length - 1];
  }
  return out;
}

function joinValidity(parts: readonly Validity[], sizes: readonly number[]): Validity {
  if (parts.every((part) => part === undefined)) return undefined;
  const out = new Uint8Array((sizes.reduce((sum, rows) => sum + rows, 0) + 7) >>> 3);
  let at = 0;
  parts.forEach((part, i) => {
    for (let row = 0; row < sizes[i]; row++, at++) {
      if (part === undefined || (part[row >>> 3] >>> (row & 7)) & 1) out[at >>> 3] |= 1 << (at & 7);
    }
  });
  return out;
}
