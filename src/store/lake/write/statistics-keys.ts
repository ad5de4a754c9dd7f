/** Which attribute keys a file has, in how many spans, and of which types. */
import type { Column, TableSchema } from '../../../span/schema.ts';
import { TYPE_LETTERS, TYPE_TAGS } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { AttributesVector, Block, Vector } from '../../../span/vector.ts';
import type { FileAttributeKey, PromotedColumn } from '../files/file-entry.ts';
import { TextNumbers } from './text-numbers.ts';

type Scope = FileAttributeKey['scope'];

/** Keys of a scope that are counted: hostile ones, each span with its own, would fill the memory. */
const MAX_TRACKED = 65_536;

const SCOPES: ReadonlyMap<string, Scope> = new Map([
  ['span_attributes', 'span'],
  ['resource_attributes', 'resource'],
  ['scope_attributes', 'instrumentation'],
  ['events', 'event'],
  ['links', 'link'],
]);

interface CountedColumn {
  readonly column: string;
  readonly isList: boolean;
  readonly keys: ScopeKeys;
}

export class KeyCounts {
  private readonly columns: readonly CountedColumn[];
  private readonly prefixes: readonly (CountedColumn & { readonly prefix: string })[];

  constructor(schema: TableSchema) {
    this.columns = schema.columns.flatMap((column) => {
      const scope = SCOPES.get(column.name);
      if (scope === undefined) return [];
      return [{ column: column.name, isList: isList(column), keys: new ScopeKeys(scope) }];
    });
    this.prefixes = schema.promoted.map(({ column, prefix }) => {
      const counted = this.columns.find((one) => one.column === column);
      if (counted === undefined) throw new Error(`${column} is not counted`);
      return { ...counted, prefix };
    });
  }

  get whole(): boolean {
    return this.columns.every(({ keys }) => keys.whole);
  }

  /** `counted`: columns whose keys come by `addCounted`, those promoted from them included. */
  add(
    block: Block,
    promoted: readonly PromotedColumn[],
    from: number,
    to: number,
    counted: ReadonlySet<string>,
  ): void {
    for (const column of promoted) {
      const { prefix, keys, column: source } = this.owner(column.name);
      if (counted.has(source)) continue;
      const rows = presentRows(vectorOf(block, column.name), from, to);
      if (rows > 0) keys.add(column.name.slice(prefix.length), rows, 1 << TYPE_TAGS[column.type]);
    }
    for (const { column, isList: list, keys } of this.columns) {
      if (counted.has(column)) continue;
      const vector = vectorOf(block, column);
      if (list) keys.addChildren(vector, from, to);
      else keys.addLists(attributesOf(vector, column), from, to);
    }
  }

  /** Keys of a column of attributes by how many rows have each of its pairs. */
  addCounted(column: string, vector: AttributesVector, rowsOfPair: Uint32Array): void {
    const counted = this.columns.find((one) => one.column === column);
    if (counted === undefined) throw new Error(`${column} is not counted`);
    counted.keys.addPairs(vector, rowsOfPair);
  }

  /** By scope and key, so that it does not matter where a key stood. */
  keys(): FileAttributeKey[] {
    return this.columns.flatMap(({ keys }) => keys.entries());
  }

  private owner(name: string): CountedColumn & { readonly prefix: string } {
    const owner = this.prefixes.find(({ prefix }) => name.startsWith(prefix));
    if (owner === undefined) throw new Error(`${name} is no promoted attribute`);
    return owner;
  }
}

class ScopeKeys {
  private readonly names = new TextNumbers(MAX_TRACKED);
  private readonly rows: number[] = [];
  /** A bit a tag. */
  private readonly types: number[] = [];

  constructor(private readonly scope: Scope) {}

  get whole(): boolean {
    return this.names.whole;
  }

  add(key: string, rows: number, types: number): void {
    this.count(this.names.entryOfText(key), rows, types);
  }

  /** A key stands at most once in a list. */
  addLists(vector: AttributesVector, from: number, to: number): void {
    const { offsets, rowIndex, pairs, keys, types, keyDictionary } = vector;
    const rowsOfKey = new Uint32Array(keyDictionary.count);
    const typesOfKey = new Uint8Array(keyDictionary.count);
    const weights = rowIndex === undefined ? undefined : rowsOfLists(rowIndex, offsets.length - 1, from, to);
    const first = weights === undefined ? from : 0;
    const last = weights === undefined ? to : offsets.length - 1;
    for (let list = first; list < last; list++) {
      const weight = weights === undefined ? 1 : weights[list];
      if (weight === 0) continue;
      const end = offsets[list + 1];
      for (let entry = offsets[list]; entry < end; entry++) {
        const pair = pairs === undefined ? entry : pairs[entry];
        rowsOfKey[keys[pair]] += weight;
        typesOfKey[keys[pair]] |= 1 << types[pair];
      }
    }
    this.countAll(vector, rowsOfKey, typesOfKey);
  }

