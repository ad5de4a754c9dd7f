/**
 * The writing half of the lake, put together: lock, catalog, replay, log, flush. The reading half sees
 * nothing of it but snapshots.
 */
import type { Database } from 'bun:sqlite';
import { SPANS } from '../../../span/schema.ts';
import { openCatalog } from '../../catalog.ts';
import type { AppendResult, ExportRequest, StoreHealth } from '../../span-store.ts';
import { flushedThrough, loadFiles } from '../files/catalog-files.ts';
import { realFileSystem } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, LOG_FOLDER } from '../files/names.ts';
import { Snapshots } from '../files/snapshot.ts';
import type { LakeSnapshot, SnapshotChange } from '../files/snapshot.ts';
import { lockFolder } from '../lock.ts';
import type { FolderLock } from '../lock.ts';
import { realClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { Flusher } from './flush.ts';
import type { Generation } from './generation.ts';
import { Ingest } from './ingest.ts';
import type { SealLimits } from './ingest.ts';
import { replay } from './replay.ts';
import { Scrub } from './scrub.ts';
import { tidyLake } from './tidy.ts';
import { Writer } from './writer.ts';

/**
 * 262,144 spans are 50 to 100 MB of columns and one file of 10 MB; 30 s bound what a start replays under
 * light traffic; three sealed generations bound memory at about 400 MB when files are written slowly.
 */
export const DEFAULT_LIMITS: SealLimits = {
  rows: 262_144,
  bytes: 128 * 1024 * 1024,
  ageMs: 30_000,
  sealedGenerations: 3,
};

const TICK_MS = 250;

/** A start does not wait longer for files to be written: with a full disk it would never end. */
const REPLAY_WAIT_MS = 10_000;

/** Closing has 10 s; what is not in files by then stays in the log. */
const CLOSE_FLUSH_MS = 8_000;

export interface LakeOptions {
  /** Absolute, or relative to the working folder. */
  readonly dataDir: string;
  /** An open catalog, which stays open on close; without it the lake opens and closes its own. */
  readonly catalog?: Database;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly limits?: Partial<SealLimits>;
  /** A running writer, which stays so on close. */
  readonly writer?: Writer;
  /** Compare the files with their hashes in the background: the default. */
  readonly scrub?: boolean;
  /** Told of damage found, and of what failed in the background. */
  readonly report?: (problem: string) => void;
}

export async function openWriteSide(options: LakeOptions): Promise<WriteSide> {
  const lock = lockFolder(options.dataDir);
  let catalog: Database | undefined;
  try {
    catalog = options.catalog ?? openCatalog(options.dataDir);
    const side = new WriteSide(options, catalog, lock);
    await side.start();
    return side;
  } catch (error) {
    if (options.catalog === undefined) catalog?.close();
    lock.release();
    throw error;
  }
}

export class WriteSide {
  private readonly snapshots: Snapshots;
  private readonly flusher: Flusher;
  private readonly writer: Writer;
  private readonly files: FileSystem;
  private readonly clock: Clock;
  private readonly limits: SealLimits;
  private readonly report: (problem: string) => void;
  private ingest: Ingest | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private closed: Promise<void> | undefined;
  private readonly scrub: Scrub;

  constructor(
    private readonly options: LakeOptions,
    private readonly catalog: Database,
    private readonly lock: FolderLock,
  ) {
    this.files = options.fileSystem ?? realFileSystem;
    this.clock = options.clock ?? realClock;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.report = options.report ?? (() => {});
    this.snapshots = new Snapshots((paths) => void this.unlink(paths));
    this.writer = options.writer ?? new Writer();
    this.flusher = new Flusher({
      dataDir: options.dataDir,
      files: this.files,
      catalog,
      clock: this.clock,
      snapshots: this.snapshots,
      writer: this.writer,
      report: this.report,
    });
    this.scrub = new Scrub({
      dataDir: options.dataDir,
      files: this.files,
      snapshots: this.snapshots,
      report: this.report,
    });
  }

  /** Resolves when all that is on disk can be searched. */
  async start(): Promise<void> {
    const { dataDir } = this.options;
    const logFolder = `${dataDir}/${LOG_FOLDER}`;
    await this.files.makeFolder(logFolder);
    await this.files.makeFolder(`${dataDir}/${LAKE_FOLDER}`);
    await this.files.syncFolder(dataDir);
    const entries = loadFiles(this.catalog, SPANS.name);
    const tidy = await tidyLake(this.files, dataDir, entries, flushedThrough(this.catalog), this.report);
    const changes = new Map<string, SnapshotChange>();
    for (const projectId of new Set([...tidy.sound, ...tidy.quarantined].map((file) => file.projectId))) {
      const ofProject = (file: { readonly projectId: string }) => file.projectId === projectId;
      const quarantine = tidy.quarantined.filter(ofProject).map((file) => file.path);
      changes.set(projectId, { projectId, addFiles: tidy.sound.filter(ofProject), quarantine });
    }
    this.snapshots.publish([...changes.values()]);
    const replayed = await replay({
      dataDir,
      files: this.files,
      flushedThrough: flushedThrough(this.catalog),
      report: this.report,
      take: (generation) => this.takeReplayed(generation),
    });
    this.ingest = new Ingest({
      files: this.files,
      clock: this.clock,
      snapshots: this.snapshots,
      logFolder,
      limits: this.limits,
      nextSequence: replayed.lastSequence + 1,
      flush: (generation) => this.flusher.add(generation),
      unflushed: () => this.flusher.unflushed.length,
    });
    this.timer = setInterval(() => this.ingest?.tick(), TICK_MS);
    this.timer.unref();
    // A file system of a test counts its calls: none may come of its own accord.
    if (this.options.scrub ?? this.files === realFileSystem) this.scrub.start();
  }

  get dataDir(): string {
    return this.options.dataDir;
  }

  append(projectId: string, request: ExportRequest): Promise<AppendResult> {
    if (this.ingest === undefined) throw new Error('the lake is not started');
    return this.ingest.append(projectId, request);
  }

  /** To be released by whoever asks. */
  snapshot(projectId: string): LakeSnapshot {
    return this.snapshots.acquire(projectId);
  }

  /** Seals what is open and resolves when it stands in files. */
  async flush(): Promise<void> {
    this.ingest?.seal();
    await this.flusher.drained();
  }

  isEmpty(projectId: string): boolean {
    const { files, quarantined, buffers } = this.snapshots.state(projectId);
    return (
      files.length === 0 &&
      quarantined.length === 0 &&
      buffers.every((columns) => columns.publishedRows === 0)
    );
  }

  health(): StoreHealth {
    const reason = this.ingest?.refusalReason ?? 'starting';
    const open = this.ingest?.open;
    const generations: Generation[] = [...this.flusher.unflushed, ...(open === undefined ? [] : [open])];
    const oldest = generations[0]?.firstFrameAtMs;
    const states = [...this.snapshots.states().values()];
    const files = states.flatMap((state) => state.files);
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    return {
      writable: reason === '',
      reason,
      bufferRows: sum(generations.map((generation) => generation.publishedRows)),
      bufferBytes: sum(generations.map((generation) => generation.size.bytes)),
      logBytes: sum(generations.map((generation) => generation.segment.bytes)),
      logAgeSeconds: oldest === undefined ? 0 : (this.clock.monotonicMs() - oldest) / 1000,
      lastFsyncMs: this.ingest?.lastSyncMs ?? 0,
      files: files.length,
      fileRows: sum(files.map((file) => file.rows)),
      fileBytes: sum(files.map((file) => file.bytes)),
      quarantinedFiles: sum(states.map((state) => state.quarantined.length)),
    };
  }

  /** Takes no more writes, flushes, and lets go of everything. What can't be flushed stays in the log. */
  close(): Promise<void> {
    this.closed ??= this.closeOnce();
    return this.closed;
  }

  private async closeOnce(): Promise<void> {
    this.scrub.stop();
    clearInterval(this.timer);
    await this.ingest?.stop();
    const deadline = setTimeout(() => this.writer.close(), CLOSE_FLUSH_MS);
    await this.flusher.close();
    clearTimeout(deadline);
    for (const generation of this.flusher.unflushed) {
      await generation.segment.close().catch(() => {});
    }
    await this.ingest?.open?.segment.close();
    if (this.options.writer === undefined) this.writer.close();
    if (this.options.catalog === undefined) this.catalog.close();
    this.lock.release();
  }

  /** For tests: lets go of the folder as a killed process would, with nothing flushed or closed in order. */
  async abandon(): Promise<void> {
    this.scrub.stop();
    clearInterval(this.timer);
    this.closed = Promise.resolve();
    this.flusher.abandon();
    if (this.options.writer === undefined) this.writer.close();
    await this.flusher.drained();
    if (this.options.catalog === undefined) this.catalog.close();
    this.lock.release();
  }

  /** Replayed rows are searchable at once. Waits while too many generations are in memory. */
  private async takeReplayed(generation: Generation): Promise<void> {
    generation.firstFrameAtMs = this.clock.monotonicMs();
    const changes = [...generation.buffers].map(([projectId, addBuffers]) => ({ projectId, addBuffers }));
    this.snapshots.publish(changes);
    this.flusher.add(generation);
    if (this.flusher.unflushed.length <= this.limits.sealedGenerations) return;
    await Promise.race([this.flusher.drained(), Bun.sleep(REPLAY_WAIT_MS)]);
  }

  private async unlink(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      try {
        await this.files.unlink(`${this.options.dataDir}/${path}`);
      } catch (error) {
        this.report(`can't remove ${path}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
