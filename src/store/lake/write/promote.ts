/**
 * Frequent attributes of a file get columns of their own: reading one costs 10 to 20 ns a row, finding
 * it in a map 400 ns. A column that is mostly null still costs about 55 ns a row to write, so only keys
 * that PROMOTE_SHARE of the rows carry are taken, and only those whose values have one plain type.
 */
import type { PromotedFrom, TableSchema } from '../../../span/schema.ts';
import { TYPE_TAGS } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { AttributesVector, Block, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { decodeText, writeInt64 } from './text.ts';

export const PROMOTE_SHARE = 0.05;

/** More columns would make the footer, which every reader decodes first, longer than what they save. */
const MAX_PROMOTED: ReadonlyMap<string, number> = new Map([
  ['span_attributes', 64],
  ['resource_attributes', 32],
]);

/** A longer key would cost more in every footer than its column saves. */
const MAX_NAME_CHARS = 200;

/** Arrow refuses NUL in a name, and then the whole file could not be read; other controls no tool likes. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

const PLAIN_TYPES: ReadonlyMap<number, PromotedColumn['type']> = new Map([
  [TYPE_TAGS.string, 'string'],
  [TYPE_TAGS.int, 'int'],
  [TYPE_TAGS.double, 'double'],
  [TYPE_TAGS.bool, 'bool'],
]);

interface Candidate {
  readonly keyCode: number;
  readonly column: PromotedColumn;
  readonly rows: number;
}

export interface Promoted {
  readonly block: Block;
  /** In the order of their columns: by frequency. */
  readonly columns: readonly PromotedColumn[];
}

/** The block with columns for its frequent attributes, and without these in its attribute lists. */
export function promote(block: Block, schema: TableSchema): Promoted {
  const columns = new Map(block.columns);
  const promoted: PromotedColumn[] = [];
  for (const from of schema.promoted) {
    const vector = attributes(block, from.column);
    const taken = new Set(schema.columns.map((column) => column.name));
    const chosen = choose(vector, block.rows, from).filter((candidate) => !taken.has(candidate.column.name));
    if (chosen.length === 0) continue;
    extract(vector, block.rows, chosen).forEach((column, i) => {
      columns.set(chosen[i].column.name, column);
      promoted.push(chosen[i].column);
    });
    columns.set(from.column, without(vector, new Set(chosen.map((candidate) => candidate.keyCode))));
  }
  return { block: { rows: block.rows, columns }, columns: promoted };
}

function attributes(block: Block, name: string): AttributesVector {
  const vector = block.columns.get(name);
  if (vector?.kind !== 'attributes') throw new Error(`no attributes in ${name}`);
  return vector;
}

function choose(vector: AttributesVector, rows: number, from: PromotedFrom): Candidate[] {
  const { keys, types } = vector;
  const counts = pairCounts(vector, rows);
  const rowsOfKey = new Float64Array(vector.keyDictionary.count);
  const typesOfKey = new Uint32Array(vector.keyDictionary.count);
  for (let pair = 0; pair < counts.length; pair++) {
    if (counts[pair] === 0) continue;
    rowsOfKey[keys[pair]] += counts[pair];
    typesOfKey[keys[pair]] |= 1 << types[pair];
  }
  const candidates: Candidate[] = [];
  for (let keyCode = 0; keyCode < rowsOfKey.length; keyCode++) {
    if (rowsOfKey[keyCode] === 0 || rowsOfKey[keyCode] < rows * PROMOTE_SHARE) continue;
    const type = PLAIN_TYPES.get(31 - Math.clz32(typesOfKey[keyCode]));
    const single = (typesOfKey[keyCode] & (typesOfKey[keyCode] - 1)) === 0;
    if (!single || type === undefined) continue;
    const name = from.prefix + decodeText(vector.keyDictionary, keyCode);
    if (name.length > MAX_NAME_CHARS || CONTROL.test(name)) continue;
    candidates.push({ keyCode, column: { name, type }, rows: rowsOfKey[keyCode] });
  }
  candidates.sort((a, b) => b.rows - a.rows || (a.column.name < b.column.name ? -1 : 1));
  return withoutTwins(candidates).slice(0, MAX_PROMOTED.get(from.column) ?? 0);
}

/** DuckDB and Spark take `span.Route` and `span.route` for one column: the more frequent one gets it. */
function withoutTwins(candidates: readonly Candidate[]): Candidate[] {
  const taken = new Set<string>();
  return candidates.filter(({ column }) => {
    const folded = column.name.toLowerCase();
    const isFirst = !taken.has(folded);
    taken.add(folded);
    return isFirst;
  });
}

