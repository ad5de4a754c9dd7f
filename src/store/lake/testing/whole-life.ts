/**
 * For tests of faults: one life of a store with everything in it that changes files, and what must and may
 * be found after it, whichever of its calls failed or was the last.
 */
import { parseQuery } from '../../../traceql/parse.ts';
import { loadFiles } from '../files/catalog-files.ts';
import { openCatalog } from '../../catalog.ts';
import { SPANS } from '../../../span/schema.ts';
import type { ExportRequest } from '../../span-store.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { EVER } from './model-world.ts';
import { duckdbRows, pathList } from './duckdb.ts';
import { testRequest, testSpan } from './requests.ts';
import type { TestSpan } from './requests.ts';

/** No call may hang: reliability case 3. */
const CALL_TIMEOUT_MS = 5_000;

const DAY_NANO = 86_400_000_000_000n;

export class LifeRecord {
  /** Span ids. */
  readonly sent = new Set<string>();
  readonly acknowledged = new Set<string>();
  /** Asked to go, whether it was answered or not. */
  readonly doomed = new Set<string>();
  /** In a request that was not acknowledged: the log may hold it, and bring it back after a deletion. */
  readonly uncertain = new Set<string>();
  /** Their deletion was answered. */
  readonly deleted = new Set<string>();

  /** Throws when `found` can't be what such a life leaves. */
  check(found: readonly string[]): void {
    const once = new Set(found);
    if (once.size < found.length) throw new Error(`doubled: ${found.length - once.size} of ${found.length}`);
    const lost = [...this.acknowledged].filter((id) => !once.has(id) && !this.doomed.has(id));
    if (lost.length > 0) throw new Error(`acknowledged and lost: ${lost.join(' ')}`);
    const strange = found.filter((id) => !this.sent.has(id));
    if (strange.length > 0) throw new Error(`never sent: ${strange.join(' ')}`);
    const risen = found.filter((id) => this.deleted.has(id));
    if (risen.length > 0) throw new Error(`deleted and back: ${risen.join(' ')}`);
  }
}

/** Fails loudly where a call takes longer than any may. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new HangError(`${what} took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class HangError extends Error {
  override readonly name = 'HangError';
}

/** The nth span of a life: odd traces a day later. */
function lifeSpan(n: number): TestSpan {
  const plain = testSpan(n);
  const later = Math.floor(n / 10) % 2 === 1 ? DAY_NANO : 0n;
  return { ...plain, start: (plain.start ?? 0n) + later };
}

export class Life {
  readonly record = new LifeRecord();
  private readonly requests: ExportRequest[] = [];

  /** `problem` resolves when the store reported a failure in the background: then a flush may never end. */
  constructor(
    private readonly lake: Lake,
    private readonly problem: Promise<void>,
    /** True once nothing that is answered counts: the power is gone. */
    private readonly isOver: () => boolean = () => false,
  ) {}

  /** Two requests, flushed, with repeats and doubles in between, twice. */
  async write(): Promise<void> {
    for (let part = 0; part < 2; part++) {
      const first = part * 20;
      await this.append([0, 1, 10].map((n) => lifeSpan(first + n)));
      await this.append([2, 11].map((n) => lifeSpan(first + n)));
      await this.flush();
      // The same bytes again, and a span that came before in a request of its own.
      await this.repeat(part * 2);
      await this.append([3, 1].map((n) => lifeSpan(first + n)));
      await this.flush();
    }
    await this.append([lifeSpan(40)]);
  }

  /** Merges, deletions, and merges of what they left; new spans and doubles of old ones in between. */
  async maintain(): Promise<void> {
    await this.compact();
    await this.deleteTrace(10);
    await this.append([4, 2, 12].map((n) => lifeSpan(n)));
    await this.flush();
    await this.deleteNamed('operation 2');
    await this.append([lifeSpan(42), lifeSpan(22 + 3)]);
    await this.compact();
    await this.flush();
    await this.compact();
  }

