/**
 * A data folder as a store that can only be asked: of a running server, a backup, a disk that can't be
 * written. It takes no lock and writes nothing. What a server changes meanwhile is seen at the next `refresh`;
 * a question that meets a file which was merged away looks again by itself.
 */
import { statfsSync } from 'node:fs';
import { SPANS } from '../../span/schema.ts';
import { catalogSignature, openCatalogReadOnly } from '../read-only-catalog.ts';
import type { ReadOnlyCatalog } from '../read-only-catalog.ts';
import { StoreUnavailableError } from '../span-store.ts';
import type { Coverage } from '../span-store.ts';
import type { QuarantinedFile, Store, StoreHealth } from '../store-upkeep.ts';
import { flushedThrough, loadFiles } from './files/catalog-files.ts';
import type { FileEntry } from './files/file-entry.ts';
import { realFileSystem } from './files/file-system.ts';
import { readRollups } from './files/rollup-catalog.ts';
import { Snapshots } from './files/snapshot.ts';
import type { LakeSnapshot, SnapshotChange } from './files/snapshot.ts';
import { FileStatus } from './health.ts';
import { LakeReader } from './read/reader.ts';
import type { LakeReaderOptions } from './read/reader.ts';
import { LogView } from './read-only-log.ts';
import { listAudit } from './retention/audit.ts';
import { Pins } from './retention/pins.ts';
import { loadPolicy } from './retention/policies.ts';
import { realClock } from './write/clock.ts';

/** Looks at a folder whose files go while it is looked at: each compaction is one more. */
const MAX_LOOKS = 10;

const READ_ONLY = 'this data folder is opened for reading only';

/** Long enough that no exporter gives up for it, short enough to notice a server on the same address. */
const RETRY_AFTER_SECONDS = 30;

export interface ReadOnlyOptions extends Pick<LakeReaderOptions, 'pool' | 'timeLimitMs'> {
  readonly dataDir: string;
}

export class ReadOnlyLake implements Store {
  readonly #options: ReadOnlyOptions;
  readonly #log: LogView;
  readonly #reader: LakeReader;
  #snapshots = new Snapshots(() => {});
  #status = new FileStatus(this.#snapshots, Date.now);
  #signature = '';
  #followed = '';
  #refreshing: Promise<boolean> | undefined;

  /** Throws CatalogError when there is no catalog, or none that can be read. */
  static async open(options: ReadOnlyOptions): Promise<ReadOnlyLake> {
    const lake = new ReadOnlyLake(options);
    await lake.refresh();
    return lake;
  }