  addPairs(vector: AttributesVector, rowsOfPair: Uint32Array): void {
    const { keys, types, keyDictionary } = vector;
    const rowsOfKey = new Uint32Array(keyDictionary.count);
    const typesOfKey = new Uint8Array(keyDictionary.count);
    for (let pair = 0; pair < rowsOfPair.length; pair++) {
      if (rowsOfPair[pair] === 0) continue;
      rowsOfKey[keys[pair]] += rowsOfPair[pair];
      typesOfKey[keys[pair]] |= 1 << types[pair];
    }
    this.countAll(vector, rowsOfKey, typesOfKey);
  }

  /** A key of several events or links of a row counts once. */
  addChildren(list: Vector, from: number, to: number): void {
    if (list.kind !== 'list') throw new Error(`${this.scope}s are no lists`);
    const vector = attributesOf(list.children.attributes, `${this.scope} attributes`);
    if (list.offsets[from] === list.offsets[to]) return;
    const { offsets, rowIndex, pairs, keys, types, keyDictionary } = vector;
    const rowsOfKey = new Uint32Array(keyDictionary.count);
    const typesOfKey = new Uint8Array(keyDictionary.count);
    const lastRow = new Int32Array(keyDictionary.count).fill(-1);
    for (let row = from; row < to; row++) {
      for (let child = list.offsets[row]; child < list.offsets[row + 1]; child++) {
        const at = rowIndex === undefined ? child : rowIndex[child];
        for (let entry = offsets[at]; entry < offsets[at + 1]; entry++) {
          const pair = pairs === undefined ? entry : pairs[entry];
          const key = keys[pair];
          typesOfKey[key] |= 1 << types[pair];
          if (lastRow[key] === row) continue;
          lastRow[key] = row;
          rowsOfKey[key]++;
        }
      }
    }
    this.countAll(vector, rowsOfKey, typesOfKey);
  }

  entries(): FileAttributeKey[] {
    const found = this.rows.map((spanCount, number) => ({
      scope: this.scope,
      key: this.names.text(number),
      spanCount,
      types: lettersOf(this.types[number]),
    }));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  private countAll(vector: AttributesVector, rowsOfKey: Uint32Array, typesOfKey: Uint8Array): void {
    const known = this.names.table(vector.keyDictionary);
    for (let key = 0; key < rowsOfKey.length; key++) {
      if (rowsOfKey[key] > 0)
        this.count(known[key] || this.names.learn(key), rowsOfKey[key], typesOfKey[key]);
    }
  }

  /** `entry` as a table of TextNumbers has it. */
  private count(entry: number, rows: number, types: number): void {
    if (entry < 0) return;
    this.rows[entry - 1] = (this.rows[entry - 1] ?? 0) + rows;
    this.types[entry - 1] = (this.types[entry - 1] ?? 0) | types;
  }
}

/** How many of the rows each list belongs to. */
function rowsOfLists(rowIndex: Uint32Array, lists: number, from: number, to: number): Uint32Array {
  const weights = new Uint32Array(lists);
  for (let row = from; row < to; row++) weights[rowIndex[row]]++;
  return weights;
}

/** Rows whose value is not null. */
function presentRows(vector: Vector, from: number, to: number): number {
  let rows = 0;
  if (vector.kind === 'text') {
    for (let row = from; row < to; row++) if (vector.codes[row] !== NULL_CODE) rows++;
    return rows;
  }
  const valid = 'valid' in vector ? vector.valid : undefined;
  if (valid === undefined) return to - from;
  for (let row = from; row < to; row++) rows += (valid[row >>> 3] >>> (row & 7)) & 1;
  return rows;
}

function lettersOf(types: number): string {
  return TYPE_LETTERS.split('')
    .filter((_, tag) => ((types >>> tag) & 1) === 1)
    .sort()
    .join('');
}

function isList(column: Column): boolean {
  return typeof column.type === 'object';
}

function vectorOf(block: Block, name: string): Vector {
  const vector = block.columns.get(name);
  if (vector === undefined) throw new Error(`a block without the column ${name}`);
  return vector;
}

function attributesOf(vector: Vector | undefined, name: string): AttributesVector {
  if (vector?.kind !== 'attributes') throw new Error(`${name} are no attributes`);
  return vector;
}