  /** Not acknowledged is no failure of the store: it may be there or not. */
  async append(spans: readonly TestSpan[]): Promise<void> {
    const { record } = this;
    const request = testRequest(spans);
    this.requests.push(request);
    for (const { spanId } of spans) {
      record.sent.add(spanId);
      // A deleted span that is sent anew may be there from now on.
      record.deleted.delete(spanId);
    }
    if (!(await this.attempt('append', () => this.lake.append('default', request)))) {
      for (const { spanId } of spans) record.uncertain.add(spanId);
      return;
    }
    for (const { spanId } of spans) {
      record.acknowledged.add(spanId);
      record.doomed.delete(spanId);
    }
  }

  async repeat(index: number): Promise<void> {
    await this.attempt('append again', () => this.lake.append('default', this.requests[index]));
  }

  async flush(): Promise<void> {
    await this.attempt('flush', () => Promise.race([this.lake.flush(), this.problem]));
  }

  async compact(): Promise<void> {
    await this.attempt('compaction', () => this.lake.compact());
  }

  /** The trace of the nth span. */
  async deleteTrace(n: number): Promise<void> {
    const { traceId } = lifeSpan(n);
    const isGone = (id: string) => lifeSpan(Number.parseInt(id, 16) - 1).traceId === traceId;
    await this.remove(isGone, () => this.lake.deleteTrace('default', traceId, 'test'));
  }

  async deleteNamed(name: string): Promise<void> {
    const query = parseQuery(`{ name = "${name}" }`);
    const isGone = (id: string) => lifeSpan(Number.parseInt(id, 16) - 1).name === name;
    await this.remove(isGone, () => this.lake.deleteSpans('default', query, EVER, 'test'));
  }

  private async remove(isGone: (spanId: string) => boolean, call: () => Promise<unknown>): Promise<void> {
    const { record } = this;
    const concerned = [...record.sent].filter(isGone);
    for (const id of concerned) record.doomed.add(id);
    if (!(await this.attempt('deletion', call))) return;
    for (const id of concerned) {
      if (record.acknowledged.has(id) && !record.uncertain.has(id)) record.deleted.add(id);
    }
  }

  /** False for a call that failed; one that hangs fails the test. */
  private async attempt(what: string, call: () => Promise<unknown>): Promise<boolean> {
    try {
      await within(what, call());
      return !this.isOver();
    } catch (error) {
      if (error instanceof HangError) throw error;
      return false;
    }
  }
}

/** Running ones: starting them takes longer than most lives. */
export type Workers = Required<Pick<LakeOptions, 'writer' | 'rewriter'>>;

/**
 * All that the next life of a folder finds, brought into files and merged, so that nothing is there twice:
 * span ids, as DuckDB reads them.
 */
export async function recoveredIds(dataDir: string, workers: Workers): Promise<string[]> {
  const lake = await within('a start', openLake({ dataDir, ...workers, background: false }), 20_000);
  try {
    await within('flush', lake.flush());
    await within('compaction', lake.compact(), 20_000);
  } finally {
    await within('close', lake.close(), 10_000);
  }
  return idsInFiles(dataDir);
}

/** Span ids of every row in the files that the catalog lists, as DuckDB reads them. Nobody may hold the folder. */
export async function idsInFiles(dataDir: string): Promise<string[]> {
  const catalog = openCatalog(dataDir);
  const files = loadFiles(catalog, SPANS.name);
  catalog.close();
  const damaged = files.filter(({ quarantined }) => quarantined !== undefined);
  if (damaged.length > 0) throw new Error(`quarantined: ${damaged[0].entry.path}: ${damaged[0].quarantined}`);
  if (files.length === 0) return [];
  const rows = await duckdbRows(
    `SELECT lower(hex(span_id)) AS id FROM read_parquet(${pathList(files.map(({ entry }) => `${dataDir}/${entry.path}`))})`,
  );
  const expected = files.reduce((sum, { entry }) => sum + entry.rows, 0);
  if (rows.length !== expected)
    throw new Error(`DuckDB reads ${rows.length} rows, the catalog has ${expected}`);
  return rows.map((row) => String(row.id));
}
