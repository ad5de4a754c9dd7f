/**
 * The writing half of the lake, put together: replay, log, flush. The other halves see nothing of it but
 * snapshots.
 */
import { DEFAULT_SPAN_LIMITS } from '../../../span/span-limits.ts';
import type { SpanLimits } from '../../../span/span-limits.ts';
import { LOG_FOLDER } from '../files/names.ts';
import { flushedThrough } from '../files/catalog-files.ts';
import type { LakeParts } from '../parts.ts';
import type { AppendResult, ExportRequest, StoreUnavailableError } from '../../span-store.ts';
import type { StoreHealth } from '../../store-upkeep.ts';
import { Deliveries } from './deliveries.ts';
import { DEFAULT_RESERVE, DiskReserve } from './disk-space.ts';
import type { ReserveSize } from './disk-space.ts';
import { Flusher } from './flush.ts';
import type { Generation } from './generation.ts';
import { Ingest } from './ingest.ts';
import type { SealLimits } from './ingest.ts';
import { replay } from './replay.ts';
import { Writer } from './writer.ts';

/**
 * 131,072 spans are 25 to 50 MB of columns and one file of 5 MB: twice as many took 100 MB more of the server at 50,000
 * spans/s, and saved nothing. 30 s bound what a start replays under light traffic; six sealed generations, or as many
 * bytes as two full ones have, bound memory when files are written slowly.
 */
export const DEFAULT_LIMITS: SealLimits = {
  rows: 131_072,
  bytes: 128 * 1024 * 1024,
  ageMs: 30_000,
  sealedGenerations: 6,
};

const TICK_MS = 250;

/** A start does not wait longer for files to be written: with a full disk it would never end. */
const REPLAY_WAIT_MS = 10_000;

/** Closing has 10 s; what is not in files by then stays in the log. */
const CLOSE_FLUSH_MS = 8_000;

export interface WriteOptions {
  readonly limits?: Partial<SealLimits>;
  /** What is kept of a span: the default limits by default. */
  readonly spanLimits?: SpanLimits;
  /** A running writer, which stays so on close. */
  readonly writer?: Writer;
  /** How much of the disk stays free: 5 %, at most 1 GiB, by default. */
  readonly reserve?: ReserveSize;
}

export type WriteFigures = Pick<
  StoreHealth,
  | 'writable'
  | 'reason'
  | 'bufferRows'
  | 'bufferBytes'
  | 'logBytes'
  | 'logAgeSeconds'
  | 'lastFsyncMs'
  | 'lastFsyncAt'
  | 'duplicateRequests'
  | 'diskFreeBytes'
  | 'diskTotalBytes'
  | 'diskReserveBytes'
>;

