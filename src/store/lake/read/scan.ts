/**
 * One block against a question: the same for a buffer on the main thread and a row group in a worker.
 * Callers give ranges of rows, so that a long buffer can be scanned in slices.
 */
import type { Block } from '../../../span/vector.ts';
import type { FieldExpression } from '../../../traceql/ast.ts';
import type { SearchOrder, TimeRange } from '../../span-store.ts';
import { columnOf } from './cells.ts';
import type { ColumnsAvailable } from './fields.ts';
import { columnsOfCondition } from './fields.ts';
import { narrowToTimes } from './int64-kernel.ts';
import { compileCondition } from './kernels.ts';
import { ID_BYTES, rankMasks } from './row-key.ts';
import type { TopRows } from './top-rows.ts';

/** Which spans: plain data, posted to workers. `condition` asks for nothing outside of the span. */
export interface Filter {
  readonly condition: FieldExpression | null;
  readonly range: TimeRange;
}

export const ROW_KEY_COLUMNS: readonly string[] = ['trace_id', 'span_id', 'kind', 'start_time_unix_nano'];

export function filterColumns(filter: Filter, available: ColumnsAvailable): string[] {
  return ['start_time_unix_nano', ...columnsOfCondition(filter.condition, available)];
}

/** The rows of a block that match, as one byte a row; narrowed slice by slice. */
export class Selection {
  readonly bytes: Uint8Array;
  readonly #narrow: (from: number, to: number) => void;

  constructor(block: Block, filter: Filter) {
    const bytes = new Uint8Array(block.rows);
    const kernel = compileCondition(filter.condition, block);
    const { words } = columnOf(block, 'start_time_unix_nano', 'int64');
    const { startUnixNano, endUnixNano } = filter.range;
    this.bytes = bytes;
    this.#narrow = (from, to) => {
      bytes.fill(1, from, to);
      narrowToTimes(words, startUnixNano, endUnixNano, bytes, from, to);
      kernel.narrow(bytes, from, to);
    };
  }

  select(from: number, to: number): Uint8Array {
    this.#narrow(from, to);
    return this.bytes;
  }
}

/** Offers the block's matching rows to `top`, which knows them by `group` and row. */
export class RowScan {
  readonly #selection: Selection;
  readonly #block: Block;
  readonly #key = new Uint8Array(ID_BYTES);

  constructor(
    block: Block,
    filter: Filter,
    readonly order: SearchOrder,
    readonly top: TopRows,
    readonly group: number,
  ) {
    this.#block = block;
    this.#selection = new Selection(block, filter);
  }

  scan(from: number, to: number): void {
    const selected = this.#selection.select(from, to);
    const masks = rankMasks(this.order);
    const { words } = columnOf(this.#block, masks.column, 'int64');
    const { top } = this;
    // Rows come roughly in time's order: newest-first from the end, so that most are refused at once.
    const backwards = this.order === 'newest';
    for (let i = from; i < to; i++) {
      const row = backwards ? to - 1 - (i - from) : i;
      if (selected[row] === 0) continue;
      const high = (words[row * 2 + 1] ^ masks.high) >>> 0;
      const low = (words[row * 2] ^ masks.low) >>> 0;
      if (top.refuses(high, low)) continue;
      this.#offer(row, high, low);
    }
  }

  #offer(row: number, high: number, low: number): void {
    const traceIds = columnOf(this.#block, 'trace_id', 'fixed').bytes;
    const spanIds = columnOf(this.#block, 'span_id', 'fixed').bytes;
    const key = this.#key;
    for (let i = 0; i < 16; i++) key[i] = traceIds[row * 16 + i];
    for (let i = 0; i < 8; i++) key[16 + i] = spanIds[row * 8 + i];
    const kind = columnOf(this.#block, 'kind', 'uint8').values[row];
    this.top.push(high, low, key, 0, kind, this.group, row);
  }
}
