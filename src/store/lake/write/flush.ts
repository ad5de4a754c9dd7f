/**
 * Sealed generations to Parquet files, one after the other. The catalog's transaction is the commit point:
 * before it the log counts, after it the files do.
 */
import type { SpanColumns } from '../../../span/columns.ts';
import { SPANS } from '../../../span/schema.ts';
import { commitFlush } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import type { SnapshotChange } from '../files/snapshot.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { copyPublished } from './copy.ts';
import type { CopiedBlock } from './copy.ts';
import type { Deliveries } from './deliveries.ts';
import { FlushOutput, deepestFirst } from './flush-output.ts';
import type { StoredFile } from './flush-output.ts';
import type { Generation } from './generation.ts';
import type { Writer } from './writer.ts';

/** A file waits for the disk three times, a millisecond each and more: a thousand projects one by one took 10 s. */
const MAX_PROJECTS_UNDER_WAY = 8;

const FIRST_RETRY_MS = 1_000;
/** Short enough that a disk with space again takes writes within 30 s, the flush included. */
const LAST_RETRY_MS = 10_000;

export interface FlusherParts extends LakeParts {
  readonly writer: Writer;
  readonly deliveries: Deliveries;
}

export class Flusher {
  private readonly queue: Generation[] = [];
  private running: Promise<void> | undefined;
  private closing = false;
  /** Ends the pause before a retry. */
  private wake: (() => void) | undefined;
  private waiters: { readonly last: Generation; readonly resolve: () => void }[] = [];

  constructor(private readonly parts: FlusherParts) {}

  /** Sealed generations that are not published, oldest first. */
  get unflushed(): readonly Generation[] {
    return this.queue;
  }

  add(generation: Generation): void {
    this.queue.push(generation);
    this.running ??= this.run();
  }

  /** Resolves when the queue is empty, or can't be emptied. */
  async drained(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  /**
   * Resolves when the generations that wait now are published, or when one of them can't be for now. Others
   * that come meanwhile are not waited for: under load the queue may never be empty.
   */
  attempted(): Promise<void> {
    const last = this.queue.at(-1);
    if (last === undefined || this.running === undefined) return Promise.resolve();
    // Whoever asks is told of what happens now, not of the last attempt.
    this.wake?.();
    return new Promise((resolve) => this.waiters.push({ last, resolve }));
  }

  /** After a generation was published; without one, after an attempt that failed. */
  private tell(published?: Generation): void {
    const told = this.waiters.filter(({ last }) => published === undefined || last === published);
    this.waiters = this.waiters.filter((waiter) => !told.includes(waiter));
    for (const { resolve } of told) resolve();
  }

  /** Tries once more to flush each generation; what fails stays in the log. */
  async close(): Promise<void> {
    this.closing = true;
    this.wake?.();
    await this.drained();
  }

  /** For tests: nothing more is flushed. */
  abandon(): void {
    this.closing = true;
    this.queue.length = 0;
    this.wake?.();
  }

  private async run(): Promise<void> {
    let pauseMs = FIRST_RETRY_MS;
    while (this.queue.length > 0) {
      const generation = this.queue[0];
      await generation.settled();
      // Nobody knows what its log holds. Replay will; until then neither it nor what follows is committed.
      if (generation.segment.failure?.poisoned === true) break;
      try {
        await this.flush(generation);
        this.queue.shift();
        this.tell(generation);
        pauseMs = FIRST_RETRY_MS;
      } catch (error) {
        this.parts.report(`can't flush ${generation.segment.path}: ${messageOf(error)}`);
        this.tell();
        if (this.closing) break;
        await this.pause(pauseMs);
        pauseMs = Math.min(LAST_RETRY_MS, pauseMs * 2);
      }
    }
    this.running = undefined;
    this.tell();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.closing) this.wake();
    });
  }

  private async flush(generation: Generation): Promise<void> {
    const { catalog, snapshots, deliveries } = this.parts;
    const stored = await this.store(generation);
    const changes: SnapshotChange[] = [];
    const files: FileEntry[] = [];
    const rollups = new Map<string, Uint8Array>();
    for (const [projectId, columns] of generation.buffers) {
      const own = stored.get(projectId) ?? [];
      for (const { entry, rollup } of own) {
        files.push(entry);
        rollups.set(entry.path, rollup);
      }
      changes.push({ projectId, removeBuffers: columns, addFiles: own.map(({ entry }) => entry) });
    }
    if (files.length > 0) {
      commitFlush(catalog, {
        table: SPANS.name,
        files,
        flushedThrough: generation.lastSequence,
        rollups,
        also: () => deliveries.store(generation.deliveries, generation.firstSequence),
      });
      deliveries.stored(generation.deliveries);
    }
    snapshots.publish(changes);
    await this.dropLog(generation);
  }

  /** By project its files, which are on disk under their names when it resolves. */
  private async store(generation: Generation): Promise<Map<string, readonly StoredFile[]>> {
    const stored = new Map<string, readonly StoredFile[]>();
    const unsynced = new Set<string>();
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (const [projectId, columns] of generation.buffers) {
      const filled = columns.filter((one) => one.publishedRows > 0);
      if (filled.length === 0) continue;
      const output = this.outputFor(projectId, generation, unsynced);
      // What one project's files wait for on the disk the next one's are encoded in.
      while (underWay.size >= MAX_PROJECTS_UNDER_WAY) await Promise.race(underWay);
      if (failures.length > 0) break;
      try {
        await this.encode(filled, output);
      } catch (error) {
        failures.push(error);
      }
      const task = output.done().then(
        (files) => void stored.set(projectId, files),
        (error: unknown) => void failures.push(error),
      );
      underWay.add(task);
      void task.then(() => underWay.delete(task));
    }
    await Promise.all(underWay);
    if (failures.length > 0) throw failures[0];
    // Once for all projects: a thousand of them share two of their folders' four.
    for (const folder of deepestFirst(unsynced)) {
      await this.parts.files.syncFolder(`${this.parts.dataDir}/${folder}`);
    }
    return stored;
  }

  private async encode(columns: readonly SpanColumns[], output: FlushOutput): Promise<void> {
    const copies: CopiedBlock[] = [];
    for (const one of columns) copies.push(await copyPublished(one));
    await this.parts.writer.encode(copies, output);
  }

  private outputFor(projectId: string, generation: Generation, unsynced: Set<string>): FlushOutput {
    const { files, dataDir, clock } = this.parts;
    const { firstSequence, lastSequence } = generation;
    const createdAtMs = clock.wallMs();
    return new FlushOutput({
      files,
      dataDir,
      projectId,
      firstSequence,
      lastSequence,
      createdAtMs,
      unsynced,
    });
  }

  /** A log that stays is harmless: the catalog says that it is flushed, and the next start drops it. */
  private async dropLog(generation: Generation): Promise<void> {
    try {
      await generation.segment.remove();
    } catch (error) {
      this.parts.report(`can't drop ${generation.segment.path}: ${messageOf(error)}`);
    }
  }
}
