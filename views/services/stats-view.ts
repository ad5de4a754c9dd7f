/** Rows of the services' tables: which are shown, in which order, and what there is to say beside each figure. */
import type { OperationStats } from '../../src/store/span-store.ts';
import { formatDuration, formatPercent, formatRate, kindName } from '../format.ts';
import type { SparklineProps } from '../shared/sparkline.tsx';
import { relativeChange, shareChange } from './change.ts';
import type { Change } from './change.ts';
import type { StatsState } from './stats-state.ts';
import { trendKey } from './trends.ts';
import type { Trends } from './trends.ts';

/** The period before, of the same length. */
export interface Before {
  readonly stats: readonly OperationStats[];
  /** `the hour before`. */
  readonly text: string;
}

/** Read top to bottom nobody gets that far; the filter finds the others. */
export const MOST_ROWS = 300;

export interface StatsRows {
  /** In order, those that are shown. */
  readonly rows: readonly OperationStats[];
  /** How many match the filter. */
  readonly matching: number;
  readonly spans: number;
}

export function statsRows(
  stats: readonly OperationStats[],
  state: StatsState,
  byOperation: boolean,
): StatsRows {
  const wanted = state.filter.toLowerCase();
  const matching = stats.filter((row) => nameOf(row, byOperation).toLowerCase().includes(wanted));
  return {
    rows: sortStats(matching, state, byOperation).slice(0, MOST_ROWS),
    matching: matching.length,
    spans: matching.reduce((sum, row) => sum + row.count, 0),
  };
}

function nameOf(row: OperationStats, byOperation: boolean): string {
  return byOperation ? row.name : row.serviceName;
}

/** Ties go by name, so that the order is the same on every load. */
export function sortStats(
  stats: readonly OperationStats[],
  { sort, descending }: Pick<StatsState, 'sort' | 'descending'>,
  byOperation: boolean,
): OperationStats[] {
  const figure = (row: OperationStats): number => {
    switch (sort) {
      case 'name':
        return 0;
      case 'count':
        return row.count;
      case 'errors':
        return row.errorCount;
      case 'errorRate':
        return errorShare(row);
      case 'p50':
        return Number(row.p50Nano);
      case 'p95':
        return Number(row.p95Nano);
      case 'p99':
        return Number(row.p99Nano);
    }
  };
  const direction = descending ? -1 : 1;
  return stats.toSorted((a, b) => {
    const difference = figure(a) - figure(b);
    if (difference !== 0) return difference * direction;
    const [nameA, nameB] = [nameOf(a, byOperation), nameOf(b, byOperation)];
    const names = nameA < nameB ? -1 : nameA > nameB ? 1 : a.kind - b.kind;
    return sort === 'name' ? names * direction : names;
  });
}

export function errorShare({ count, errorCount }: Pick<OperationStats, 'count' | 'errorCount'>): number {
  return count === 0 ? 0 : errorCount / count;
}

export function rowKey(row: OperationStats, byOperation: boolean): string {
  return byOperation ? trendKey(row.name, kindName(row.kind)) : trendKey(row.serviceName);
}

export interface Changes {
  readonly rate: Change;
  readonly errorShare: Change;
  readonly p50: Change;
  readonly p95: Change;
  readonly p99: Change;
}

/** Undefined of a row that was not there before. */
export function changesOf(now: OperationStats, before: OperationStats | undefined): Changes | undefined {
  if (before === undefined || before.count === 0) return undefined;
  const spans = Math.min(now.count, before.count);
  const slower = (a: bigint, b: bigint): Change =>
    relativeChange(Number(a), Number(b), spans, 'more-is-worse');
  return {
    rate: relativeChange(now.count, before.count, spans, 'neither'),
    errorShare: shareChange(errorShare(now), errorShare(before), spans),
    p50: slower(now.p50Nano, before.p50Nano),
    p95: slower(now.p95Nano, before.p95Nano),
    p99: slower(now.p99Nano, before.p99Nano),
  };
}

export interface Courses {
  readonly rate: SparklineProps;
  readonly errorShare: SparklineProps;
  readonly p95: SparklineProps;
}

export function coursesOf(trends: Trends, key: string): Courses | undefined {
  const trend = trends.byKey.get(key);
  if (trend === undefined) return undefined;
  const most = (samples: Float64Array): number => samples.reduce((max, one) => (one > max ? one : max), 0);
  const p95 = most(trend.p95);
  return {
    rate: { samples: trend.rate, tone: 'plain', title: `at most ${formatRate(most(trend.rate), 1)}` },
    errorShare: {
      samples: trend.errorShare,
      tone: 'error',
      title: `at most ${formatPercent(most(trend.errorShare))} errors`,
    },
    p95: {
      samples: trend.p95,
      tone: 'plain',
      title: `p95 at most ${formatDuration(BigInt(Math.round(Math.min(p95, 1e9) * 1e9)))}`,
    },
  };
}
