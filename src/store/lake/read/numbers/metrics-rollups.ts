/**
 * Counts over time from the rollups of files, where those tell them exactly: groups by service, name and kind, of
 * conditions that ask for nothing else (and whether a span is an error), in whole steps of the rollup. What lies
 * beside the whole steps is scanned.
 */
import type { FieldExpression, Static } from '../../../../traceql/ast.ts';
import { fieldsOf } from '../../../../traceql/analyse.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import { evaluate, matches } from '../../../../traceql/evaluate.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { Rollup, RollupSeries } from '../../files/rollup.ts';
import type { FilePlan } from '../plan/plan.ts';
import type { Session } from '../session.ts';
import { planRollup } from '../statistics/rollup-plan.ts';
import type { RangeScan } from '../statistics/rollup-plan.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import type { SeriesScan } from './series-scan.ts';
import { kindStatics } from '../../../../traceql/keywords.ts';

/** Read at a time: up to a millisecond each. */
const ROLLUPS_AT_ONCE = 8;

/** True where rollups may tell what is asked; whether that of a file does depends on its steps. */
export function isOfRollups({ ask }: SeriesScan, condition: FieldExpression | null): boolean {
  if (ask.figure !== 'count' || ask.operand !== undefined || ask.byPower || ask.examples > 0) return false;
  const fields = condition === null ? [] : fieldsOf(condition);
  return ask.by.every(isOfSeries) && fields.every((field) => isOfSeries(field) || isStatus(field));
}

function isOfSeries(field: Field): boolean {
  if (field.parent) return false;
  if (field.kind === 'attribute') return isService(field);
  return field.name === 'span:name' || field.name === 'span:kind';
}

function isService(field: Field): boolean {
  return field.kind === 'attribute' && field.scope === 'resource' && field.key === 'service.name';
}

function isStatus(field: Field): boolean {
  return !field.parent && field.kind === 'intrinsic' && field.name === 'span:status';
}

/** Counts what rollups tell; what is left to scan. */
export async function countRollups(
  session: Session,
  plans: readonly FilePlan[],
  condition: FieldExpression | null,
  range: TimeRange,
  scan: SeriesScan,
): Promise<RangeScan[]> {
  const left: RangeScan[] = [];
  await session.stage('rollups', async () => {
    for (let at = 0; at < plans.length; at += ROLLUPS_AT_ONCE) {
      const some = plans.slice(at, at + ROLLUPS_AT_ONCE);
      const rollups = session.deps.rollups.of(some.map(({ file }) => file));
      for (const plan of some) {
        // The cells of one take some 11 ms.
        await session.breathe();
        const rollup = rollups.get(plan.file);
        const counted = rollup && (await new RollupCount(session, rollup, condition, scan).add(plan, range));
        left.push(...(counted ?? [{ ...plan, range }]));
      }
    }
  });
  return left;
}

/** Series that a condition is asked of in one step: of as many a step is done anew when one of its matches is long. */
const SERIES_A_STEP = 32;
/** The main thread is held at most so long without a break. */
const SLICE_MS = 8;

class RollupCount {
  constructor(
    readonly session: Session,
    readonly rollup: Rollup,
    readonly condition: FieldExpression | null,
    readonly scan: SeriesScan,
  ) {}

  /** What it leaves to scan; undefined where that is everything. */
  async add({ file, rowGroups }: FilePlan, range: TimeRange): Promise<readonly RangeScan[] | undefined> {
    const { buckets } = this.scan.ask;
    const { stepNano } = this.rollup;
    // One bucket is the range itself.
    if (stepNano === 0n || (buckets.count > 1 && buckets.stepNano % stepNano !== 0n)) return undefined;
    const plan = planRollup(file, rowGroups, range, this.rollup);
    if (plan.kind === 'scan') return undefined;
    const shares = await this.#shares();
    if (shares === undefined) return undefined;
    const steps =
      plan.kind === 'steps'
        ? plan.steps
        : {
            startUnixNano: file.minStartUnixNano - (file.minStartUnixNano % stepNano),
            endUnixNano: file.maxStartUnixNano + stepNano,
          };
    const { cells } = this.scan;
    this.rollup.eachCell(
      steps,
      (series) => shares.has(series),
      ({ series, startUnixNano, count, errors }) => {
        const share = shares.get(series);
        if (!share) return;
        const spans = (share.errors ? errors : 0) + (share.others ? count - errors : 0);
        if (spans === 0) return;
        share.group ??= this.#groupOf(series);
        if (share.group === NO_CODE) return;
        // The first step may begin before the range does, whose spans are all there is.
        const from = startUnixNano < buckets.originUnixNano ? buckets.originUnixNano : startUnixNano;
        const bucket = buckets.count === 1 ? 0 : Number((from - buckets.originUnixNano) / buckets.stepNano);
        cells.addCount(cells.cellOf(share.group, bucket), spans);
      },
    );
    return plan.kind === 'steps' ? plan.scans : [];
  }

  /** Which spans of each series match; undefined where its figures can't tell, or time is up. */
  async #shares(): Promise<Map<RollupSeries, Share> | undefined> {
    const { condition, scan, session } = this;
    const asked = condition === null ? [] : fieldsOf(condition);
    const isServiceAsked = [...scan.ask.by, ...asked].some(isService);
    const { series } = this.rollup;
    // Without a name the attribute is missing, or no text: only a scan can tell.
    if (isServiceAsked && series.some(({ service }) => service === '')) return undefined;
    const statuses = asked.some(isStatus) ? [...OTHER_STATUSES, ERROR] : [ERROR];
    const shares = new Map<RollupSeries, Share>();
    let began = performance.now();
    for (let at = 0; at < series.length; at += SERIES_A_STEP) {
      const some = series.slice(at, at + SERIES_A_STEP);
      const held = await session.step(() =>
        some.map((each) => statuses.map((status) => matches(condition, sourceOf(each, status)))),
      );
      for (const [i, ofStatuses] of held.entries()) {
        const errors = ofStatuses[ofStatuses.length - 1];
        const others = ofStatuses[0];
        if (ofStatuses.slice(0, OTHER_STATUSES.length).some((each) => each !== others)) return undefined;
        if (errors || others) shares.set(some[i], { errors, others, group: undefined });
      }
      if (performance.now() - began < SLICE_MS) continue;
      if (session.isOverTime()) return undefined;
      await session.breathe();
      began = performance.now();
    }
    return shares;
  }

  #groupOf(series: RollupSeries): number {
    const source = sourceOf(series, []);
    return this.scan.groups.of(this.scan.ask.by.map((field) => evaluate(field, source)));
  }
}

interface Share {
  readonly errors: boolean;
  readonly others: boolean;
  group: number | undefined;
}

const ERROR: readonly Static[] = [{ type: 'status', value: 'error' }];
/** A cell counts errors; its other spans are any of these. */
const OTHER_STATUSES: readonly (readonly Static[])[] = [
  [{ type: 'status', value: 'unset' }],
  [{ type: 'status', value: 'ok' }],
  [],
];

function sourceOf({ service, name, kind }: RollupSeries, status: readonly Static[]): FieldSource {
  const known: FieldSource = {
    attribute: (scope, key) =>
      scope === 'resource' && key === 'service.name' ? [{ type: 'string', value: service }] : [],
    intrinsic: (field) => {
      if (field === 'span:name') return [{ type: 'string', value: name }];
      if (field === 'span:kind') return kindStatics(kind);
      return field === 'span:status' ? status : [];
    },
  };
  return known;
}
