/**
 * Whole traces out of rows of blocks: each span once, in order of start, as `traceql/spansets.ts` asks of them.
 * The same in a reader worker, over the traces of a row group, and on the main thread, over traces that stand
 * in several places. Typed arrays over all traces at once; cells of blocks are read only where an expression
 * asks for them.
 */
import type { Block } from '../../../../span/vector.ts';
import type { Intrinsic, SpansetFilter, Static } from '../../../../traceql/ast.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import type { SpansetAnalysis } from '../../../../traceql/spansets-analysis.ts';
import type { TraceSpans } from '../../../../traceql/spanset.ts';
import { TraceStructure, linkSpans } from '../../../../traceql/structure.ts';
import type { TimeRange } from '../../../span-store.ts';
import { BlockRow } from '../scan/block-row.ts';
import { columnOf, uint64At } from '../scan/cells.ts';
import { narrowToTimes } from '../scan/int64-kernel.ts';
import { durationOf } from '../search/trace-duration.ts';

/** What every trace is read with. */
export const STRUCTURE_COLUMNS: readonly string[] = [
  'span_id',
  'parent_span_id',
  'kind',
  'start_time_unix_nano',
  'duration_nano',
];

/** Rows of traces in one block, ascending. */
export interface TraceRows {
  readonly block: Block;
  /** Which of the block's. */
  readonly rows: Uint32Array;
  /** By entry of `rows`, the number of its trace; NO_TRACE: it is passed over. */
  readonly traces: Uint32Array;
  /** By entry of `rows`, which probes it satisfies. */
  readonly bits: Uint32Array;
}

export const NO_TRACE = 0xffffffff;

export class WholeTraces {
  /** By trace, its first span; one more than there are traces. */
  readonly #offsets: Uint32Array;
  readonly #counts: Uint32Array;
  /** By span: where it came from, and which row it is of that block. */
  readonly parts: Uint32Array;
  readonly rows: Uint32Array;
  readonly kinds: Uint8Array;
  readonly bits: Uint32Array;
  readonly inRange: Uint8Array;
  /** Low word first. */
  readonly starts: Uint32Array;
  readonly durations: Uint32Array;
  /** Two words of four bytes as they stand. */
  readonly ids: Uint32Array;
  readonly parentIds: Uint32Array;
  readonly #cells: readonly BlockRow[];

