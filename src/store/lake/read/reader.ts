/** The questions of `SpanStore`, answered from snapshots of buffers and Parquet files. */
import {
  COMPLETIONS_AT_ONCE,
  COUNTS_AT_ONCE,
  DEFAULT_SEARCH_LIMIT,
  MAX_QUESTION_BYTES,
  MAX_SEARCH_LIMIT,
  QUERY_TIMEOUT_MS,
  SCAN_CACHE_BYTES,
  SCAN_CACHE_BYTES_BESIDE_MERGE,
  SEARCHES_AT_ONCE,
} from '../../../limits.ts';
import { analyse } from '../../../traceql/analyse.ts';
import { QuestionError } from '../../span-store.ts';
import type {
  Asking,
  ComparisonPage,
  ComparisonQuestion,
  Coverage,
  DependenciesPage,
  FacetsPage,
  FacetsQuestion,
  HeatmapPage,
  HeatmapQuestion,
  KeysPage,
  MetricsPage,
  MetricsQuestion,
  NamesQuestion,
  SearchQuestion,
  SpanPage,
  StatsPage,
  StatsQuestion,
  TraceAnswer,
  TracePage,
  ValuesPage,
} from '../../span-store.ts';
import type { RollupSource } from '../files/rollup-catalog.ts';
import type { LakeSnapshot } from '../files/snapshot.ts';
import { comparison } from './numbers/comparison.ts';
import { rangeOfPages } from './search/cursor.ts';
import { dependencies } from './statistics/dependencies.ts';
import { facets } from './numbers/facets.ts';
import { FileIndexes } from './plan/file-index.ts';
import { Gate } from './gate.ts';
import { heatmap } from './numbers/heatmap.ts';
import { metrics } from './numbers/metrics.ts';
import { attributeKeys, attributeValues } from './numbers/names.ts';
import { orderedOnceInParts } from './search/order-spans.ts';
import { REHEARSAL_MS, newestRows, rehearsedMetrics, rehearsedSearch } from './rehearsal.ts';
import { Rollups } from './statistics/rollup-cache.ts';
import { searchSpans } from './search/search-spans.ts';
import { searchTraces } from './search/search-traces.ts';
import { DistrustedFiles } from './distrusted-files.ts';
import { Session } from './session.ts';
import type { SessionAsking, SessionDeps } from './session-deps.ts';
import { groupStats } from './statistics/statistics.ts';
import { TokenFilters } from './plan/token-filters.ts';
import { TraceIndexes } from './search/trace-indexes.ts';
import { wholeTraces } from './search/trace-rows.ts';
import { MAX_DISTINCT_VALUES } from './numbers/value-counts.ts';
import { DEFAULT_POOL, WorkerPool } from './workers/worker-pool.ts';
import type { PoolOptions } from './workers/worker-pool.ts';

export interface LakeReaderOptions {
  readonly dataDir: string;
  /** What a question may see; released when it is answered. */
  snapshot(projectId: string): LakeSnapshot;
  /** Without it statistics scan every file. */
  readonly rollups?: RollupSource;
  readonly pool?: PoolOptions;
  readonly timeLimitMs?: number;
  readonly memoryLimitBytes?: number;
  /** Told what an operator should know, one line. */
  readonly report?: (message: string) => void;
}

/** A question whose workers are gone ends within milliseconds, unless it scans a large buffer. */
const SETTLE_MS = 2_000;

const WARM_AFTER_MS = 1_000;

export class LakeReader {
  readonly #options: LakeReaderOptions;
  readonly #deps: SessionDeps;
  readonly #indexes: TraceIndexes;
  #warming: ReturnType<typeof setTimeout> | undefined;
  readonly #counts = new Gate(COUNTS_AT_ONCE);
  readonly #searches = new Gate(SEARCHES_AT_ONCE);
  readonly #completions = new Gate(COMPLETIONS_AT_ONCE);
  /** Questions that are being answered. */
  #underWay = 0;

