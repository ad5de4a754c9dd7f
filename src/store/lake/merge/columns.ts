/** An output row group under construction, from blocks of inputs that promoted different keys. */
import { grown } from '../../../span/grow.ts';
import type { Column, ColumnType, TableSchema } from '../../../span/schema.ts';
import type { Block, ListVector, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { take } from '../files/take.ts';
import { AttributesSink, PromotedSink } from './attributes.ts';
import { FixedSink, Int64Sink, Picks, TextSink, Uint32Sink, Uint8Sink } from './sinks.ts';

type Sink = Int64Sink | Uint32Sink | Uint8Sink | FixedSink | TextSink | AttributesSink | ListSink;

export class RowGroupBuilder {
  readonly #sinks = new Map<string, Sink>();
  readonly #promoted: readonly PromotedSink[];

  constructor(
    readonly schema: TableSchema,
    promoted: readonly PromotedColumn[],
    readonly maxRows: number,
  ) {
    this.#promoted = promoted.map((column) => new PromotedSink(column, maxRows));
    for (const { name, type } of schema.columns) {
      this.#sinks.set(name, type === 'attributes' ? this.#attributes(name) : sinkOf(type, maxRows));
    }
  }

  /** Begins the next row group. The block before is overwritten. */
  clear(): void {
    for (const sink of this.#sinks.values()) sink.clear();
    for (const sink of this.#promoted) sink.clear();
  }

  /** `own`: the columns that the block's file promoted. */
  add(block: Block, own: readonly PromotedColumn[], picks: Picks): void {
    for (const [name, sink] of this.#sinks) {
      const vector = block.columns.get(name);
      if (vector === undefined) throw new Error(`a block without the column ${name}`);
      if (sink instanceof AttributesSink && vector.kind === 'attributes') {
        sink.add(vector, picks, this.#ownColumns(block, name, own));
      } else put(sink, name, vector, picks);
    }
  }

  /** A view, until `clear`. Each of the rows must have been put once. */
  finish(rows: number): Block {
    const columns = new Map<string, Vector>();
    for (const [name, sink] of this.#sinks) columns.set(name, sink.finish(rows));
    for (const sink of this.#promoted) columns.set(sink.column.name, sink.finish(rows));
    return { rows, columns };
  }

  #attributes(column: string): AttributesSink {
    const byKey = new Map<string, PromotedSink>();
    const prefix = this.#prefixOf(column);
    if (prefix !== undefined) {
      for (const sink of this.#promoted) {
        if (sink.column.name.startsWith(prefix)) byKey.set(sink.column.name.slice(prefix.length), sink);
      }
    }
    return new AttributesSink(this.maxRows, byKey);
  }

  #prefixOf(column: string): string | undefined {
    return this.schema.promoted.find((from) => from.column === column)?.prefix;
  }

  #ownColumns(block: Block, column: string, own: readonly PromotedColumn[]): Map<string, Vector> {
    const found = new Map<string, Vector>();
    const prefix = this.#prefixOf(column);
    if (prefix === undefined) return found;
    for (const { name } of own) {
      if (!name.startsWith(prefix)) continue;
      const vector = block.columns.get(name);
      if (vector === undefined) throw new Error(`a block without the promoted column ${name}`);
      found.set(name.slice(prefix.length), vector);
    }
    return found;
  }
}

function sinkOf(type: ColumnType, rows: number): Sink {
  switch (type) {
    case 'int64':
      return new Int64Sink(rows);
    case 'uint32':
      return new Uint32Sink(rows);
    case 'uint8':
      return new Uint8Sink(rows);
    case 'id8':
      return new FixedSink(8, rows);
    case 'id16':
      return new FixedSink(16, rows);
    case 'text':
      return new TextSink(rows);
    case 'attributes':
      return new AttributesSink(rows);
    default:
      return new ListSink(type.list, rows);
  }
}

function put(sink: Sink, name: string, vector: Vector, picks: Picks): void {
  if (sink instanceof Int64Sink && vector.kind === 'int64') sink.add(vector, picks);
  else if (sink instanceof Uint32Sink && vector.kind === 'uint32') sink.add(vector, picks);
  else if (sink instanceof Uint8Sink && vector.kind === 'uint8') sink.add(vector, picks);
  else if (sink instanceof FixedSink && vector.kind === 'fixed') sink.add(vector, picks);
  else if (sink instanceof TextSink && vector.kind === 'text') sink.add(vector, picks);
  else if (sink instanceof AttributesSink && vector.kind === 'attributes') sink.add(vector, picks);
  else if (sink instanceof ListSink && vector.kind === 'list') sink.add(vector, picks);
  else throw new Error(`${name}: a ${vector.kind} column does not belong here`);
}

/** Lists of structs. Children stand in the order of arrival until the end: how many come is not known. */
class ListSink {
  readonly #children: ReadonlyMap<string, Sink>;
  /** By list, in the order of arrival. */
  #offsets: Uint32Array;
  #lists = 0;
  /** The list of each row. */
  #listOfRow: Uint32Array;
  #inOrder = true;

  constructor(columns: readonly Column[], rows: number) {
    this.#children = new Map(columns.map(({ name, type }) => [name, sinkOf(type, 0)]));
    this.#offsets = new Uint32Array(rows + 1);
    this.#listOfRow = new Uint32Array(rows);
  }

  reserve(rows: number): void {
    if (rows <= this.#listOfRow.length) return;
    this.#offsets = grown(this.#offsets, rows + 1);
    this.#listOfRow = grown(this.#listOfRow, rows);
  }

  clear(): void {
    this.#lists = 0;
    this.#inOrder = true;
    for (const sink of this.#children.values()) sink.clear();
  }

  add(vector: ListVector, { rows, positions }: Picks): void {
    const { offsets } = vector;
    const first = this.#offsets[this.#lists];
    for (let i = 0; i < rows.length; i++) {
      if (positions[i] !== this.#lists) this.#inOrder = false;
      this.#listOfRow[positions[i]] = this.#lists++;
      this.#offsets[this.#lists] = this.#offsets[this.#lists - 1] + offsets[rows[i] + 1] - offsets[rows[i]];
    }
    const end = this.#offsets[this.#lists];
    if (end === first) return;
    const children = new Uint32Array(end - first);
    const places = new Uint32Array(end - first);
    let at = 0;
    for (const row of rows) {
      for (let child = offsets[row]; child < offsets[row + 1]; child++) {
        children[at] = child;
        places[at] = first + at++;
      }
    }
    const picks = new Picks(children, places);
    for (const [name, sink] of this.#children) {
      sink.reserve(end);
      put(sink, name, vector.children[name], picks);
    }
  }

  finish(rows: number): ListVector {
    if (this.#lists !== rows) throw new Error(`${this.#lists} lists for ${rows} rows`);
    const offsets = this.#offsets.subarray(0, rows + 1);
    const children: Record<string, Vector> = {};
    for (const [name, sink] of this.#children) children[name] = sink.finish(offsets[rows]);
    const arrived: ListVector = { kind: 'list', offsets, children };
    return this.#inOrder ? arrived : (take(arrived, this.#listOfRow.subarray(0, rows)) as ListVector);
  }
}
