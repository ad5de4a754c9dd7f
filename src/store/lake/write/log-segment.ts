/**
 * One file of the write-ahead log, with group commit: while a write is on its way to the disk, appends gather;
 * the next one takes them all. A segment that failed once takes nothing more.
 */
import type { FileSystem } from '../files/file-system.ts';
import { NotSyncedError } from '../files/log-file.ts';
import type { LogFile } from '../files/log-file.ts';
import { LOG_MAGIC } from './log-frame.ts';

interface Waiter {
  /** Header, payload, trailer: none of them empty. */
  readonly parts: readonly Uint8Array[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** More than this is not gathered into one write: those who came first would wait for it. */
const MAX_GROUP_BYTES = 16 * 1024 * 1024;

/** Smaller parts are copied together: the system takes 1,024 parts a call, and each costs more than its copy. */
const SMALL_PART_BYTES = 16 * 1024;

/** Writing failed. `poisoned`: the sync did, so nobody knows what is on disk until a replay. */
export class LogFailure extends Error {
  override readonly name = 'LogFailure';
  constructor(
    readonly poisoned: boolean,
    reason: unknown,
  ) {
    super(reason instanceof Error ? reason.message : String(reason), { cause: reason });
  }
}

export class LogSegment {
  failure: LogFailure | undefined;
  /** Sound and on disk. */
  bytes = 0;
  lastSyncMs = 0;
  private file: LogFile | undefined;
  private waiting: Waiter[] = [];
  private running: Promise<void> | undefined;

  constructor(
    private readonly files: FileSystem,
    readonly path: string,
    private readonly folder: string,
    /** True for a file found at start. */
    private created: boolean = false,
  ) {}

  /** Resolves when the frame is on disk. Frames stand in the order of the calls. */
  append(parts: readonly Uint8Array[]): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ parts, resolve, reject });
      this.running ??= this.commitAll();
    });
  }

  /** After the last append was answered. */
  async close(): Promise<void> {
    await this.running;
    const file = this.file;
    this.file = undefined;
    await file?.close();
  }

  /** A segment that never wrote has no file: one of that name would be another segment's. */
  async remove(): Promise<void> {
    await this.close();
    if (this.created) await this.files.unlink(this.path);
  }

  private async commitAll(): Promise<void> {
    // A microtask's pause lets the appends of one turn of the loop into the first group.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const group = this.takeGroup();
      try {
        await this.commit(group);
      } catch (error) {
        await this.fail(error, group);
        break;
      }
      for (const waiter of group) waiter.resolve();
    }
    this.running = undefined;
  }

  private takeGroup(): Waiter[] {
    let bytes = 0;
    let count = 0;
    while (count < this.waiting.length && (count === 0 || bytes < MAX_GROUP_BYTES)) {
      for (const part of this.waiting[count].parts) bytes += part.length;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async commit(group: readonly Waiter[]): Promise<void> {
    const isNew = this.file === undefined;
    const file = (this.file ??= await this.files.createLog(this.path));
    this.created = true;
    const parts = group.flatMap((waiter) => waiter.parts);
    if (isNew) parts.unshift(LOG_MAGIC);
    const started = performance.now();
    await file.append(gathered(parts), this.bytes);
    // The name of a new file must be on disk too, before anything in it counts.
    if (isNew) await this.syncName();
    this.lastSyncMs = performance.now() - started;
    for (const part of parts) this.bytes += part.length;
  }

  private async syncName(): Promise<void> {
    try {
      await this.files.syncFolder(this.folder);
    } catch (error) {
      throw new LogFailure(true, error);
    }
  }

  /** Everybody who waits gets the failure: what stands behind a failed frame is not continued. */
  private async fail(error: unknown, group: readonly Waiter[]): Promise<void> {
    const failure = error instanceof LogFailure ? error : failureOf(error);
    this.failure = failure;
    if (!failure.poisoned) await this.cutBack();
    for (const waiter of [...group, ...this.waiting.splice(0)]) waiter.reject(failure);
  }

  /** Back to the last good frame. When that fails too, replay finds the tail and cuts it. */
  private async cutBack(): Promise<void> {
    try {
      await this.file?.cutBack(this.bytes);
    } catch {
      // The disk is in trouble; the failure that brought us here is the one to report.
    }
  }
}

function failureOf(error: unknown): LogFailure {
  return error instanceof NotSyncedError ? new LogFailure(true, error.cause) : new LogFailure(false, error);
}

/** The same bytes in fewer parts: each run of small ones is copied into one. */
function gathered(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let i = 0; i < parts.length;) {
    const from = i;
    while (i < parts.length && parts[i].length < SMALL_PART_BYTES) i++;
    if (i > from) out.push(i === from + 1 ? parts[from] : Buffer.concat(parts.slice(from, i)));
    else out.push(parts[i++]);
  }
  return out;
}
