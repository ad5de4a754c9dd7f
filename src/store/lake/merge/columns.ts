/** An output row group under construction, from blocks of inputs that promoted different keys. */
import type { Column, ColumnType, TableSchema } from '../../../span/schema.ts';
import type { Block, ListVector, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { take } from '../files/take.ts';
import type { ColumnSource } from '../read/scan/column-source.ts';
import { AttributesSink, PromotedSink } from './attributes.ts';
import { addConstant, addText, loaded } from './load.ts';
import { Lists, Picks } from './picks.ts';
import { FixedSink, Int64Sink, TextSink, Uint32Sink, Uint8Sink } from './sinks.ts';

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

  /** `own`: the columns that the source's file promoted. Loads what it takes. */
  add(source: ColumnSource, own: readonly PromotedColumn[], picks: Picks): void {
    for (const [name, sink] of this.#sinks) {
      if (sink instanceof TextSink && addText(sink, source, name, picks)) continue;
      if (isNumbers(sink) && addConstant(sink, source, name, picks)) continue;
      const vector = loaded(source, name, picks);
      if (vector === undefined) throw new Error(`a block without the column ${name}`);
      if (sink instanceof AttributesSink && vector.kind === 'attributes') {
        sink.addFrom(source, vector, picks, this.#ownColumns(name, own));
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

  #ownColumns(column: string, own: readonly PromotedColumn[]): Map<string, string> {
    const prefix = this.#prefixOf(column);
    const names = own.map(({ name }) => name);
    const found = prefix === undefined ? [] : names.filter((name) => name.startsWith(prefix));
    return new Map(found.map((name) => [name.slice(prefix?.length), name]));
  }
}

function isNumbers(sink: Sink): sink is Uint32Sink | Uint8Sink {
  return sink instanceof Uint32Sink || sink instanceof Uint8Sink;
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
  readonly #lists: Lists;

  constructor(columns: readonly Column[], rows: number) {
    this.#children = new Map(columns.map(({ name, type }) => [name, sinkOf(type, 0)]));
    this.#lists = new Lists(rows);
  }

  reserve(rows: number): void {
    this.#lists.reserve(rows);
  }

  clear(): void {
    this.#lists.clear();
    for (const sink of this.#children.values()) sink.clear();
  }

  add(vector: ListVector, lists: Picks): void {
    const { offsets } = vector;
    if (offsets[offsets.length - 1] === 0) {
      this.#lists.addEmpty(lists);
      return;
    }
    const picks = new Picks();
    let end = this.#lists.elements;
    for (let s = 0; s < lists.stretches; s++) {
      this.#lists.begin(lists.positions[s], lists.counts[s]);
      for (let row = lists.rows[s], last = row + lists.counts[s]; row < last; row++) {
        const count = offsets[row + 1] - offsets[row];
        if (count > 0) picks.add(offsets[row], end, count);
        this.#lists.end((end += count));
      }
    }
    if (picks.total === 0) return;
    for (const [name, sink] of this.#children) {
      sink.reserve(end);
      put(sink, name, vector.children[name], picks);
    }
  }

  finish(rows: number): ListVector {
    const { offsets, rowIndex } = this.#lists.finish(rows);
    const children: Record<string, Vector> = {};
    for (const [name, sink] of this.#children) children[name] = sink.finish(offsets[rows]);
    const arrived: ListVector = { kind: 'list', offsets, children };
    if (rowIndex === undefined) return arrived;
    const inOrder = take(arrived, rowIndex);
    if (inOrder.kind !== 'list') throw new Error(`a ${inOrder.kind} of a list`);
    return inOrder;
  }
}