  private constructor(options: ReadOnlyOptions) {
    this.#options = options;
    this.#log = new LogView(realFileSystem, options.dataDir);
    this.#reader = new LakeReader({
      ...options,
      snapshot: (projectId) => this.snapshot(projectId),
      rollups: { read: (paths) => this.#withCatalog(({ db }) => readRollups(db, paths)) },
    });
  }

  get dataDir(): string {
    return this.#options.dataDir;
  }

  /** What of the log could not be read. */
  get problems(): readonly string[] {
    return [...this.#log.problems];
  }

  /** Every file that answers use, of all projects. */
  files(): FileEntry[] {
    return [...this.#snapshots.states().values()].flatMap((state) => state.files);
  }

  hasProject(projectId: string): boolean {
    const known = 'SELECT 1 FROM projects WHERE id = ?';
    return this.#withCatalog(({ db }) => db.query(known).get(projectId) !== null);
  }

  /** Looks at the folder again. True when files or buffers are others than before. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refreshOnce().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Looks again when something was written since. */
  async follow(): Promise<boolean> {
    const now = `${catalogSignature(this.dataDir)} ${await this.#log.signature()}`;
    if (now === this.#followed) return false;
    this.#followed = now;
    await this.refresh();
    return true;
  }

  snapshot(projectId: string): LakeSnapshot {
    return this.#snapshots.acquire(projectId);
  }

  async #refreshOnce(): Promise<boolean> {
    const { dataDir } = this.#options;
    const before = this.#signature;
    for (let looks = 1; ; looks++) {
      const signature = catalogSignature(dataDir);
      const view = await this.#look();
      const missing = await missingAmong(dataDir, view.files);
      // A file that is gone by now was merged into one that the catalog of now lists.
      if (missing.length > 0 && looks < MAX_LOOKS && catalogSignature(dataDir) !== signature) continue;
      this.#publish(view, missing);
      this.#signature = signature;
      return signature !== before;
    }
  }

  /** The log first: what is flushed in between is then seen twice, which the catalog's mark tells. */
  async #look() {
    const opened = this.#withCatalog((catalog) => flushedThrough(catalog.db));
    await this.#log.look(opened);
    return this.#withCatalog(({ db }) =>
      db.transaction(() => ({ files: loadFiles(db, SPANS.name), flushed: flushedThrough(db) })).deferred(),
    );
  }

  #publish(view: { files: ReturnType<typeof loadFiles>; flushed: number }, missing: QuarantinedFile[]): void {
    const bad = new Map(missing.map((file) => [file.path, file.reason]));
    for (const { entry, quarantined } of view.files) {
      if (quarantined !== undefined) bad.set(entry.path, quarantined);
    }
    const buffers = this.#log.buffersAfter(view.flushed);
    const entries = view.files.map(({ entry }) => entry);
    const changes: SnapshotChange[] = [];
    for (const projectId of new Set([...buffers.keys(), ...entries.map((entry) => entry.projectId)])) {
      const own = entries.filter((entry) => entry.projectId === projectId);
      changes.push({
        projectId,
        addBuffers: buffers.get(projectId) ?? [],
        addFiles: own.filter(({ path }) => !bad.has(path)),
        quarantine: own.flatMap(({ path }) => {
          const reason = bad.get(path);
          return reason === undefined ? [] : [{ path, reason }];
        }),
      });
    }
    // Nothing is unlinked here, so no question needs the snapshots of before.
    const snapshots = new Snapshots(() => {});
    snapshots.publish(changes);
    this.#snapshots = snapshots;
    this.#status = new FileStatus(snapshots, Date.now);
  }

  #withCatalog<T>(ask: (catalog: ReadOnlyCatalog) => T): T {
    const catalog = openCatalogReadOnly(this.#options.dataDir);
    try {
      return ask(catalog);
    } finally {
      catalog.close();
    }
  }

  /** Asks again after a look at the folder when files were not there that the folder no longer lists. */
  async #ask<T extends Coverage>(question: () => Promise<T>): Promise<T> {
    for (let looks = 1; ; looks++) {
      const answer = await question();
      const lacks = answer.complete !== true && answer.complete.skipped.length > 0;
      if (!lacks || looks === MAX_LOOKS || !(await this.refresh())) return answer;
    }
  }

  searchSpans: Store['searchSpans'] = (...asked) => this.#ask(() => this.#reader.searchSpans(...asked));
  searchTraces: Store['searchTraces'] = (...asked) => this.#ask(() => this.#reader.searchTraces(...asked));
  trace: Store['trace'] = (...asked) => this.#ask(() => this.#reader.trace(...asked));
  serviceStats: Store['serviceStats'] = (...asked) => this.#ask(() => this.#reader.serviceStats(...asked));
  operationStats: Store['operationStats'] = (...asked) =>
    this.#ask(() => this.#reader.operationStats(...asked));
  metrics: Store['metrics'] = (...asked) => this.#ask(() => this.#reader.metrics(...asked));
  heatmap: Store['heatmap'] = (...asked) => this.#ask(() => this.#reader.heatmap(...asked));
  facets: Store['facets'] = (...asked) => this.#ask(() => this.#reader.facets(...asked));
  comparison: Store['comparison'] = (...asked) => this.#ask(() => this.#reader.comparison(...asked));
  dependencies: Store['dependencies'] = (...asked) => this.#ask(() => this.#reader.dependencies(...asked));
  attributeKeys: Store['attributeKeys'] = (...asked) => this.#ask(() => this.#reader.attributeKeys(...asked));
  attributeValues: Store['attributeValues'] = (...asked) =>
    this.#ask(() => this.#reader.attributeValues(...asked));

  isEmpty(projectId: string): boolean {
    const { files, buffers, quarantined } = this.#snapshots.state(projectId);
    return files.length + quarantined.length === 0 && buffers.every((columns) => columns.publishedRows === 0);
  }

  health(): StoreHealth {
    const buffers = [...this.#snapshots.states().values()].flatMap((state) => state.buffers);
    const disk = statfsSync(this.#options.dataDir);
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    return {
      ...this.#status.figures(),
      writable: false,
      reason: READ_ONLY,
      bufferRows: sum(buffers.map((columns) => columns.publishedRows)),
      bufferBytes: sum(buffers.map((columns) => columns.byteLength)),
      logBytes: 0,
      logAgeSeconds: 0,
      lastFsyncMs: 0,
      lastFsyncAt: 0,
      compactionDebtFiles: 0,
      compactionDebtRows: 0,
      compactions: 0,
      compactedRows: 0,
      duplicateSpans: 0,
      duplicateRequests: 0,
      diskFreeBytes: disk.bavail * disk.bsize,
      diskTotalBytes: disk.blocks * disk.bsize,
      diskReserveBytes: 0,
      daysLeft: undefined,
      retentionPaused: READ_ONLY,
      lastProblem: this.problems.at(-1) ?? '',
    };
  }

  usage: Store['usage'] = (projectId) => this.#status.usage(projectId);
  pinnedTraces: Store['pinnedTraces'] = (projectId) =>
    this.#withCatalog(({ db }) => new Pins({ catalog: db, clock: realClock }).list(projectId));
  audit: Store['audit'] = (projectId, limit) =>
    this.#withCatalog(({ db }) => listAudit(db, projectId, limit));
  retention: Store['retention'] = (projectId) => this.#withCatalog(({ db }) => loadPolicy(db, projectId));

  append: Store['append'] = () => Promise.reject(refusal());
  refusal: Store['refusal'] = () => refusal();
  compact: Store['compact'] = () => Promise.reject(refusal());
  deleteTrace: Store['deleteTrace'] = () => Promise.reject(refusal());
  deleteSpans: Store['deleteSpans'] = () => Promise.reject(refusal());
  pinTrace(): void {
    throw refusal();
  }
  unpinTrace(): void {
    throw refusal();
  }
  setRetention(): void {
    throw refusal();
  }

  close(): Promise<void> {
    this.#reader.close();
    return Promise.resolve();
  }
}

function refusal(): StoreUnavailableError {
  return new StoreUnavailableError(READ_ONLY, RETRY_AFTER_SECONDS);
}

async function missingAmong(
  dataDir: string,
  files: ReturnType<typeof loadFiles>,
): Promise<QuarantinedFile[]> {
  const missing: QuarantinedFile[] = [];
  for (const { entry, quarantined } of files) {
    if (quarantined !== undefined) continue;
    const size = await realFileSystem.size(`${dataDir}/${entry.path}`);
    if (size === entry.bytes) continue;
    const reason = `${size ?? 'no'} bytes where the catalog has ${entry.bytes}`;
    missing.push({ path: entry.path, reason });
  }
  return missing;
}
