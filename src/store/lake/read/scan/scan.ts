/**
 * A block or a row group against a question: the same for a buffer on the main thread and a file in a worker.
 * Callers give ranges of rows: a long buffer is scanned in slices, a row group page by page.
 */
import type { Block } from '../../../../span/vector.ts';
import type { FieldExpression } from '../../../../traceql/ast.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { columnOf } from './cells.ts';
import { BlockSource } from './column-source.ts';
import type { ColumnSource } from './column-source.ts';
import type { ColumnsAvailable } from './fields.ts';
import { columnsOfCondition } from './fields.ts';
import { narrowToTimes } from './int64-kernel.ts';
import { ALWAYS, NEVER, isEmpty } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import { compileCondition } from './kernels.ts';
import { ID_BYTES, rankMasks } from './row-key.ts';
import type { TopRows } from './top-rows.ts';

/** Which spans: plain data, posted to workers. `condition` asks for nothing outside of the span. */
export interface Filter {
  readonly condition: FieldExpression | null;
  readonly range: TimeRange;
}

/**
 * What a scan does with a block: called once, for its dictionaries; what it gives is called for ranges of rows,
 * of which those count whose byte of `selected` is 1.
 */
export type BeginRows = (block: Block) => (selected: Uint8Array, from: number, to: number) => void;

/** What a row's key has besides its rank. */
export const KEY_COLUMNS: readonly string[] = ['trace_id', 'span_id', 'kind', 'start_time_unix_nano'];

export function filterColumns(filter: Filter, available: ColumnsAvailable): string[] {
  return ['start_time_unix_nano', ...columnsOfCondition(filter.condition, available)];
}

/** The rows of a block or a row group that match, as one byte a row; narrowed slice by slice. */
export class Selection {
  readonly bytes: Uint8Array;
  /** No row matches, whichever is asked: nothing need be read. */
  readonly isNever: boolean;
  readonly #narrow: (from: number, to: number) => void;

  /** `memory`: of the bytes, of any content, if it is there already. */
  constructor(of: Block | ColumnSource, filter: Filter, memory?: ArrayBuffer) {
    const source = 'columns' in of ? new BlockSource(of) : of;
    const bytes = memory === undefined ? new Uint8Array(source.rows) : new Uint8Array(memory, 0, source.rows);
    const inTime = timeKernel(source, filter.range);
    const kernel = inTime === NEVER ? NEVER : compileCondition(filter.condition, source);
    this.bytes = bytes;
    this.isNever = kernel === NEVER;
    const set = inTime === ALWAYS ? kernel.set : undefined;
    this.#narrow = (from, to) => {
      if (set !== undefined) {
        set(bytes, from, to);
        return;
      }
      bytes.fill(1, from, to);
      inTime.narrow(bytes, from, to);
      if (kernel !== ALWAYS && !(inTime !== ALWAYS && isEmpty(bytes, from, to)))
        kernel.narrow(bytes, from, to);
    };
  }

  select(from: number, to: number): Uint8Array {
    this.#narrow(from, to);
    return this.bytes;
  }
}

/** Starts are not read where the row group lies whole on one side of each end. */
function timeKernel(source: ColumnSource, { startUnixNano, endUnixNano }: TimeRange): Kernel {
  const bounds = source.bounds('start_time_unix_nano');
  // Starts are unsigned, the bounds of a file signed: beyond the year 2262 they say nothing.
  if (bounds !== undefined && bounds.min >= 0n) {
    if (bounds.max < startUnixNano || bounds.min >= endUnixNano) return NEVER;
    if (bounds.min >= startUnixNano && bounds.max < endUnixNano) return ALWAYS;
  }
  const { words } = columnOf(source.block(START), 'start_time_unix_nano', 'int64');
  return {
    cost: 2,
    leaves: 0.5,
    narrow(selection, from, to) {
      source.load(START, from, to);
      narrowToTimes(words, startUnixNano, endUnixNano, selection, from, to);
    },
  };
}

const START: readonly string[] = ['start_time_unix_nano'];

/** True when `top` would take one of the selected rows from `from` to `to`: only then are their ids worth reading. */
export function wouldTake(
  top: TopRows,
  order: SearchOrder,
  words: Uint32Array,
  selected: Uint8Array,
  from: number,
  to: number,
): boolean {
  const masks = rankMasks(order);
  let taken = false;
  for (let row = from; row < to && !taken; row++) {
    if (selected[row] === 0) continue;
    taken = !top.refuses((words[row * 2 + 1] ^ masks.high) >>> 0, (words[row * 2] ^ masks.low) >>> 0);
  }
  return taken;
}

interface RowsToOffer {
  readonly selected: Uint8Array;
  /** Of the column by which rows are ranked. */
  readonly words: Uint32Array;
  /** With the columns of KEY_COLUMNS. */
  readonly keys: Block;
  /** What `top` shall know the block by. */
  readonly group: number;
}

/** Offers the selected rows from `from` to `to`. */
export function offerRows(
  top: TopRows,
  order: SearchOrder,
  { selected, words, keys, group }: RowsToOffer,
  from: number,
  to: number,
): void {
  const masks = rankMasks(order);
  const traceIds = columnOf(keys, 'trace_id', 'fixed').bytes;
  const spanIds = columnOf(keys, 'span_id', 'fixed').bytes;
  const kinds = columnOf(keys, 'kind', 'uint8').values;
  const starts = columnOf(keys, 'start_time_unix_nano', 'int64').words;
  const ids = new Uint8Array(ID_BYTES);
  const view = new DataView(ids.buffer);
  // Rows come roughly in time's order: newest-first from the end, so that most are refused at once.
  const backwards = order === 'newest';
  for (let i = from; i < to; i++) {
    const row = backwards ? to - 1 - (i - from) : i;
    if (selected[row] === 0) continue;
    const high = (words[row * 2 + 1] ^ masks.high) >>> 0;
    const low = (words[row * 2] ^ masks.low) >>> 0;
    if (top.refuses(high, low)) continue;
    for (let byte = 0; byte < 16; byte++) ids[byte] = traceIds[row * 16 + byte];
    for (let byte = 0; byte < 8; byte++) ids[16 + byte] = spanIds[row * 8 + byte];
    view.setUint32(24, starts[row * 2 + 1]);
    view.setUint32(28, starts[row * 2]);
    top.push(high, low, ids, 0, kinds[row], group, row);
  }
}