  constructor(
    readonly sources: readonly TraceRows[],
    readonly count: number,
    range: TimeRange,
  ) {
    this.#offsets = offsetsOf(sources, count);
    const spans = this.#offsets[count];
    this.#counts = new Uint32Array(count);
    this.parts = new Uint32Array(spans);
    this.rows = new Uint32Array(spans);
    this.kinds = new Uint8Array(spans);
    this.bits = new Uint32Array(spans);
    this.starts = new Uint32Array(spans * 2);
    this.durations = new Uint32Array(spans * 2);
    this.ids = new Uint32Array(spans * 2);
    this.parentIds = new Uint32Array(spans * 2);
    sources.forEach((source, part) => this.#place(source, part));
    for (let trace = 0; trace < count; trace++) this.#sort(trace);
    this.inRange = new Uint8Array(spans).fill(1);
    narrowToTimes(this.starts, range.startUnixNano, range.endUnixNano, this.inRange, 0, spans);
    this.#cells = sources.map(({ block }) => new BlockRow(block));
  }

  trace(trace: number, analysis: SpansetAnalysis): WholeTrace {
    return new WholeTrace(this, this.#offsets[trace], this.#counts[trace], analysis);
  }

  /** The span's cells, until another's are asked for. */
  cells(span: number): BlockRow {
    const cells = this.#cells[this.parts[span]];
    cells.row = this.rows[span];
    return cells;
  }

  #place({ block, rows, traces, bits }: TraceRows, part: number): void {
    const starts = columnOf(block, 'start_time_unix_nano', 'int64').words;
    const durations = columnOf(block, 'duration_nano', 'int64').words;
    const kinds = columnOf(block, 'kind', 'uint8').values;
    const ids = wordsOf(columnOf(block, 'span_id', 'fixed').bytes);
    const parents = wordsOf(columnOf(block, 'parent_span_id', 'fixed').bytes);
    for (let i = 0; i < rows.length; i++) {
      if (traces[i] === NO_TRACE) continue;
      const row = rows[i];
      const span = this.#offsets[traces[i]] + this.#counts[traces[i]]++;
      this.parts[span] = part;
      this.rows[span] = row;
      this.kinds[span] = kinds[row];
      this.bits[span] = bits[i];
      const at = span * 2;
      this.starts[at] = starts[row * 2];
      this.starts[at + 1] = starts[row * 2 + 1];
      this.durations[at] = durations[row * 2];
      this.durations[at + 1] = durations[row * 2 + 1];
      this.ids[at] = ids[row * 2];
      this.ids[at + 1] = ids[row * 2 + 1];
      this.parentIds[at] = parents[row * 2];
      this.parentIds[at + 1] = parents[row * 2 + 1];
    }
  }

  /** As `orderedOnce`: by start, id and kind; what was delivered again is dropped, the longest stays. */
  #sort(trace: number): void {
    const from = this.#offsets[trace];
    const count = this.#counts[trace];
    let isSorted = true;
    for (let span = from + 1; span < from + count && isSorted; span++) {
      isSorted = this.#compare(span - 1, span) < 0;
    }
    if (isSorted) return;
    const order = Uint32Array.from({ length: count }, (_, i) => from + i).sort(
      (a, b) => this.#compare(a, b) || this.#compareDurations(b, a),
    );
    const kept = order.filter((span, i) => i === 0 || this.#compare(order[i - 1], span) !== 0);
    this.#counts[trace] = kept.length;
    for (const column of [this.parts, this.rows, this.kinds, this.bits]) permute(column, kept, from, 1);
    for (const column of [this.starts, this.durations, this.ids, this.parentIds])
      permute(column, kept, from, 2);
  }

  #compare(a: number, b: number): number {
    const { starts, ids } = this;
    return (
      starts[a * 2 + 1] - starts[b * 2 + 1] ||
      starts[a * 2] - starts[b * 2] ||
      bigEndian(ids[a * 2]) - bigEndian(ids[b * 2]) ||
      bigEndian(ids[a * 2 + 1]) - bigEndian(ids[b * 2 + 1]) ||
      this.kinds[a] - this.kinds[b]
    );
  }

  #compareDurations(a: number, b: number): number {
    const { durations } = this;
    return (durations[a * 2 + 1] | 0) - (durations[b * 2 + 1] | 0) || durations[a * 2] - durations[b * 2];
  }
}

function offsetsOf(sources: readonly TraceRows[], count: number): Uint32Array {
  const offsets = new Uint32Array(count + 1);
  for (const { traces } of sources) {
    for (const trace of traces) if (trace !== NO_TRACE) offsets[trace + 1]++;
  }
  for (let trace = 0; trace < count; trace++) offsets[trace + 1] += offsets[trace];
  return offsets;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
}

