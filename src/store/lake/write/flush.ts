/**
 * Sealed generations to Parquet files, one after the other. The catalog's transaction is the commit point:
 * before it the log counts, after it the files do.
 */
import { SPANS } from '../../../span/schema.ts';
import { commitFlush } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { writeWhole } from '../files/file-system.ts';
import { contentHash } from '../files/hash.ts';
import { LAKE_FOLDER, parquetName, partitionFolder, tokenIndexPath, traceIndexPath } from '../files/names.ts';
import type { SnapshotChange } from '../files/snapshot.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { copyPublished } from './copy.ts';
import type { Deliveries } from './deliveries.ts';
import type { EncodedFile } from './encode.ts';
import type { Generation } from './generation.ts';
import type { Writer } from './writer.ts';

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
    const changes: SnapshotChange[] = [];
    const rollups = new Map<string, Uint8Array>();
    for (const [projectId, columns] of generation.buffers) {
      const files: FileEntry[] = [];
      const filled = columns.filter((one) => one.publishedRows > 0);
      if (filled.length > 0) {
        const copies = [];
        for (const one of filled) copies.push(await copyPublished(one));
        for (const encoded of await this.parts.writer.encode(copies)) {
          const file = await this.store(projectId, generation, encoded);
          files.push(file);
          rollups.set(file.path, encoded.rollup);
        }
      }
      changes.push({ projectId, removeBuffers: columns, addFiles: files });
    }
    const files = changes.flatMap((change) => change.addFiles ?? []);
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

  /** A log that stays is harmless: the catalog says that it is flushed, and the next start drops it. */
  private async dropLog(generation: Generation): Promise<void> {
    try {
      await generation.segment.remove();
    } catch (error) {
      this.parts.report(`can't drop ${generation.segment.path}: ${messageOf(error)}`);
    }
  }

  private async store(projectId: string, generation: Generation, encoded: EncodedFile): Promise<FileEntry> {
    const { files, dataDir } = this.parts;
    const folder = partitionFolder(projectId, encoded.day);
    const path = `${folder}/${parquetName(generation.firstSequence, generation.lastSequence)}`;
    await files.makeFolder(`${dataDir}/${folder}`);
    // The indexes go first: a Parquet file under its name always has them.
    const index = `${dataDir}/${traceIndexPath(path)}`;
    await writeWhole(files, index, encoded.traceIndex, expectHash(encoded.traceIndexHash, index));
    const tokens = `${dataDir}/${tokenIndexPath(path)}`;
    await writeWhole(files, tokens, encoded.tokenIndex, expectHash(encoded.tokenIndexHash, tokens));
    await writeWhole(files, `${dataDir}/${path}`, encoded.parquet, expectHash(encoded.hash, path));
    const project = folder.slice(0, folder.lastIndexOf('/'));
    for (const changed of [folder, project, LAKE_FOLDER, '.'])
      await files.syncFolder(`${dataDir}/${changed}`);
    const { statistics, hash, traceIndexHash, day, rows } = encoded;
    return {
      ...statistics,
      path,
      projectId,
      day,
      rows,
      bytes: encoded.parquet.length,
      hash,
      traceIndexBytes: encoded.traceIndex.length,
      traceIndexHash,
      tokenIndexBytes: encoded.tokenIndex.length,
      tokenIndexHash: encoded.tokenIndexHash,
      level: 0,
      firstSequence: generation.firstSequence,
      lastSequence: generation.lastSequence,
      createdAtMs: this.parts.clock.wallMs(),
    };
  }
}

function expectHash(hash: string, path: string): (written: Uint8Array) => void {
  return (written) => {
    const found = contentHash(written);
    if (found !== hash) throw new Error(`${path}: wrote bytes with hash ${hash}, read back ${found}`);
  };
}
