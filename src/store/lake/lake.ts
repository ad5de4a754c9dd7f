/** The Parquet store, put together: a writing half, a reading half, upkeep, and between them snapshots. */
import type { Database } from 'bun:sqlite';
import { SPANS } from '../../span/schema.ts';
import { openCatalog } from '../catalog.ts';
import type { Store, StoreHealth } from '../store-upkeep.ts';
import { loadFiles } from './files/catalog-files.ts';
import { realFileSystem } from './files/file-system.ts';
import type { FileSystem } from './files/file-system.ts';
import { LAKE_FOLDER, LOG_FOLDER } from './files/names.ts';
import { RetiredFiles } from './files/retired.ts';
import { readRollups } from './files/rollup-catalog.ts';
import { Snapshots } from './files/snapshot.ts';
import type { LakeSnapshot, SnapshotChange } from './files/snapshot.ts';
import { FileStatus } from './health.ts';
import { lockFolder } from './lock.ts';
import type { FolderLock } from './lock.ts';
import type { LakeParts } from './parts.ts';
import { LakeReader } from './read/reader.ts';
import type { WorkerPool } from './read/workers/worker-pool.ts';
import { DEFAULT_COMPACTION } from './upkeep/compaction.ts';
import type { CompactionOptions } from './upkeep/compaction.ts';
import { Keeping } from './retention/keeping.ts';
import { Rewriter } from './merge/rewriter.ts';
import { Scrub } from './upkeep/scrub.ts';
import { Upkeep } from './upkeep/upkeep.ts';
import { realClock } from './write/clock.ts';
import type { Clock } from './write/clock.ts';
import { tidyLake } from './write/tidy.ts';
import { WriteSide } from './write/write-side.ts';
import type { WriteOptions } from './write/write-side.ts';

export interface LakeOptions extends WriteOptions {
  /** Absolute, or relative to the working folder. */
  readonly dataDir: string;
  /** An open catalog, which stays open on close; without it the lake opens and closes its own. */
  readonly catalog?: Database;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly compaction?: CompactionOptions;
  /** A question that takes longer is answered with what was found by then. */
  readonly queryTimeoutMs?: number;
  /** A running rewriter, which stays so on close: then that waits for a rewrite under way. */
  readonly rewriter?: Rewriter;
  /** Running workers in which retention and deletions look into files; they stay so on close. */
  readonly scanPool?: WorkerPool;
  /** Merge, remove and compare files of its own accord: the default, save with a file system of a test. */
  readonly background?: boolean;
  /** Told of damage found, and of what failed in the background. */
  readonly report?: (problem: string) => void;
}

/** A store on a folder of this machine. */
export interface Lake extends Store {
  readonly dataDir: string;
  /** What a question would see now; to be released by whoever asks. */
  snapshot(projectId: string): LakeSnapshot;
  /** Resolves when all spans that were appended stand in Parquet files. */
  flush(): Promise<void>;
  /** Removes all that is due by age and size, at once instead of by and by. */
  enforceRetention(): Promise<void>;
  /** For tests: ends as a killed process would, with nothing drained. */
  abandon(): Promise<void>;
}

/**
 * Opens the store of a data folder, and creates it when there is none. Resolves when everything that was
 * acknowledged can be searched. Throws DataFolderInUseError, CatalogError and CatalogLostError.
 */
export async function openLake(options: LakeOptions): Promise<Lake> {
  const lock = lockFolder(options.dataDir);
  let catalog: Database | undefined;
  try {
    catalog = options.catalog ?? openCatalog(options.dataDir);
    const lake = new OpenLake(options, catalog, lock);
    await lake.start();
    return lake;
  } catch (error) {
    if (options.catalog === undefined) catalog?.close();
    lock.release();
    throw error;
  }
}

class OpenLake implements Lake {
  readonly #options: LakeOptions;
  readonly #lock: FolderLock;
  readonly #parts: LakeParts;
  readonly #retired: RetiredFiles;
  readonly #status: FileStatus;
  readonly #writing: WriteSide;
  readonly #reading: LakeReader;
  readonly #upkeep: Upkeep;
  readonly #keeping: Keeping;
  readonly #scrub: Scrub;
  #lastProblem = '';
  #closed: Promise<void> | undefined;

