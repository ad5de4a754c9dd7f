/** Figures of the files: sums over what is listed, kept until the list changes, since metrics are asked often. */
import type { ProjectUsage, StoreHealth } from '../store-upkeep.ts';
import type { FileEntry } from './files/file-entry.ts';
import type { Snapshots } from './files/snapshot.ts';
import { sizeOf } from './upkeep/rewrites.ts';

export type FileFigures = Pick<
  StoreHealth,
  'files' | 'fileRows' | 'fileBytes' | 'indexBytes' | 'quarantined'
>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The pace of the last days tells the next ones; that of a first hour does not yet. */
const PACE_WINDOW_MS = 7 * DAY_MS;
const LEAST_WINDOW_MS = HOUR_MS;

/** The pace changes slowly. */
const PACE_KEPT_MS = 60_000;

export class FileStatus {
  #version = -1;
  #figures: FileFigures | undefined;
  #pace: { readonly bytesPerDay: number | undefined; readonly atMs: number } | undefined;

  constructor(
    private readonly snapshots: Snapshots,
    private readonly wallMs: () => number,
  ) {}

  figures(): FileFigures {
    if (this.#figures !== undefined && this.#version === this.snapshots.version) return this.#figures;
    this.#version = this.snapshots.version;
    const states = [...this.snapshots.states().values()];
    let files = 0;
    let fileRows = 0;
    let fileBytes = 0;
    let allBytes = 0;
    for (const state of states) {
      files += state.files.length;
      for (const file of state.files) {
        fileRows += file.rows;
        fileBytes += file.bytes;
      }
      allBytes += sizeOf(state.files);
    }
    const quarantined = states.flatMap((state) => state.quarantined);
    this.#figures = { files, fileRows, fileBytes, indexBytes: allBytes - fileBytes, quarantined };
    return this.#figures;
  }

  usage(projectId: string): ProjectUsage {
    const { files } = this.snapshots.state(projectId);
    let oldest: bigint | undefined;
    let newest: bigint | undefined;
    for (const file of files) {
      if (oldest === undefined || file.minStartUnixNano < oldest) oldest = file.minStartUnixNano;
      if (newest === undefined || file.maxStartUnixNano > newest) newest = file.maxStartUnixNano;
    }
    return {
      projectId,
      files: files.length,
      rows: files.reduce((sum, file) => sum + file.rows, 0),
      bytes: sizeOf(files),
      oldestUnixNano: oldest,
      newestUnixNano: newest,
    };
  }

  /** Until so many bytes are used up; undefined while nothing came, or for less than an hour. */
  daysLeft(bytes: number): number | undefined {
    const nowMs = this.wallMs();
    if (this.#pace === undefined || Math.abs(nowMs - this.#pace.atMs) >= PACE_KEPT_MS) {
      const files = [...this.snapshots.states().values()].flatMap((state) => state.files);
      this.#pace = { bytesPerDay: bytesPerDay(files, nowMs), atMs: nowMs };
    }
    const { bytesPerDay: pace } = this.#pace;
    return pace === undefined ? undefined : Math.max(0, bytes) / pace;
  }
}

/** Of files and indexes that came within the last days, in the size that they have now. */
function bytesPerDay(files: readonly FileEntry[], nowMs: number): number | undefined {
  let firstMs = nowMs;
  for (const file of files) firstMs = Math.min(firstMs, file.createdAtMs);
  const windowMs = Math.min(PACE_WINDOW_MS, nowMs - firstMs);
  if (windowMs < LEAST_WINDOW_MS) return undefined;
  const bytes = sizeOf(files.filter((file) => file.createdAtMs > nowMs - windowMs));
  return bytes === 0 ? undefined : (bytes * DAY_MS) / windowMs;
}