  constructor(options: LakeReaderOptions) {
    const {
      dataDir,
      pool = DEFAULT_POOL,
      timeLimitMs = QUERY_TIMEOUT_MS,
      memoryLimitBytes = MAX_QUESTION_BYTES,
    } = options;
    this.#options = options;
    const report = options.report ?? (() => {});
    this.#indexes = new TraceIndexes(dataDir);
    this.#deps = {
      dataDir,
      timeLimitMs,
      memoryLimitBytes,
      pool: new WorkerPool(pool),
      distrusted: new DistrustedFiles(),
      tokenFilters: new TokenFilters({ dataDir, report }),
      rollups: new Rollups({ source: options.rollups, report }),
      traceIndexes: this.#indexes,
      fileIndexes: new FileIndexes(),
      report,
    };
  }

  searchSpans(projectId: string, question: SearchQuestion): Promise<SpanPage> {
    const work = async (session: Session) => {
      const found = await searchSpans(session, this.#indexes, asked(question));
      return { spans: found.spans, ...cursorOf(found) };
    };
    return isPageOfRows(question)
      ? this.#answer(projectId, question, work)
      : this.#search(projectId, question, work);
  }

  searchTraces(projectId: string, question: SearchQuestion): Promise<TracePage> {
    return this.#search(projectId, question, async (session) => {
      const found = await searchTraces(session, this.#indexes, asked(question));
      return { traces: found.traces, ...cursorOf(found) };
    });
  }

  trace(projectId: string, traceId: string, asking: Asking = {}): Promise<TraceAnswer> {
    return this.#answer(projectId, { ...asking, isSmall: true }, async (session) => {
      const traces = await wholeTraces(session, this.#indexes, [traceId]);
      return { spans: await orderedOnceInParts(traces.get(traceId) ?? [], () => session.breathe()) };
    });
  }

  serviceStats(projectId: string, question: StatsQuestion): Promise<StatsPage> {
    return this.#answer(projectId, question, async (session) => ({
      stats: await groupStats(session, question.range, undefined),
    }));
  }

  operationStats(projectId: string, serviceName: string, question: StatsQuestion): Promise<StatsPage> {
    return this.#answer(projectId, question, async (session) => ({
      stats: await groupStats(session, question.range, serviceName),
    }));
  }

  metrics(projectId: string, question: MetricsQuestion): Promise<MetricsPage> {
    return this.#count(projectId, question, (session) => metrics(session, this.#indexes, question));
  }

  heatmap(projectId: string, question: HeatmapQuestion): Promise<HeatmapPage> {
    return this.#count(projectId, question, (session) => heatmap(session, this.#indexes, question));
  }

  facets(projectId: string, question: FacetsQuestion): Promise<FacetsPage> {
    return this.#count(projectId, question, (session) => facets(session, this.#indexes, question));
  }

  comparison(projectId: string, question: ComparisonQuestion): Promise<ComparisonPage> {
    return this.#count(projectId, question, (session) => comparison(session, this.#indexes, question));
  }

  dependencies(projectId: string, question: StatsQuestion): Promise<DependenciesPage> {
    return this.#count(projectId, question, (session) => dependencies(session, question));
  }

  attributeKeys(projectId: string, question: NamesQuestion): Promise<KeysPage> {
    return this.#answer(projectId, question, async (session) => ({
      keys: await attributeKeys(session, question),
    }));
  }

  attributeValues(projectId: string, field: string, question: NamesQuestion): Promise<ValuesPage> {
    return this.#inTurn(this.#completions, projectId, question, async (session) => {
      const { values, full } = await attributeValues(session, this.#indexes, field, question);
      if (full) session.limit(`only ${MAX_DISTINCT_VALUES} distinct values are counted`);
      return { values };
    });
  }

  /** Reads what is kept of the trace indexes of a project: some milliseconds for 10M spans. */
  async warm(projectId: string): Promise<void> {
    await this.#answer(projectId, {}, async (session) => {
      await this.#indexes.warm(session);
      return {};
    });
  }

  /** Of trace indexes in memory. */
  get indexBytesInMemory(): number {
    return this.#indexes.bytes;
  }

  /** Warms workers and projects in a while: a server listens first. What fails is read when it is asked for. */
  warmLater(projectIds: readonly string[]): void {
    this.#warming = setTimeout(() => {
      void (async () => {
        if (projectIds.length > 0) this.#deps.pool.warm();
        for (const projectId of projectIds) await this.warm(projectId);
        await this.#rehearse(projectIds);
      })().catch((error: unknown) => {
        if (!this.#deps.pool.isClosed) this.#deps.report(`nothing more is read ahead: ${String(error)}`);
      });
    }, WARM_AFTER_MS);
    this.#warming.unref();
  }

  /** Of one project: the code is the same for all. */
  async #rehearse(projectIds: readonly string[]): Promise<void> {
    const { pool } = this.#deps;
    for (const projectId of projectIds) {
      const snapshot = this.#options.snapshot(projectId);
      const range = newestRows(snapshot.files);
      snapshot.release();
      if (range === undefined) continue;
      const until = performance.now() + REHEARSAL_MS;
      const asker = async (): Promise<void> => {
        while (performance.now() < until && !pool.isClosed) {
          for (const question of rehearsedMetrics(range)) await this.metrics(projectId, question);
          const { spans } = await this.searchSpans(projectId, rehearsedSearch(range));
          if (spans.length > 0) await this.trace(projectId, spans[0].traceId);
        }
      };
      // As many as there are workers: one that is busy leaves the other's row group to an idle one.
      await Promise.all(Array.from({ length: pool.size }, asker));
      return;
    }
  }

  /** Whether files are being merged: then workers keep less of what they decoded. */
  makeRoom(isMerging: boolean): void {
    this.#deps.pool.limitCache(isMerging ? SCAN_CACHE_BYTES_BESIDE_MERGE : SCAN_CACHE_BYTES);
  }

  close(): void {
    clearTimeout(this.#warming);
    this.#deps.pool.close();
  }

  /** After `close`: resolves when the last question has let go of the files that it saw, in a while at most. */
  async settled(): Promise<void> {
    const until = performance.now() + SETTLE_MS;
    while (this.#underWay > 0 && performance.now() < until) await Bun.sleep(5);
  }

  #count<T>(
    projectId: string,
    asking: SessionAsking,
    work: (session: Session) => Promise<T>,
  ): Promise<T & Coverage> {
    return this.#inTurn(this.#counts, projectId, asking, work);
  }

  #search<T>(
    projectId: string,
    asking: SessionAsking,
    work: (session: Session) => Promise<T>,
  ): Promise<T & Coverage> {
    return this.#inTurn(this.#searches, projectId, asking, work);
  }

  /** What it waits is of its time; when that is up, it answers with what takes none. */
  async #inTurn<T>(
    gate: Gate,
    projectId: string,
    asking: SessionAsking,
    work: (session: Session) => Promise<T>,
  ): Promise<T & Coverage> {
    asking.signal?.throwIfAborted();
    const sinceMs = performance.now();
    const isIn = await gate.enter(this.#deps.timeLimitMs, asking.signal);
    try {
      return await this.#answer(projectId, { ...asking, sinceMs }, (session) => {
        if (!isIn) session.limit('other questions took all of its time');
        return work(session);
      });
    } finally {
      if (isIn) gate.leave();
    }
  }

  async #answer<T>(
    projectId: string,
    asking: SessionAsking,
    work: (session: Session) => Promise<T>,
  ): Promise<T & Coverage> {
    asking.signal?.throwIfAborted();
    const snapshot = this.#options.snapshot(projectId);
    this.#underWay++;
    try {
      const session = new Session(this.#deps, projectId, snapshot, asking);
      const answer = await work(session);
      return { ...answer, ...session.coverage() };
    } finally {
      snapshot.release();
      this.#underWay--;
    }
  }
}

/** It holds some hundred rows, and no trace: what people look at first waits for no one. */
function isPageOfRows({ query, limit }: SearchQuestion): boolean {
  const { expression } = query;
  return (
    limit <= DEFAULT_SEARCH_LIMIT && expression.kind === 'filter' && !analyse(expression.condition).needsTrace
  );
}

function asked(question: SearchQuestion) {
  const { query, order, limit, cursor } = question;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_SEARCH_LIMIT) {
    throw new QuestionError('invalid_argument', `limit ${limit} is not between 1 and ${MAX_SEARCH_LIMIT}`);
  }
  const range = rangeOfPages(question.range, cursor, question.sliding);
  return { query, range, order, limit, cursor };
}

function cursorOf({ nextCursor }: { readonly nextCursor: string | undefined }): { nextCursor?: string } {
  return nextCursor === undefined ? {} : { nextCursor };
}
