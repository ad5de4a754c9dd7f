/** Series of what spansets give: traces are judged, and their spans counted, where they stand. */
import type { SpansetExpression } from '../../../../traceql/ast.ts';
import { analyseSpansets } from '../../../../traceql/spansets-analysis.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import type { Asked } from './metrics-source.ts';
import type { SeriesTable } from './series-table.ts';
import type { SpansetWanted, SpansetsFound } from '../spansets/jobs.ts';
import type { Session } from '../session.ts';
import { columnsHere } from '../spansets/open.ts';
import type { OpenedTraces } from '../spansets/open.ts';
import { findSpansets } from '../spansets/search.ts';
import type { JudgedTrace, SpansetFinder } from '../spansets/search.ts';

export async function countSpansets(
  { session, indexes, range }: Asked,
  source: SpansetExpression,
  table: SeriesTable,
): Promise<void> {
  const finder = new SeriesFinder(session, range, table);
  await findSpansets(session, indexes, { analysis: analyseSpansets(source), range }, finder);
}

class SeriesFinder implements SpansetFinder {
  readonly order = 'newest';
  readonly after = undefined;
  readonly #fields: readonly Field[];

  constructor(
    readonly session: Session,
    readonly range: TimeRange,
    readonly table: SeriesTable,
  ) {
    const { by, operand } = table.ask;
    this.#fields = operand ? [...by, operand] : by;
  }

  refuses(): boolean {
    return false;
  }

  wanted(): SpansetWanted {
    return { kind: 'series', ask: this.table.ask };
  }

  extraColumns(available: ColumnsAvailable): readonly string[] {
    return this.#fields.flatMap((field) => columnsHere(field, available));
  }

  async found({ series }: SpansetsFound, file: FileEntry): Promise<void> {
    if (series) await this.session.inSlices(this.table.merge(series, file));
  }

  judged(traces: readonly JudgedTrace[], _opened: OpenedTraces): void {
    for (const { traceId, trace, spans } of traces) {
      this.table.scan.addTrace(trace, spans, 0, (span) => span);
      this.table.takeExamples((_, span) => {
        const [id] = trace.fields(span).intrinsic('span:id', false);
        return { kind: 'ids', traceId, spanId: id?.type === 'string' ? id.value : '' };
      });
    }
  }

  /** The session says that the time was up. */
  cut(): void {}
}