export class WriteSide {
  readonly disk: DiskReserve;
  readonly deliveries: Deliveries;
  private readonly flusher: Flusher;
  private readonly writer: Writer;
  private readonly limits: SealLimits;
  private ingest: Ingest | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly parts: LakeParts,
    private readonly options: WriteOptions,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.writer = options.writer ?? new Writer();
    const size = options.reserve ?? DEFAULT_RESERVE;
    this.disk = new DiskReserve({ ...parts, path: parts.dataDir, size });
    this.deliveries = new Deliveries(parts.catalog, parts.clock);
    this.flusher = new Flusher({ ...parts, writer: this.writer, deliveries: this.deliveries });
  }

  /** Resolves when all that is in the log can be searched. */
  async start(): Promise<void> {
    const { dataDir, files, clock, snapshots, catalog, report } = this.parts;
    const logFolder = `${dataDir}/${LOG_FOLDER}`;
    const spanLimits = this.options.spanLimits ?? DEFAULT_SPAN_LIMITS;
    this.deliveries.load();
    await this.disk.check();
    const replayed = await replay({
      dataDir,
      files,
      deliveries: this.deliveries,
      flushedThrough: flushedThrough(catalog),
      report,
      spanLimits,
      take: (generation) => this.takeReplayed(generation),
    });
    this.ingest = new Ingest({
      files,
      clock,
      snapshots,
      deliveries: this.deliveries,
      disk: this.disk,
      logFolder,
      limits: this.limits,
      spanLimits,
      nextSequence: replayed.lastSequence + 1,
      flush: (generation) => this.flusher.add(generation),
      unflushed: () => this.flusher.unflushed.length,
      unflushedBytes: () => this.flusher.unflushed.reduce((sum, { size }) => sum + size.bytes, 0),
    });
    this.timer = setInterval(() => {
      this.ingest?.tick();
      this.disk.tick();
    }, TICK_MS);
    this.timer.unref();
  }

  append(projectId: string, request: ExportRequest): Promise<AppendResult> {
    if (this.ingest === undefined) throw new Error('the lake is not started');
    return this.ingest.append(projectId, request);
  }

  /** Why nothing is taken now; undefined when it is. */
  refusal(): StoreUnavailableError | undefined {
    return this.ingest?.unavailable();
  }

  /** Seals what is open and resolves when it stands in files, or can't. */
  async flush(): Promise<void> {
    this.ingest?.seal();
    await this.flusher.drained();
  }

  /** The same for what is there now, and it resolves too when that can't be written to files for now. */
  async tryFlush(): Promise<void> {
    this.ingest?.seal();
    await this.flusher.attempted();
  }

  /** True while one generation waits for another to be flushed: what is not ingest must wait then. */
  get isBehind(): boolean {
    return this.flusher.unflushed.length > 1;
  }

  figures(): WriteFigures {
    const reason = this.ingest?.refusalReason ?? 'starting';
    const open = this.ingest?.open;
    const generations: Generation[] = [...this.flusher.unflushed, ...(open === undefined ? [] : [open])];
    const oldest = generations[0]?.firstFrameAtMs;
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    return {
      writable: reason === '',
      reason,
      bufferRows: sum(generations.map((generation) => generation.publishedRows)),
      bufferBytes: sum(generations.map((generation) => generation.size.bytes)),
      logBytes: sum(generations.map((generation) => generation.segment.bytes)),
      logAgeSeconds: oldest === undefined ? 0 : (this.parts.clock.monotonicMs() - oldest) / 1000,
      lastFsyncMs: this.ingest?.lastSyncMs ?? 0,
      lastFsyncAt: this.ingest?.lastSyncAt ?? 0,
      duplicateRequests: this.ingest?.duplicateRequests ?? 0,
      diskFreeBytes: this.disk.freeBytes,
      diskTotalBytes: this.disk.totalBytes,
      diskReserveBytes: this.disk.reserveBytes,
    };
  }

  /** Takes no more writes, and resolves when those under way have ended. */
  async stopTaking(): Promise<void> {
    clearInterval(this.timer);
    await this.ingest?.stop();
  }

  /** Flushes, after `stopTaking`, and lets go of the log. What can't be flushed stays in it. */
  async close(): Promise<void> {
    const deadline = setTimeout(() => this.writer.close(), CLOSE_FLUSH_MS);
    await this.flusher.close();
    clearTimeout(deadline);
    for (const generation of this.flusher.unflushed) {
      await generation.segment.close().catch(() => {});
    }
    await this.ingest?.open?.segment.close();
    if (this.options.writer === undefined) this.writer.close();
  }

  /** For tests: lets go as a killed process would, with nothing flushed or closed in order. */
  async abandon(): Promise<void> {
    clearInterval(this.timer);
    this.flusher.abandon();
    if (this.options.writer === undefined) this.writer.close();
    await this.flusher.drained();
  }

  /** Replayed rows are searchable at once. Waits while too many generations are in memory. */
  private async takeReplayed(generation: Generation): Promise<void> {
    const { clock, snapshots } = this.parts;
    generation.firstFrameAtMs = clock.monotonicMs();
    generation.endDecoding();
    const changes = [...generation.buffers].map(([projectId, addBuffers]) => ({ projectId, addBuffers }));
    snapshots.publish(changes);
    this.flusher.add(generation);
    if (this.flusher.unflushed.length <= this.limits.sealedGenerations) return;
    await Promise.race([this.flusher.drained(), Bun.sleep(REPLAY_WAIT_MS)]);
  }
}
