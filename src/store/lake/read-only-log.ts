/**
 * The log of a folder that this process must not change, as columns: what replay.ts does at a start, without
 * cutting off, setting aside or dropping anything. A server may be writing it meanwhile: each look takes what
 * was added since the last.
 */
import { decodeTracesInSlices } from '../../otlp/decode.ts';
import { SpanColumns } from '../../span/columns.ts';
import type { FileSystem } from './files/file-system.ts';
import { LOG_FOLDER, logSequence } from './files/names.ts';
import { readLog } from './write/log-frame.ts';
import type { Frame } from './write/log-frame.ts';
import { bodyOf } from './write/replay.ts';

interface ReadLog {
  /** Bytes that were read and decoded. */
  soundEnd: number;
  lastSequence: number;
  readonly buffers: Map<string, SpanColumns>;
  /** Frames whose bytes are sound and whose content is none. */
  readonly undecodable: string[];
  /** Project and payload: a request stands in the log once, however often it was sent. */
  readonly seen: Set<string>;
}

/** What one look at the log found, to be narrowed by what the catalog says has been flushed. */
export class LogView {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #logs = new Map<string, ReadLog>();

  constructor(files: FileSystem, dataDir: string) {
    this.#files = files;
    this.#folder = `${dataDir}/${LOG_FOLDER}`;
  }

  /**
   * Reads what is new. To be called before the catalog is read: a flush in between is then seen as a file
   * and as a buffer, of which `forget` drops the latter; the other way round it would be seen as neither.
   */
  async look(flushedThrough: number): Promise<void> {
    const names = (await this.#files.list(this.#folder))
      .filter(({ name, isDirectory }) => !isDirectory && logSequence(name) !== undefined)
      .map(({ name }) => name)
      .sort();
    for (const known of this.#logs.keys()) if (!names.includes(known)) this.#logs.delete(known);
    for (const name of names) await this.#lookAt(name, flushedThrough);
  }

  /** Changes with every write to the log. */
  async signature(): Promise<string> {
    const names = (await this.#files.list(this.#folder)).map(({ name }) => name).sort();
    const sizes = await Promise.all(names.map((name) => this.#files.size(`${this.#folder}/${name}`)));
    return names.map((name, i) => `${name} ${sizes[i] ?? '-'}`).join(', ');
  }

  /** Buffers by project, without frames up to `flushedThrough`: they are in files. */
  buffersAfter(flushedThrough: number): Map<string, SpanColumns[]> {
    const found = new Map<string, SpanColumns[]>();
    for (const [name, log] of this.#logs) {
      // A log is flushed as a whole: all its frames, and those that were added since.
      if (log.lastSequence <= flushedThrough) {
        log.buffers.clear();
        continue;
      }
      for (const [projectId, columns] of log.buffers) {
        if (columns.publishedRows === 0) continue;
        const known = found.get(projectId);
        if (known === undefined) found.set(projectId, [columns]);
        else known.push(columns);
      }
      for (const reason of log.undecodable) this.problems.add(`${name}: ${reason}`);
    }
    return found;
  }

  /** What was left out, in words. */
  readonly problems = new Set<string>();

  async #lookAt(name: string, flushedThrough: number): Promise<void> {
    const path = `${this.#folder}/${name}`;
    let log = this.#logs.get(name);
    const size = await this.#files.size(path);
    if (size === undefined || (log !== undefined && size === log.soundEnd)) return;
    const bytes = await readIfThere(this.#files, path);
    if (bytes === undefined) return;
    // Shorter than before: a failed write was cut back, or another log has the name.
    if (log === undefined || bytes.length < log.soundEnd) {
      log = { soundEnd: 0, lastSequence: 0, buffers: new Map(), undecodable: [], seen: new Set() };
      this.#logs.set(name, log);
    }
    const contents = readLog(bytes.subarray(log.soundEnd));
    for (const { start, end } of contents.damaged) {
      this.problems.add(`${name}: ${end - start} damaged bytes at ${log.soundEnd + start}`);
    }
    for (const frame of contents.frames) {
      log.lastSequence = Math.max(log.lastSequence, frame.sequence);
      if (frame.sequence > flushedThrough) await take(log, frame);
    }
    log.soundEnd += contents.soundEnd;
  }
}

async function take(log: ReadLog, frame: Frame): Promise<void> {
  const { projectId, format, genAiOnly } = frame;
  const request = `${projectId} ${frame.payloadHash} ${genAiOnly}`;
  if (log.seen.has(request)) return;
  log.seen.add(request);
  let columns = log.buffers.get(projectId);
  if (columns === undefined) log.buffers.set(projectId, (columns = new SpanColumns()));
  const mark = columns.mark();
  try {
    await decodeTracesInSlices({ format, genAiOnly, body: bodyOf(frame) }, columns);
    columns.publishedRows = columns.rows;
  } catch (error) {
    columns.truncate(mark);
    log.undecodable.push(
      `frame ${frame.sequence}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Undefined for a file that went meanwhile: it was flushed. */
export async function readIfThere(files: FileSystem, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
