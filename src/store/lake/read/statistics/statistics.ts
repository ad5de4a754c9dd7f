/**
 * Counts, errors and quantiles by service or operation: of buffers by a scan, of files by their rollups, and of
 * what those can't tell (files without, the ends of a range that cuts a file) by a scan in the workers.
 */
import type { OperationStats, TimeRange } from '../../../span-store.ts';
import type { Rollup, RollupSeries } from '../../files/rollup.ts';
import { GroupScan, Groups, MAX_GROUPS, groupColumns } from './groups.ts';
import type { GroupFigures, GroupService } from './groups.ts';
import { splitByRows } from '../plan/plan.ts';
import type { FilePlan } from '../plan/plan.ts';
import { planRollup } from './rollup-plan.ts';
import type { RangeScan } from './rollup-plan.ts';
import { inLanes } from '../session.ts';
import type { Session } from '../session.ts';

/** Read at a time: up to a millisecond each. */
const ROLLUPS_AT_ONCE = 8;
/** Merging gives the event loop back after so long. */
const SLICE_MS = 8;

export async function groupStats(
  session: Session,
  range: TimeRange,
  service: GroupService,
): Promise<OperationStats[]> {
  const groups = new Groups();
  const filter = { condition: null, range };
  for (const buffer of session.buffers) {
    const scan = new GroupScan(service);
    await session.scanBuffer(buffer, filter, groupColumns(service), scan.begin);
    groups.merge(scan.table());
  }
  const { scan } = await session.plan(range, null);
  const files = scan.filter(
    ({ file }) =>
      service === undefined || !file.servicesWhole || file.services.some(({ name }) => name === service),
  );
  const scans = await session.stage('rollups', () => mergeRollups(session, files, range, service, groups));
  await scanRows(session, scans, service, groups);
  if (groups.full) session.limit(`only ${MAX_GROUPS} services or operations are counted`);
  const stats: OperationStats[] = [];
  for (const figures of groups.all()) if (figures.histogram.count > 0) stats.push(statsOf(figures, service));
  return stats.sort(byCount);
}

/** What is left to scan. */
async function mergeRollups(
  session: Session,
  files: readonly FilePlan[],
  range: TimeRange,
  service: GroupService,
  groups: Groups,
): Promise<RangeScan[]> {
  const scans: RangeScan[] = [];
  let began = performance.now();
  for (let at = 0; at < files.length; at += ROLLUPS_AT_ONCE) {
    const some = files.slice(at, at + ROLLUPS_AT_ONCE);
    const rollups = session.deps.rollups.of(some.map(({ file }) => file));
    for (const part of some) {
      const rollup = rollups.get(part.file);
      if (rollup === undefined) scans.push({ ...part, range });
      else scans.push(...addRollup(rollup, part, range, service, groups));
      if (performance.now() - began < SLICE_MS) continue;
      await session.breathe();
      began = performance.now();
    }
  }
  return scans;
}

/** What it can't tell. */
function addRollup(
  rollup: Rollup,
  part: FilePlan,
  range: TimeRange,
  service: GroupService,
  groups: Groups,
): readonly RangeScan[] {
  const plan = planRollup(part.file, part.rowGroups, range, rollup);
  const isAsked = (series: RollupSeries) => service === undefined || series.service === service;
  const figuresOf = ({ service: owner, name, kind }: RollupSeries) =>
    service === undefined ? groups.figures(owner, 0) : groups.figures(name, kind);
  switch (plan.kind) {
    case 'totals':
      rollup.series.forEach((series, number) => {
        const figures = isAsked(series) ? figuresOf(series) : undefined;
        if (figures) figures.errorCount += rollup.addTotal(number, figures.histogram);
      });
      return [];
    case 'steps':
      rollup.eachCell(plan.steps, isAsked, (cell) => {
        const figures = figuresOf(cell.series);
        if (!figures) return;
        figures.errorCount += cell.errors;
        cell.addTo(figures.histogram);
      });
      return plan.scans;
    case 'scan':
      return [{ ...part, range }];
  }
}

async function scanRows(
  session: Session,
  scans: readonly RangeScan[],
  service: GroupService,
  groups: Groups,
): Promise<void> {
  const units = scans.flatMap(({ file, rowGroups, range }) =>
    splitByRows(rowGroups, (index) => file.rowGroups[index].rows).map((some) => ({ file, range, some })),
  );
  const columns = [...groupColumns(service), 'start_time_unix_nano'];
  await inLanes(
    session.concurrency,
    () => units.shift(),
    async ({ file, range, some }) => {
      const filter = { condition: null, range };
      const table = await session.job<'groups'>(file, {
        kind: 'groups',
        columns,
        rowGroups: some,
        filter,
        service,
      });
      if (table) groups.merge(table);
    },
  );
}

function statsOf({ name, kind, errorCount, histogram }: GroupFigures, service: GroupService): OperationStats {
  return {
    serviceName: service ?? name,
    name: service === undefined ? '' : name,
    kind,
    count: histogram.count,
    errorCount,
    p50Nano: histogram.quantileNano(0.5),
    p95Nano: histogram.quantileNano(0.95),
    p99Nano: histogram.quantileNano(0.99),
    maxNano: histogram.maxNano,
  };
}

/** Most frequent first; by name where counts are equal, so that an answer does not depend on chance. */
function byCount(a: OperationStats, b: OperationStats): number {
  return (
    b.count - a.count || compare(a.serviceName, b.serviceName) || compare(a.name, b.name) || a.kind - b.kind
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
