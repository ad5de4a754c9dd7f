/** The spans that a question counts: rows by a scan, or what spansets give of whole traces. */
import { analyse } from '../../../../traceql/analyse.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { FieldExpression, Query, SpansetExpression } from '../../../../traceql/ast.ts';
import { and } from '../../../../traceql/build.ts';
import { isMetrics } from '../../../../traceql/query.ts';
import { QuestionError } from '../../../span-store.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import type { Job, JobValues } from '../workers/jobs.ts';
import { scanFiles } from '../workers/scan-files.ts';
import { filterColumns } from '../scan/scan.ts';
import type { BeginRows, Filter } from '../scan/scan.ts';
import { IN_BUFFER, availableIn } from '../session.ts';
import type { BufferSource, Session } from '../session.ts';
import { spansetRows } from '../spansets/rows.ts';
import type { FilePlan } from '../plan/plan.ts';
import { planQuestion } from '../plan/token-pruning.ts';
import type { RangeScan } from '../statistics/rollup-plan.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

export interface Asked {
  readonly session: Session;
  readonly indexes: TraceIndexes;
  readonly range: TimeRange;
}

/** What a job of the reader workers needs to scan. */
export interface ScanWork {
  readonly columns: readonly string[];
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  /** Of the columns, those that are read of matching rows. */
  readonly reads: readonly string[];
}

/** What is done with matching rows, here or in a worker. */
export interface RowWork<K extends Job['kind']> {
  readonly reads: (available: ColumnsAvailable) => readonly string[];
  /** For rows on this thread. */
  readonly begin: BeginRows;
  /** After a buffer was scanned. */
  buffered?(buffer: BufferSource): void;
  /** Of files whose rows need not all be looked at: what is left to scan. */
  known?(plans: readonly FilePlan[], filter: Filter): Promise<readonly RangeScan[]>;
  /** True, once, for a file that is counted already, without its rows. */
  isKnown?(file: FileEntry, filter: Filter): boolean;
  job(work: ScanWork, file: FileEntry): Omit<Extract<Job, { kind: K }>, 'path'>;
  /** What takes longer than some milliseconds comes in steps. */
  merge(value: JobValues[K], file: FileEntry): Generator<void> | void;
}

/** `condition` asks for nothing outside of the span. */
export async function scanRows<K extends Job['kind']>(
  { session, range }: Asked,
  condition: FieldExpression | null,
  work: RowWork<K>,
): Promise<void> {
  const filter = { condition, range };
  for (const buffer of session.buffers) {
    await session.scanBuffer(buffer, filter, work.reads(IN_BUFFER), work.begin, true);
    work.buffered?.(buffer);
  }
  const plan = await planQuestion(session, range, condition);
  const plans = plan.scan.filter(({ file }) => work.isKnown?.(file, filter) !== true);
  const scans = (await work.known?.(plans, filter)) ?? plans.map((each) => ({ ...each, range }));
  for (const [ownRange, own] of byRange(scans)) {
    await scanFiles<K>(
      session,
      own,
      (file, rowGroups) => {
        const available = availableIn(file);
        const reads = work.reads(available);
        const columns = [...new Set([...filterColumns(filter, available), ...reads])];
        return work.job({ columns, rowGroups, filter: { condition, range: ownRange }, reads }, file);
      },
      async (value, file) => {
        await session.breathe();
        const steps = work.merge(value, file);
        if (steps) await session.inSlices(steps);
      },
    );
  }
}

/** Most questions have one range, those of rollups two more: before and behind whole steps. */
function byRange(scans: readonly RangeScan[]): [TimeRange, RangeScan[]][] {
  const found = new Map<string, [TimeRange, RangeScan[]]>();
  for (const scan of scans) {
    const { range } = scan;
    const key = `${range.startUnixNano} ${range.endUnixNano}`;
    const known = found.get(key);
    if (known) known[1].push(scan);
    else found.set(key, [range, [scan]]);
  }
  return [...found.values()];
}

/** The spans that a query selects, whatever it is made of. */
export async function scanMatching<K extends Job['kind']>(
  asked: Asked & { readonly query: Query },
  work: RowWork<K>,
): Promise<void> {
  const { expression } = asked.query;
  if (isMetrics(expression)) {
    throw new QuestionError(
      'unsupported_query',
      'the query measures over time: leave out what stands behind the spans it selects, or ask for metrics',
      expression.position,
    );
  }
  return matchingRows(asked, expression, null, work);
}

/** `only`: what holds of the span alone, besides what the source selects. */
export async function matchingRows<K extends Job['kind']>(
  asked: Asked,
  source: SpansetExpression,
  only: FieldExpression | null,
  work: RowWork<K>,
): Promise<void> {
  const all = withCondition(source, only);
  const scanned = scannable(all, []);
  if (scanned) return scanRows(asked, scanned.condition, work);
  const { session, indexes, range } = asked;
  await spansetRows(session, indexes, all, range, work.reads, async (block, selected) => {
    work.begin(block)(selected, 0, block.rows);
    await session.breathe();
  });
}

function withCondition(source: SpansetExpression, condition: FieldExpression | null): SpansetExpression {
  if (condition === null) return source;
  const stages = source.kind === 'pipeline' ? source.stages : [source];
  return { kind: 'pipeline', stages: [...stages, { kind: 'filter', condition, position: 0 }], position: 0 };
}

/** The condition of a source that rows alone can answer: selectors one behind the other are one. */
export function scannable(
  source: SpansetExpression,
  fields: readonly Field[],
): { readonly condition: FieldExpression | null } | undefined {
  const condition = conditionOfRows(source);
  if (condition === undefined) return undefined;
  const { needsTrace, scan } = analyse(condition);
  if (needsTrace || fields.some((field) => analyse(field).needsTrace)) return undefined;
  return { condition: scan };
}

/** Undefined for what is not a filter of rows. */
export function conditionOfRows(source: SpansetExpression): FieldExpression | null | undefined {
  if (source.kind === 'filter') return source.condition;
  if (source.kind !== 'pipeline') return undefined;
  let condition: FieldExpression | null = null;
  for (const stage of source.stages) {
    if (stage.kind === 'select') continue;
    if (stage.kind !== 'filter') return undefined;
    condition = and(condition, stage.condition);
  }
  return condition;
}
