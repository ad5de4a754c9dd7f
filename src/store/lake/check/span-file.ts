/**
 * Spans, batch by batch, as one Parquet file of the lake's schema: for whoever takes them elsewhere. The
 * first row group decides which attributes get columns; a later one whose values don't fit leaves them in
 * its lists, where every reader looks as well.
 */
import { decodeTraces } from '../../../otlp/decode.ts';
import { encodeTracesProtobuf } from '../../../otlp/encode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { SPANS } from '../../../span/schema.ts';
import { NO_SPAN_LIMITS } from '../../../span/span-limits.ts';
import type { Span } from '../../../span/span.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { AttributesVector, Block, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { ParquetFileWriter, ROW_GROUP_ROWS } from '../files/parquet-writer.ts';
import { take } from '../files/take.ts';
import { plainType, promote } from '../write/promote.ts';
import type { Candidate } from '../write/promote.ts';
import { splitLists } from '../write/promote-split.ts';
import { decodeText } from '../write/text.ts';

export class SpanFileWriter {
  #columns = newColumns();
  #promoted: readonly PromotedColumn[] | undefined;
  #writer: ParquetFileWriter | undefined;

  constructor(
    private readonly write: (bytes: Uint8Array) => void,
    private readonly rowGroupRows: number = ROW_GROUP_ROWS,
  ) {}

  add(spans: readonly Span[]): void {
    const { accepted } = decodeTraces(
      { format: 'protobuf', body: encodeTracesProtobuf(spans) },
      this.#columns,
    );
    if (accepted !== spans.length) throw new Error(`${spans.length - accepted} spans can't be written`);
    if (this.#columns.rows >= this.rowGroupRows) this.#rowGroup();
  }

  /** A file without spans has no row groups. */
  finish(): void {
    if (this.#columns.rows > 0 || this.#writer === undefined) this.#rowGroup();
    this.#writer?.finish();
  }

  #rowGroup(): void {
    const block = this.#columns.block(undefined, this.#columns.rows);
    const order = tracesTogether(block);
    const { block: rows, columns } =
      this.#promoted === undefined ? promote(block, SPANS, order) : promoteAs(block, this.#promoted, order);
    this.#promoted ??= columns;
    this.#writer ??= new ParquetFileWriter(SPANS, this.#promoted, this.write);
    this.#writer.rowGroup(rows);
    this.#columns = newColumns();
  }
}

/** What is taken elsewhere goes whole, whichever limits it came by. */
function newColumns(): SpanColumns {
  return new SpanColumns(undefined, NO_SPAN_LIMITS);
}

/** Rows by trace, the traces and the spans of each as they came. */
function tracesTogether(block: Block): Uint32Array {
  const vector = block.columns.get(SPANS.groupColumn);
  if (vector?.kind !== 'fixed') throw new Error(`no ids in ${SPANS.groupColumn}`);
  const traces = new Map<string, number[]>();
  for (let row = 0; row < block.rows; row++) {
    const id = Buffer.from(vector.bytes.subarray(row * 16, row * 16 + 16)).toString('latin1');
    const rows = traces.get(id);
    if (rows === undefined) traces.set(id, [row]);
    else rows.push(row);
  }
  return Uint32Array.from([...traces.values()].flat());
}

function promoteAs(
  block: Block,
  promoted: readonly PromotedColumn[],
  order: Uint32Array,
): { block: Block; columns: readonly PromotedColumn[] } {
  const columns = new Map<string, Vector>();
  for (const [name, vector] of block.columns) {
    const from = SPANS.promoted.find(({ column }) => column === name);
    if (from === undefined || vector.kind !== 'attributes') {
      columns.set(name, take(vector, order));
      continue;
    }
    const own = promoted.filter((column) => column.name.startsWith(from.prefix));
    const chosen = fitting(vector, own, from.prefix);
    const { columns: split, rest } = splitLists(vector, order, chosen);
    columns.set(name, rest);
    for (const column of own) columns.set(column.name, nulls(column.type, order.length));
    for (const [slot, { column }] of chosen.entries()) columns.set(column.name, split[slot]);
  }
  return { block: { rows: order.length, columns }, columns: promoted };
}

/** Those of the columns whose keys have here only values of the column's type. */
function fitting(vector: AttributesVector, columns: readonly PromotedColumn[], prefix: string): Candidate[] {
  const { keys, types, keyDictionary } = vector;
  const typesOfKey = new Uint32Array(keyDictionary.count);
  for (let entry = 0; entry < keys.length; entry++) typesOfKey[keys[entry]] |= 1 << types[entry];
  const byName = new Map(columns.map((column) => [column.name, column]));
  const chosen: Candidate[] = [];
  for (let keyCode = 0; keyCode < typesOfKey.length; keyCode++) {
    if (typesOfKey[keyCode] === 0) continue;
    const column = byName.get(prefix + decodeText(keyDictionary, keyCode));
    if (column !== undefined && plainType(typesOfKey[keyCode]) === column.type) {
      chosen.push({ keyCode, column, rows: 0 });
    }
  }
  return chosen;
}

function nulls(type: PromotedColumn['type'], rows: number): Vector {
  const valid = new Uint8Array((rows + 7) >>> 3);
  switch (type) {
    case 'string': {
      const dictionary = { count: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) };
      return { kind: 'text', codes: new Uint32Array(rows).fill(NULL_CODE), dictionary };
    }
    case 'int':
      return { kind: 'int64', words: new Uint32Array(rows * 2), valid };
    case 'double':
      return { kind: 'float64', values: new Float64Array(rows), valid };
    case 'bool':
      return { kind: 'bool', values: new Uint8Array(rows), valid };
  }
}
