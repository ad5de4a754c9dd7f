/** All spans that a spanset expression gives, as blocks of columns: for what counts them. */
import type { SpansetExpression } from '../../../../traceql/ast.ts';
import { analyseSpansets } from '../../../../traceql/spansets-analysis.ts';
import type { Block } from '../../../../span/vector.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import type { Session } from '../session.ts';
import type { SpansetWanted, SpansetsFound } from './jobs.ts';
import type { OpenedTraces } from './open.ts';
import { findSpansets } from './search.ts';
import type { JudgedTrace, SpansetFinder } from './search.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

/**
 * `use` is called for one block after another, with which of its rows are given (one byte a row); it may give a
 * promise, which is waited for. `columns`: those that blocks shall have, by what a file has (fields.ts); a column
 * that is nowhere is left out. Each span is given once. Rows that can't be read, or not in time, are left out,
 * and the answer says so.
 */
export async function spansetRows(
  session: Session,
  indexes: TraceIndexes,
  expression: SpansetExpression,
  range: TimeRange,
  columns: (available: ColumnsAvailable) => readonly string[],
  use: (block: Block, selected: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const finder = new EveryRow(range, columns, use);
  await findSpansets(session, indexes, { analysis: analyseSpansets(expression), range }, finder);
}

class EveryRow implements SpansetFinder {
  readonly order = 'newest';
  readonly after = undefined;
  /** One block at a time, though jobs end at the same time. */
  #last: Promise<void> = Promise.resolve();

  constructor(
    readonly range: TimeRange,
    readonly columns: (available: ColumnsAvailable) => readonly string[],
    readonly use: (block: Block, selected: Uint8Array) => void | Promise<void>,
  ) {}

  refuses(): boolean {
    return false;
  }

  wanted(available: ColumnsAvailable): SpansetWanted {
    return { kind: 'rows', columns: this.columns(available) };
  }

  extraColumns(available: ColumnsAvailable): readonly string[] {
    return this.columns(available);
  }

  found({ blocks }: SpansetsFound): Promise<void> {
    return this.#inTurn(async () => {
      for (const block of blocks) await this.use(block, new Uint8Array(block.rows).fill(1));
    });
  }

  judged(traces: readonly JudgedTrace[], { table }: OpenedTraces): Promise<void> {
    const selected = table.sources.map(({ block }) => new Uint8Array(block.rows));
    for (const { trace, spans } of traces) {
      for (const at of spans) {
        const span = trace.first + at;
        selected[table.parts[span]][table.rows[span]] = 1;
      }
    }
    return this.#inTurn(async () => {
      for (const [part, { block }] of table.sources.entries()) {
        if (selected[part].includes(1)) await this.use(block, selected[part]);
      }
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#last = this.#last.then(work));
  }

  /** The session says that the time was up. */
  cut(): void {}
}
