/**
 * Requests that were taken, for hours and across restarts: senders send again what they got no answer to, and
 * its spans must not stand twice. Those in the log are remembered by replay, those in files by the catalog.
 */
import type { Database } from 'bun:sqlite';
import type { Clock } from './clock.ts';
import { KeySet } from './delivery-keys.ts';
import type { DeliveryKey } from './delivery-keys.ts';

export interface DeliveryLimits {
  /** How long a request is remembered at least. Collectors give up after minutes, by default. */
  readonly windowMs: number;
  /** What is forgotten at once, when it is older than the window. */
  readonly bucketMs: number;
  /** In memory, of all projects; beyond it the oldest requests are forgotten. One to two million. */
  readonly bytes: number;
}

const DEFAULT_LIMITS: DeliveryLimits = {
  windowMs: 4 * 3_600_000,
  bucketMs: 30 * 60_000,
  bytes: 32 * 1024 * 1024,
};

/** No bucket grows beyond this share of the bytes: all would be forgotten with it. */
const BUCKET_SHARE = 1 / 8;

/** Requests of some minutes, by project. */
interface Bucket {
  /** On the monotonic clock, of its first and last request. */
  readonly firstMs: number;
  lastMs: number;
  readonly sets: Map<string, KeySet>;
  bytes: number;
}

/** The requests of one log, by project: what a flush writes to the catalog. */
export class LoggedDeliveries {
  readonly byProject = new Map<string, { readonly keys: KeySet; receivedAtMs: number }>();

  add(projectId: string, key: DeliveryKey, receivedAtMs: number): void {
    let logged = this.byProject.get(projectId);
    if (logged === undefined) this.byProject.set(projectId, (logged = { keys: new KeySet(), receivedAtMs }));
    logged.keys.add(key);
    logged.receivedAtMs = Math.max(logged.receivedAtMs, receivedAtMs);
  }
}

export class Deliveries {
  private readonly limits: DeliveryLimits;
  /** Oldest first. */
  private buckets: Bucket[] = [];
  /** Of logs that are not flushed. */
  private readonly logged = new Set<LoggedDeliveries>();

  constructor(
    private readonly catalog: Database,
    private readonly clock: Clock,
    limits: Partial<DeliveryLimits> = {},
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** In memory. */
  get bytes(): number {
    return this.buckets.reduce((sum, bucket) => sum + bucket.bytes, 0);
  }

  has(projectId: string, key: DeliveryKey): boolean {
    this.forgetOld();
    return this.buckets.some((bucket) => bucket.sets.get(projectId)?.has(key) === true);
  }

  /** The request is on disk, in the log that `logged` belongs to; `receivedAtMs` in Unix milliseconds. */
  remember(projectId: string, key: DeliveryKey, logged: LoggedDeliveries, receivedAtMs: number): void {
    logged.add(projectId, key, receivedAtMs);
    this.logged.add(logged);
    this.change(this.bucketAt(receivedAtMs), projectId, (keys) => keys.add(key));
  }

  /** What the catalog remembers; to be called once, before anything else is remembered. */
  load(): void {
    // Newest first, as far as the bytes go: what is left out is forgotten. Nothing is deleted: the disk may
    // be full.
    const rows = this.catalog
      .query<{ project_id: string; received_at: number; requests: Uint8Array }, [number]>(
        'SELECT project_id, received_at, requests FROM deliveries WHERE received_at >= ? ' +
          'ORDER BY received_at DESC, first_sequence DESC',
      )
      .iterate(this.windowStartMs);
    const loaded: { projectId: string; receivedAtMs: number; words: Uint32Array }[] = [];
    let bytes = 0;
    for (const row of rows) {
      // A set takes up to three times the bytes of its keys.
      bytes += row.requests.length * 3;
      if (bytes > this.limits.bytes) break;
      loaded.push({
        projectId: row.project_id,
        receivedAtMs: row.received_at,
        words: new Uint32Array(row.requests.slice().buffer, 0, row.requests.length >>> 2),
      });
    }
    for (const { projectId, receivedAtMs, words } of loaded.reverse()) {
      this.change(this.bucketAt(receivedAtMs), projectId, (keys) => keys.addAll(words));
    }
  }

  /** Within the transaction that lists the files of a log: from then on the log does not count. */
  store(logged: LoggedDeliveries, firstSequence: number): void {
    const insert = this.catalog.query(
      'INSERT OR REPLACE INTO deliveries (project_id, first_sequence, received_at, requests) VALUES (?, ?, ?, ?)',
    );
    for (const [projectId, { keys, receivedAtMs }] of logged.byProject) {
      if (keys.size === 0) continue;
      const words = keys.toWords();
      insert.run(projectId, firstSequence, receivedAtMs, new Uint8Array(words.buffer));
    }
    this.catalog.query('DELETE FROM deliveries WHERE received_at < ?').run(this.windowStartMs);
  }

  /** After that transaction. */
  stored(logged: LoggedDeliveries): void {
    this.logged.delete(logged);
  }

  /** Spans of the project were deleted: what is sent again is to be taken. */
  forget(projectId: string): void {
    for (const { byProject } of this.logged) byProject.delete(projectId);
    for (const bucket of this.buckets) {
      bucket.bytes -= bucket.sets.get(projectId)?.byteLength ?? 0;
      bucket.sets.delete(projectId);
    }
    this.forgetStored(projectId);
  }

  /** Those of the catalog alone: inside the transaction that removes their spans. */
  forgetStored(projectId: string): void {
    this.catalog.query('DELETE FROM deliveries WHERE project_id = ?').run(projectId);
  }

  /** Unix milliseconds. */
  private get windowStartMs(): number {
    return this.clock.wallMs() - this.limits.windowMs;
  }

  private change(bucket: Bucket, projectId: string, change: (keys: KeySet) => void): void {
    let keys = bucket.sets.get(projectId);
    const before = keys?.byteLength ?? 0;
    if (keys === undefined) bucket.sets.set(projectId, (keys = new KeySet()));
    change(keys);
    bucket.bytes += keys.byteLength - before;
    while (this.buckets.length > 1 && this.bytes > this.limits.bytes) this.buckets.shift();
  }

  /** The newest bucket while it takes more. A time that lies ahead, by a clock set back, counts as now. */
  private bucketAt(receivedAtMs: number): Bucket {
    const { bucketMs, bytes } = this.limits;
    this.forgetOld();
    const atMs = this.clock.monotonicMs() - Math.max(0, this.clock.wallMs() - receivedAtMs);
    const newest = this.buckets.at(-1);
    const takesMore =
      newest !== undefined && atMs < newest.firstMs + bucketMs && newest.bytes < bytes * BUCKET_SHARE;
    if (takesMore) {
      newest.lastMs = Math.max(newest.lastMs, atMs);
      return newest;
    }
    const bucket = { firstMs: atMs, lastMs: atMs, sets: new Map<string, KeySet>(), bytes: 0 };
    this.buckets.push(bucket);
    return bucket;
  }

  private forgetOld(): void {
    const before = this.clock.monotonicMs() - this.limits.windowMs;
    while (this.buckets.length > 0 && this.buckets[0].lastMs < before) this.buckets.shift();
  }
}