  constructor(options: LakeOptions, catalog: Database, lock: FolderLock) {
    const { dataDir, fileSystem: files = realFileSystem, clock = realClock } = options;
    this.#options = options;
    this.#lock = lock;
    const report = (problem: string) => {
      this.#lastProblem = problem;
      options.report?.(problem);
    };
    this.#retired = new RetiredFiles({ dataDir, catalog, files, report });
    const snapshots = new Snapshots((paths) => this.#retired.remove(paths));
    this.#parts = { dataDir, catalog, files, clock, snapshots, report };
    this.#status = new FileStatus(snapshots, () => clock.wallMs());
    this.#writing = new WriteSide(this.#parts, options);
    this.#reading = new LakeReader({
      dataDir,
      report,
      timeLimitMs: options.queryTimeoutMs,
      snapshot: (projectId) => this.snapshot(projectId),
      rollups: { read: (paths) => readRollups(catalog, paths) },
    });
    this.#upkeep = new Upkeep({
      ...this.#parts,
      rewriter: options.rewriter ?? new Rewriter({ onWorker: (isThere) => this.#reading.makeRoom(isThere) }),
      sharedRewriter: options.rewriter !== undefined,
      compaction: options.compaction ?? DEFAULT_COMPACTION,
      reserveBytes: () => this.#writing.disk.reserveBytes,
      isBehind: () => this.#writing.isBehind,
    });
    this.#keeping = new Keeping({
      ...this.#parts,
      upkeep: this.#upkeep,
      scanPool: options.scanPool,
      flush: () => this.#writing.tryFlush(),
      forgetDeliveries: (projectId) => this.#writing.deliveries.forget(projectId),
      forgetStoredDeliveries: (projectId) => this.#writing.deliveries.forgetStored(projectId),
    });
    this.#scrub = new Scrub({ ...this.#parts, upkeep: this.#upkeep });
  }

  async start(): Promise<void> {
    const { dataDir, files, catalog, snapshots } = this.#parts;
    await files.makeFolder(`${dataDir}/${LOG_FOLDER}`);
    await files.makeFolder(`${dataDir}/${LAKE_FOLDER}`);
    await files.syncFolder(dataDir);
    const { sound, quarantined } = await tidyLake(this.#parts, loadFiles(catalog, SPANS.name));
    // Grouped in one pass: 100,000 files of 1,000 projects took 10 s with one pass a project.
    const soundOf = Map.groupBy(sound, ({ projectId }) => projectId);
    const quarantinedOf = Map.groupBy(quarantined, ({ projectId }) => projectId);
    const changes: SnapshotChange[] = [];
    for (const projectId of new Set([...soundOf.keys(), ...quarantinedOf.keys()])) {
      const quarantine = (quarantinedOf.get(projectId) ?? []).map(({ path, reason }) => ({ path, reason }));
      changes.push({ projectId, addFiles: soundOf.get(projectId) ?? [], quarantine });
    }
    snapshots.publish(changes);
    await this.#writing.start();
    // A file system of a test counts its calls: none may come of its own accord.
    if (!(this.#options.background ?? files === realFileSystem)) return;
    this.#upkeep.start();
    this.#scrub.start();
    this.#reading.warmLater(changes.map(({ projectId }) => projectId));
  }

  get dataDir(): string {
    return this.#parts.dataDir;
  }

  snapshot(projectId: string): LakeSnapshot {
    return this.#parts.snapshots.acquire(projectId);
  }

  append: Store['append'] = (projectId, request) => this.#writing.append(projectId, request);
  refusal: Store['refusal'] = () => this.#writing.refusal();
  searchSpans: Store['searchSpans'] = (projectId, ask) => this.#reading.searchSpans(projectId, ask);
  searchTraces: Store['searchTraces'] = (projectId, ask) => this.#reading.searchTraces(projectId, ask);
  trace: Store['trace'] = (projectId, traceId, asking) => this.#reading.trace(projectId, traceId, asking);
  serviceStats: Store['serviceStats'] = (projectId, ask) => this.#reading.serviceStats(projectId, ask);
  operationStats: Store['operationStats'] = (projectId, serviceName, ask) =>
    this.#reading.operationStats(projectId, serviceName, ask);
  metrics: Store['metrics'] = (projectId, ask) => this.#reading.metrics(projectId, ask);
  heatmap: Store['heatmap'] = (projectId, ask) => this.#reading.heatmap(projectId, ask);
  facets: Store['facets'] = (projectId, ask) => this.#reading.facets(projectId, ask);
  comparison: Store['comparison'] = (projectId, ask) => this.#reading.comparison(projectId, ask);
  dependencies: Store['dependencies'] = (projectId, ask) => this.#reading.dependencies(projectId, ask);
  attributeKeys: Store['attributeKeys'] = (projectId, ask) => this.#reading.attributeKeys(projectId, ask);
  attributeValues: Store['attributeValues'] = (projectId, field, ask) =>
    this.#reading.attributeValues(projectId, field, ask);

  isEmpty(projectId: string): boolean {
    const { files, quarantined, buffers } = this.#parts.snapshots.state(projectId);
    return (
      files.length === 0 &&
      quarantined.length === 0 &&
      buffers.every((columns) => columns.publishedRows === 0)
    );
  }

  flush(): Promise<void> {
    return this.#writing.flush();
  }

  compact(): Promise<void> {
    return this.#upkeep.compact();
  }

  enforceRetention(): Promise<void> {
    return this.#keeping.enforce();
  }

  deleteTrace: Store['deleteTrace'] = (projectId, traceId, actor) =>
    this.#keeping.deleteTrace(projectId, traceId, actor);
  deleteSpans: Store['deleteSpans'] = (projectId, query, range, actor) =>
    this.#keeping.deleteSpans(projectId, query, range, actor);
  pinTrace: Store['pinTrace'] = (projectId, traceId, note, actor) =>
    this.#keeping.pinTrace(projectId, traceId, note, actor);
  unpinTrace: Store['unpinTrace'] = (projectId, traceId, actor) =>
    this.#keeping.unpinTrace(projectId, traceId, actor);
  pinnedTraces: Store['pinnedTraces'] = (projectId) => this.#keeping.pinnedTraces(projectId);
  retention: Store['retention'] = (projectId) => this.#keeping.retention(projectId);
  setRetention: Store['setRetention'] = (projectId, policy) => this.#keeping.setRetention(projectId, policy);
  audit: Store['audit'] = (projectId, limit) => this.#keeping.audit(projectId, limit);

  health(): StoreHealth {
    const writing = this.#writing.figures();
    const { debtFiles, debtRows } = this.#upkeep.debt;
    return {
      ...writing,
      ...this.#status.figures(),
      ...this.#upkeep.figures,
      compactionDebtFiles: debtFiles,
      compactionDebtRows: debtRows,
      daysLeft: this.#status.daysLeft(writing.diskFreeBytes - writing.diskReserveBytes),
      retentionPaused: this.#keeping.pausedReason,
      lastProblem: this.#lastProblem,
    };
  }

  usage: Store['usage'] = (projectId) => this.#status.usage(projectId);

  /** Takes no more writes, flushes, and lets go of everything. What can't be flushed stays in the log. */
  close(): Promise<void> {
    this.#closed ??= this.#closeOnce();
    return this.#closed;
  }

  async #closeOnce(): Promise<void> {
    this.#scrub.stop();
    this.#keeping.stop();
    await Promise.all([this.#writing.stopTaking(), this.#upkeep.stop()]);
    await this.#writing.close();
    this.#reading.close();
    // Files that were merged away go when nobody reads them: a folder that is closed has none of them left.
    await this.#reading.settled();
    await this.#letGo();
  }

  abandon(): Promise<void> {
    this.#closed ??= this.#abandonOnce();
    return this.#closed;
  }

  async #abandonOnce(): Promise<void> {
    this.#scrub.stop();
    this.#keeping.stop();
    await Promise.all([this.#writing.abandon(), this.#upkeep.stop()]);
    this.#reading.close();
    // Files that were merged away go when nobody reads them: a folder that is closed has none of them left.
    await this.#reading.settled();
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    await this.#retired.stop();
    if (this.#options.catalog === undefined) this.#parts.catalog.close();
    this.#lock.release();
  }
}
