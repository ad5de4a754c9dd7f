/**
 * Frequent attributes of a file get columns of their own: reading one costs 10 to 20 ns a row, finding
 * it in a map 400 ns. A column that is mostly null still costs about 55 ns a row to write, so only keys
 * that PROMOTE_SHARE of the rows carry are taken, and only those whose values have one plain type.
 */
import type { PromotedFrom, TableSchema } from '../../../span/schema.ts';
import { TYPE_TAGS } from '../../../span/value.ts';
import type { AttributesVector, Block, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import type { UsedPairs } from '../files/token-builder.ts';
import { decodeText } from './text.ts';
import { gatherOf } from './promote-gather.ts';
import type { Gather } from './promote-gather.ts';
import { ListSplitter } from './promote-split.ts';

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

export interface Candidate {
  readonly keyCode: number;
  readonly column: PromotedColumn;
  readonly rows: number;
}

export interface Promoted {
  readonly block: Block;
  /** In the order of their columns: by frequency. */
  readonly columns: readonly PromotedColumn[];
}

export interface PromotedRows {
  /** Its columns hold until the next call. */
  readonly block: Block;
  /** By the column of attributes from which others are promoted: what its lists had before. */
  readonly used: ReadonlyMap<string, UsedPairs>;
}

/** A column of attributes with how many of a file's rows have each of its pairs. */
export interface CountedLists {
  readonly column: string;
  readonly vector: AttributesVector;
  readonly rowsOfPair: Uint32Array;
}

/** The rows `indices` of a block in that order, a row group at a time, with columns for their frequent attributes. */
export class Promoter {
  /** In the order of their columns: by frequency. */
  readonly columns: readonly PromotedColumn[];
  /** The columns of attributes from which others are promoted. */
  readonly lists: readonly CountedLists[];
  readonly #gathers = new Map<string, Gather>();
  readonly #splitters: { readonly column: string; readonly splitter: ListSplitter }[] = [];

  /** `maxRows`: of the largest row group. */
  constructor(
    block: Block,
    schema: TableSchema,
    private readonly indices: Uint32Array,
    maxRows: number = indices.length,
  ) {
    const rows = Math.min(maxRows, indices.length);
    const promotedFrom = new Set(schema.promoted.map((from) => from.column));
    const own = new Set(schema.columns.map((column) => column.name));
    for (const [name, vector] of block.columns) {
      if (!promotedFrom.has(name)) this.#gathers.set(name, gatherOf(vector, rows));
    }
    const columns: PromotedColumn[] = [];
    const lists: CountedLists[] = [];
    for (const from of schema.promoted) {
      const vector = attributes(block, from.column);
      const rowsOfPair = pairCounts(vector, indices);
      const chosen = choose(vector, rowsOfPair, indices.length, from).filter(
        (candidate) => !own.has(candidate.column.name),
      );
      this.#splitters.push({ column: from.column, splitter: new ListSplitter(vector, chosen, rows) });
      columns.push(...chosen.map(({ column }) => column));
      lists.push({ column: from.column, vector, rowsOfPair });
    }
    this.columns = columns;
    this.lists = lists;
  }

  /** Rows `from .. to` of the file. */
  rows(from: number, to: number): PromotedRows {
    const indices = this.indices.subarray(from, to);
    const columns = new Map<string, Vector>();
    for (const [name, gather] of this.#gathers) columns.set(name, gather(indices));
    const used = new Map<string, UsedPairs>();
    for (const { column, splitter } of this.#splitters) {
      const split = splitter.rows(indices);
      columns.set(column, split.rest);
      for (const [slot, { name }] of splitter.columns.entries()) columns.set(name, split.columns[slot]);
      used.set(column, { vector: splitter.vector, pairs: split.pairs });
    }
    return { block: { rows: indices.length, columns }, used };
  }
}

/**
 * The rows `indices` of a block, in that order, with columns for their frequent attributes, and without
 * these in their attribute lists.
 */
export function promote(block: Block, schema: TableSchema, indices: Uint32Array): Promoted {
  const promoter = new Promoter(block, schema, indices);
  return { block: promoter.rows(0, indices.length).block, columns: promoter.columns };
}

function attributes(block: Block, name: string): AttributesVector {
  const vector = block.columns.get(name);
  if (vector?.kind !== 'attributes') throw new Error(`no attributes in ${name}`);
  return vector;
}

function choose(
  vector: AttributesVector,
  counts: Uint32Array,
  rows: number,
  from: PromotedFrom,
): Candidate[] {
  const { keys, types } = vector;
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
    const type = plainType(typesOfKey[keyCode]);
    if (type === undefined) continue;
    const name = from.prefix + decodeText(vector.keyDictionary, keyCode);
    if (!isColumnName(name)) continue;
    candidates.push({ keyCode, column: { name, type }, rows: rowsOfKey[keyCode] });
  }
  return mostFrequent(candidates, from);
}

/** The type of values that all have the same plain one. `tags`: a bit for each of TYPE_TAGS that occurs. */
export function plainType(tags: number): PromotedColumn['type'] | undefined {
  return (tags & (tags - 1)) === 0 ? PLAIN_TYPES.get(31 - Math.clz32(tags)) : undefined;
}

export function isColumnName(name: string): boolean {
  return name.length <= MAX_NAME_CHARS && !CONTROL.test(name);
}

/** The candidates that get columns, in the order of these. */
export function mostFrequent<T extends Pick<Candidate, 'column' | 'rows'>>(
  candidates: T[],
  from: PromotedFrom,
): T[] {
  candidates.sort((a, b) => b.rows - a.rows || (a.column.name < b.column.name ? -1 : 1));
  return withoutTwins(candidates).slice(0, MAX_PROMOTED.get(from.column) ?? 0);
}

/** DuckDB and Spark take `span.Route` and `span.route` for one column: the more frequent one gets it. */
function withoutTwins<T extends Pick<Candidate, 'column'>>(candidates: readonly T[]): T[] {
  const taken = new Set<string>();
  return candidates.filter(({ column }) => {
    const folded = column.name.toLowerCase();
    const isFirst = !taken.has(folded);
    taken.add(folded);
    return isFirst;
  });
}

/** Rows that carry each pair (a key stands at most once in a list). Without `pairs` an entry is a pair. */
function pairCounts(vector: AttributesVector, indices: Uint32Array): Uint32Array {
  const { offsets, rowIndex, pairs } = vector;
  const counts = new Uint32Array(vector.keys.length);
  if (rowIndex === undefined) {
    for (let i = 0; i < indices.length; i++) {
      const end = offsets[indices[i] + 1];
      for (let entry = offsets[indices[i]]; entry < end; entry++) {
        counts[pairs === undefined ? entry : pairs[entry]]++;
      }
    }
    return counts;
  }
  const rowsOfList = new Uint32Array(offsets.length - 1);
  for (let i = 0; i < indices.length; i++) rowsOfList[rowIndex[indices[i]]]++;
  for (let list = 0; list < rowsOfList.length; list++) {
    if (rowsOfList[list] === 0) continue;
    for (let entry = offsets[list]; entry < offsets[list + 1]; entry++) {
      counts[pairs === undefined ? entry : pairs[entry]] += rowsOfList[list];
    }
  }
  return counts;
}
