/** What a question is given (session.ts), and what its jobs are called. */
import type { Query } from '../../../traceql/ast.ts';
import type { DistrustedFiles } from './distrusted-files.ts';
import type { StageName } from './explain.ts';
import type { FileIndexes } from './plan/file-index.ts';
import type { TokenFilters } from './plan/token-filters.ts';
import type { TraceIndexes } from './search/trace-indexes.ts';
import type { Rollups } from './statistics/rollup-cache.ts';
import type { Job } from './workers/jobs.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

/** What every question of a reader shares. */
export interface SessionDeps {
  /** A question that takes longer answers with what it has, marked incomplete. */
  readonly timeLimitMs: number;
  /** What a question may keep at once (`Session.keep`). */
  readonly memoryLimitBytes: number;
  readonly dataDir: string;
  readonly pool: WorkerPool;
  readonly distrusted: DistrustedFiles;
  readonly tokenFilters: TokenFilters;
  readonly rollups: Rollups;
  readonly traceIndexes: TraceIndexes;
  readonly fileIndexes: FileIndexes;
  /** What an operator should know, one line. */
  report(message: string): void;
}

/** What a question says besides what it asks. */
export interface SessionAsking {
  readonly signal?: AbortSignal;
  readonly explain?: boolean;
  /** Shown by `explain`. */
  readonly query?: Query;
  /** It waits for no other's turn: what it does here takes milliseconds. */
  readonly isSmall?: boolean;
  /** Its time runs since then; by `performance.now`, default now. */
  readonly sinceMs?: number;
}

export function stageOf(job: Job): StageName {
  if (job.kind === 'traceIndex') return 'trace index';
  if (job.kind === 'spans' || job.kind === 'ids') return 'rows';
  return 'picks' in job ? 'traces' : 'scan';
}

/** Those that a job is asked to read. */
export function rowGroupsOf(job: Job): number[] {
  if ('picks' in job) return job.picks.map(({ rowGroup }) => rowGroup);
  if (!('rowGroups' in job)) return [];
  return job.rowGroups.map((group) => (typeof group === 'number' ? group : group.index));
}