/** Rows that carry each pair (a key stands at most once in a list). Without `pairs` an entry is a pair. */
export function pairCounts(vector: AttributesVector, rows: number): Uint32Array {
  const { offsets, rowIndex, pairs } = vector;
  const counts = new Uint32Array(vector.keys.length);
  const lists = rowIndex === undefined ? rows : offsets.length - 1;
  const weights = rowIndex === undefined ? undefined : new Uint32Array(lists);
  if (rowIndex !== undefined) for (let row = 0; row < rows; row++) weights![rowIndex[row]]++;
  for (let list = 0; list < lists; list++) {
    const weight = weights === undefined ? 1 : weights[list];
    for (let entry = offsets[list]; entry < offsets[list + 1]; entry++) {
      counts[pairs === undefined ? entry : pairs[entry]] += weight;
    }
  }
  return counts;
}

/** One column a candidate: the value of its key in each row, or null. */
function extract(vector: AttributesVector, rows: number, chosen: readonly Candidate[]): Vector[] {
  const { offsets, rowIndex, pairs, keys } = vector;
  const slotOfKey = new Int32Array(vector.keyDictionary.count).fill(-1);
  chosen.forEach((candidate, slot) => (slotOfKey[candidate.keyCode] = slot));
  // The pair of each row and candidate + 1, row by row within a candidate.
  const found = chosen.map(() => new Uint32Array(rows));
  for (let row = 0; row < rows; row++) {
    const list = rowIndex === undefined ? row : rowIndex[row];
    for (let entry = offsets[list]; entry < offsets[list + 1]; entry++) {
      const pair = pairs === undefined ? entry : pairs[entry];
      const slot = slotOfKey[keys[pair]];
      if (slot >= 0) found[slot][row] = pair + 1;
    }
  }
  return chosen.map((candidate, slot) => typed(vector, found[slot], candidate.column.type));
}

function typed(vector: AttributesVector, found: Uint32Array, type: PromotedColumn['type']): Vector {
  const rows = found.length;
  if (type === 'string') {
    const codes = found.map((pairPlusOne) =>
      pairPlusOne === 0 ? NULL_CODE : vector.values[pairPlusOne - 1],
    );
    return { kind: 'text', codes, dictionary: vector.valueDictionary };
  }
  const valid = new Uint8Array((rows + 7) >>> 3);
  for (let row = 0; row < rows; row++) if (found[row] !== 0) valid[row >>> 3] |= 1 << (row & 7);
  switch (type) {
    case 'int': {
      const words = new Uint32Array(rows * 2);
      const copy = (from: number, to: number) => words.copyWithin(to * 2, from * 2, from * 2 + 2);
      fillByPair(vector, found, (row, text) => writeInt64(text, words, row), copy);
      return { kind: 'int64', words, valid };
    }
    case 'double': {
      const values = new Float64Array(rows);
      const copy = (from: number, to: number) => (values[to] = values[from]);
      fillByPair(vector, found, (row, text) => (values[row] = Number(text)), copy);
      return { kind: 'float64', values, valid };
    }
    case 'bool': {
      const values = new Uint8Array(rows);
      const copy = (from: number, to: number) => (values[to] = values[from]);
      fillByPair(vector, found, (row, text) => (values[row] = text === 'true' ? 1 : 0), copy);
      return { kind: 'bool', values, valid };
    }
  }
}

/** Parses the text of each distinct pair once, and copies it to the other rows that have the pair. */
function fillByPair(
  vector: AttributesVector,
  found: Uint32Array,
  parse: (row: number, text: string) => void,
  copy: (fromRow: number, toRow: number) => void,
): void {
  const rowOfPair = new Int32Array(vector.keys.length).fill(-1);
  for (let row = 0; row < found.length; row++) {
    if (found[row] === 0) continue;
    const pair = found[row] - 1;
    if (rowOfPair[pair] >= 0) copy(rowOfPair[pair], row);
    else {
      parse(row, decodeText(vector.valueDictionary, vector.values[pair]));
      rowOfPair[pair] = row;
    }
  }
}

/** The lists without the entries of some keys. */
function without(vector: AttributesVector, gone: ReadonlySet<number>): AttributesVector {
  const { pairs, keys } = vector;
  const isGone = new Uint8Array(vector.keyDictionary.count);
  for (const key of gone) isGone[key] = 1;
  const lists = vector.offsets.length - 1;
  const offsets = new Uint32Array(lists + 1);
  const kept = new Uint32Array(vector.offsets[lists]);
  let count = 0;
  for (let list = 0; list < lists; list++) {
    for (let entry = vector.offsets[list]; entry < vector.offsets[list + 1]; entry++) {
      const pair = pairs === undefined ? entry : pairs[entry];
      if (isGone[keys[pair]] === 0) kept[count++] = pair;
    }
    offsets[list + 1] = count;
  }
  return { ...vector, offsets, pairs: kept.subarray(0, count) };
}
