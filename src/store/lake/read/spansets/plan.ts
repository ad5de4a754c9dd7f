/**
 * Where the traces that an expression may hold for are looked for. Mostly in the row groups that may have a span
 * of its result, the best first, until enough is known. Where something that a trace needs (a clause) is in far
 * fewer row groups than that, in those of the clause: all of them, but few.
 */
import { BOUND, clausesOf, probeOfClause } from '../../../../traceql/spansets-analysis.ts';
import type { Probe } from '../../../../traceql/spansets-analysis.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { FilePlan } from '../plan/plan.ts';
import type { Session } from '../session.ts';
import type { SpansetQuestion } from './open.ts';
import { planQuestion } from '../plan/token-pruning.ts';

export interface SpansetPlan {
  readonly scan: readonly FilePlan[];
  /** True when the row groups are those that may have a span of the result: they are ranked by those spans. */
  readonly isRanked: boolean;
  /** Bits of the probes by which traces with rows in several places are found in those row groups. */
  readonly report: number;
  /** Whether a trace that stands in this row group alone can match. */
  judges(file: FileEntry, rowGroup: number): boolean;
}

/** A clause leads when it leaves at most this share of the rows. */
const LEADING_SHARE = 0.5;

const ALL_TIME: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };

/** `range`: of the spans that lead to traces which are not known yet; at most that of the question. */
export async function planSpansets(
  session: Session,
  { analysis }: SpansetQuestion,
  range: TimeRange,
): Promise<SpansetPlan> {
  const { probes, need } = analysis;
  const planOf = ({ condition, inRange }: Probe) =>
    planQuestion(session, inRange ? range : ALL_TIME, condition);
  const bound = (await planOf(probes[BOUND])).scan;
  const plans = [{ report: 1 << BOUND, scan: bound }];
  for (const clause of clausesOf(need)) {
    if (clause.includes(BOUND)) continue;
    const { scan } = await planOf(probeOfClause(probes, clause));
    plans.push({ report: clause.reduce((bits, probe) => bits | (1 << probe), 0), scan });
  }
  const [fewest] = plans.toSorted((a, b) => rowsOf(a.scan) - rowsOf(b.scan));
  const lead = rowsOf(fewest.scan) <= rowsOf(bound) * LEADING_SHARE ? fewest : plans[0];
  const others = plans.filter((plan) => plan !== lead).map(({ scan }) => setsOf(scan));
  return {
    scan: lead.scan,
    report: lead.report,
    isRanked: lead === plans[0],
    judges: (file, rowGroup) => others.every((sets) => sets.get(file)?.has(rowGroup) === true),
  };
}

function rowsOf(scan: readonly FilePlan[]): number {
  let rows = 0;
  for (const { file, rowGroups } of scan) for (const index of rowGroups) rows += file.rowGroups[index].rows;
  return rows;
}

function setsOf(scan: readonly FilePlan[]): ReadonlyMap<FileEntry, ReadonlySet<number>> {
  return new Map(scan.map(({ file, rowGroups }) => [file, new Set(rowGroups)]));
}