/** Four bytes read as one word, turned: so compared they are in the order of their hex. */
function bigEndian(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** Entries of `width` words: what stands at `order[i]` moves to `to + i`. */
function permute(column: Uint32Array | Uint8Array, order: Uint32Array, to: number, width: number): void {
  const moved = new Uint32Array(order.length * width);
  order.forEach((entry, i) => {
    for (let word = 0; word < width; word++) moved[i * width + word] = column[entry * width + word];
  });
  column.set(moved, to * width);
}

export class WholeTrace implements TraceSpans {
  #structure: TraceStructure | undefined;
  #durationNano: bigint | undefined;
  #root: number | undefined;
  /** Selectors that ask only for what all spans share. */
  readonly #ofTrace = new Map<SpansetFilter, boolean>();

  /** Its spans are `first .. first + count` of the table. */
  constructor(
    readonly table: WholeTraces,
    readonly first: number,
    readonly count: number,
    readonly analysis: SpansetAnalysis,
  ) {}

  get structure(): TraceStructure {
    if (!this.#structure) {
      const [from, to] = [this.first * 2, (this.first + this.count) * 2];
      const links = linkSpans(this.table.ids.subarray(from, to), this.table.parentIds.subarray(from, to));
      this.#structure = new TraceStructure(links);
    }
    return this.#structure;
  }

  /** Of all spans: which probes have one. */
  get bits(): number {
    let bits = 0;
    for (let i = 0; i < this.count; i++) bits |= this.table.bits[this.first + i];
    return bits;
  }

  inRange(span: number): boolean {
    return this.table.inRange[this.first + span] === 1;
  }

  matches(filter: SpansetFilter, span: number): boolean {
    const selector = this.analysis.selectors.get(filter);
    if (selector?.probe !== undefined) {
      if (((this.table.bits[this.first + span] >>> selector.probe) & 1) === 0) return false;
    }
    if (selector?.exact) return true;
    if (!selector?.ofTrace) return matches(filter.condition, this.fields(span));
    let answer = this.#ofTrace.get(filter);
    if (answer === undefined)
      this.#ofTrace.set(filter, (answer = matches(filter.condition, this.fields(span))));
    return answer;
  }

  fields(span: number): FieldSource {
    return new WholeTraceFields(this, span);
  }

  /** The first span without a parent's id; -1 when there is none. */
  get root(): number {
    if (this.#root === undefined) {
      const { parentIds } = this.table;
      this.#root = -1;
      for (let i = 0; i < this.count && this.#root < 0; i++) {
        const at = (this.first + i) * 2;
        if (parentIds[at] === 0 && parentIds[at + 1] === 0) this.#root = i;
      }
    }
    return this.#root;
  }

  get startUnixNano(): bigint {
    return uint64At(this.table.starts, this.first);
  }

  /** As `traceDuration`. */
  get durationNano(): bigint {
    if (this.#durationNano !== undefined) return this.#durationNano;
    const { starts, durations } = this.table;
    let [high, low] = [0, 0];
    for (let at = this.first * 2; at < (this.first + this.count) * 2; at += 2) {
      const sum = starts[at] + durations[at];
      const endLow = sum >>> 0;
      const endHigh = (starts[at + 1] + durations[at + 1] + (sum > 0xffffffff ? 1 : 0)) >>> 0;
      if (endHigh > high || (endHigh === high && endLow > low)) [high, low] = [endHigh, endLow];
    }
    const last = (BigInt(high) << 32n) + BigInt(low);
    return (this.#durationNano = durationOf(this.startUnixNano, last));
  }
}

class WholeTraceFields implements FieldSource {
  constructor(
    readonly trace: WholeTrace,
    readonly span: number,
  ) {}

  attribute(scope: Parameters<FieldSource['attribute']>[0], key: string, parent: boolean): readonly Static[] {
    const span = this.#asked(parent);
    return span < 0 ? [] : this.#cells(span).attribute(scope, key, false);
  }

  intrinsic(name: Intrinsic, parent: boolean): readonly Static[] {
    const span = this.#asked(parent);
    if (span < 0) return [];
    const { trace } = this;
    switch (name) {
      case 'span:childCount':
        return int(trace.structure.childCount(span));
      case 'trace:duration':
        return [{ type: 'duration', value: trace.durationNano }];
      case 'trace:rootName':
        return this.#ofRoot('name');
      case 'trace:rootService':
        return this.#ofRoot('service_name');
      case 'nestedSetLeft':
        return int(trace.structure.nestedSets.left[span]);
      case 'nestedSetRight':
        return int(trace.structure.nestedSets.right[span]);
      case 'nestedSetParent':
        return int(trace.structure.nestedSets.parent[span]);
      default:
        return this.#cells(span).intrinsic(name, false);
    }
  }

  #ofRoot(column: string): readonly Static[] {
    const { root } = this.trace;
    return root < 0 ? [] : [{ type: 'string', value: this.#cells(root).text(column) }];
  }

  #asked(parent: boolean): number {
    return parent ? this.trace.structure.links.parents[this.span] : this.span;
  }

  #cells(span: number): BlockRow {
    return this.trace.table.cells(this.trace.first + span);
  }
}

function int(value: number): readonly Static[] {
  return [{ type: 'int', value: BigInt(value) }];
}
