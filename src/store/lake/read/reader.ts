/** The questions of `SpanStore`, answered from snapshots of buffers and Parquet files. */
import { MAX_SEARCH_LIMIT } from '../../../limits.ts';
import { analyse } from '../../../traceql/analyse.ts';
import { QuestionError } from '../../span-store.ts';
import type {
  Coverage,
  KeysPage,
  NamesQuestion,
  SearchQuestion,
  SpanPage,
  StatsPage,
  TimeRange,
  TraceAnswer,
  TracePage,
  ValuesPage,
} from '../../span-store.ts';
import type { LakeSnapshot } from '../files/snapshot.ts';
import { attributeKeys, attributeValues, conditionOf } from './names.ts';
import { orderedOnce } from './order-spans.ts';
import { searchSpans } from './search-spans.ts';
import { searchTraces } from './search-traces.ts';
import { DistrustedFiles, Session } from './session.ts';
import type { SessionDeps } from './session.ts';
import { groupStats } from './statistics.ts';
import { TokenFilters } from './token-filters.ts';
import { TraceIndexes } from './trace-indexes.ts';
import { wholeTraces } from './trace-rows.ts';
import { MAX_DISTINCT_VALUES } from './value-counts.ts';
import { DEFAULT_POOL, WorkerPool } from './worker-pool.ts';
import type { PoolOptions } from './worker-pool.ts';

export interface LakeReaderOptions {
  readonly dataDir: string;
  /** What a question may see; released when it is answered. */
  snapshot(projectId: string): LakeSnapshot;
  readonly pool?: PoolOptions;
  readonly timeLimitMs?: number;
  /** Told what an operator should know, one line. */
  readonly report?: (message: string) => void;
}

/** Below the 30 s after which browsers' and Grafana's requests are commonly given up. */
const QUESTION_TIME_LIMIT_MS = 20_000;

const WARM_AFTER_MS = 1_000;

export class LakeReader {
  readonly #options: LakeReaderOptions;
  readonly #deps: SessionDeps;
  readonly #indexes: TraceIndexes;
  #warming: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LakeReaderOptions) {
    const { dataDir, pool = DEFAULT_POOL, timeLimitMs = QUESTION_TIME_LIMIT_MS } = options;
    this.#options = options;
    const report = options.report ?? (() => {});
    this.#deps = {
      dataDir,
      timeLimitMs,
      pool: new WorkerPool(pool),
      distrusted: new DistrustedFiles(),
      tokenFilters: new TokenFilters({ dataDir, report }),
      report,
    };
    this.#indexes = new TraceIndexes(dataDir);
  }

  searchSpans(projectId: string, question: SearchQuestion): Promise<SpanPage> {
    return this.#answer(projectId, question.signal, async (session) => {
      const found = await searchSpans(session, this.#indexes, asked(question));
      return { spans: found.spans, ...cursorOf(found) };
    });
  }

  searchTraces(projectId: string, question: SearchQuestion): Promise<TracePage> {
    return this.#answer(projectId, question.signal, async (session) => {
      const found = await searchTraces(session, this.#indexes, asked(question));
      return { traces: found.traces, ...cursorOf(found) };
    });
  }

  trace(projectId: string, traceId: string): Promise<TraceAnswer> {
    return this.#answer(projectId, undefined, async (session) => {
      const traces = await wholeTraces(session, this.#indexes, [traceId]);
      return { spans: orderedOnce(traces.get(traceId) ?? []) };
    });
  }

  serviceStats(projectId: string, range: TimeRange): Promise<StatsPage> {
    return this.#answer(projectId, undefined, async (session) => ({
      stats: await groupStats(session, range, undefined),
    }));
  }

  operationStats(projectId: string, serviceName: string, range: TimeRange): Promise<StatsPage> {
    return this.#answer(projectId, undefined, async (session) => ({
      stats: await groupStats(session, range, serviceName),
    }));
  }

  attributeKeys(projectId: string, question: NamesQuestion): Promise<KeysPage> {
    return this.#answer(projectId, undefined, async (session) => ({
      keys: await attributeKeys(session, question),
    }));
  }

  attributeValues(projectId: string, field: string, question: NamesQuestion): Promise<ValuesPage> {
    return this.#answer(projectId, undefined, async (session) => {
      const { values, full } = await attributeValues(session, field, question);
      if (full) session.limit(`only ${MAX_DISTINCT_VALUES} distinct values are counted`);
      return { values };
    });
  }

  /** Reads what is kept of the trace indexes of a project: some milliseconds for 10M spans. */
  async warm(projectId: string): Promise<void> {
    await this.#answer(projectId, undefined, async (session) => {
      await this.#indexes.warm(session);
      return {};
    });
  }

  /** Of trace indexes in memory. */
  get indexBytesInMemory(): number {
    return this.#indexes.bytes;
  }

  /** Warms the projects in a while: a server listens first. What fails is read when it is asked for. */
  warmLater(projectIds: readonly string[]): void {
    this.#warming = setTimeout(() => {
      void (async () => {
        for (const projectId of projectIds) await this.warm(projectId);
      })().catch((error: unknown) => this.#deps.report(`trace indexes are not read ahead: ${String(error)}`));
    }, WARM_AFTER_MS);
    this.#warming.unref();
  }

  close(): void {
    clearTimeout(this.#warming);
    this.#deps.pool.close();
  }

  async #answer<T>(
    projectId: string,
    signal: AbortSignal | undefined,
    work: (session: Session) => Promise<T>,
  ): Promise<T & Coverage> {
    const snapshot = this.#options.snapshot(projectId);
    try {
      const session = new Session(this.#deps, projectId, snapshot, signal);
      const answer = await work(session);
      return { ...answer, ...session.coverage() };
    } finally {
      snapshot.release();
    }
  }
}

function asked(question: SearchQuestion) {
  const { query, range, order, limit, cursor } = question;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_SEARCH_LIMIT) {
    throw new QuestionError('invalid_argument', `limit ${limit} is not between 1 and ${MAX_SEARCH_LIMIT}`);
  }
  const condition = conditionOf(query);
  return { query, range, order, limit, cursor, condition, analysis: analyse(condition) };
}

function cursorOf({ nextCursor }: { readonly nextCursor: string | undefined }): { nextCursor?: string } {
  return nextCursor === undefined ? {} : { nextCursor };
}
