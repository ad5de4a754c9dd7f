/**
 * Which traces of a file may have rows elsewhere: those alone can't be judged where they stand. Told by the keys
 * of the files' trace indexes, two files at a time, and remembered: files are never changed. Two indexes of
 * 400,000 traces take some 10 ms, once.
 */
import { join } from 'node:path';
import { OpenedFile } from '../../files/checked-chunks.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { traceIndexPath } from '../../files/names.ts';
import { BYTES_PER_ENTRY, openTraceIndex, traceKeyWords } from '../../files/trace-index.ts';
import { readTraceHeader } from '../../files/trace-lookup.ts';
import type { TraceIndexHeader } from '../../files/trace-lookup.ts';
import type { Session } from '../session.ts';
import type { SharedKeys } from './runs.ts';

/** Keys of traces, high word first, sorted. */
type Keys = Uint32Array;

/** Keys of 4 million traces, while they are compared. The least recently used go. */
const MAX_KEY_BYTES = 32 * 1024 * 1024;

const NONE: Keys = new Uint32Array(0);

export class SharedTraces {
  /** By file, by other file (or itself: a trace with several runs), the keys that both have. */
  readonly #pairs = new Map<string, Map<string, Keys>>();
  readonly #keys = new Map<string, Keys>();
  #keyBytes = 0;
  readonly #answers = new WeakMap<Keys, Map<FileEntry, Promise<SharedKeys>>>();
  /** By project, the files of the last question. */
  readonly #seen = new Map<string, readonly FileEntry[]>();

  constructor(readonly dataDir: string) {}

  /** Of the file; `inBuffers`: the keys of all traces in buffers, by which an answer is remembered. */
  of(session: Session, file: FileEntry, inBuffers: Keys): Promise<SharedKeys> {
    let answers = this.#answers.get(inBuffers);
    if (!answers) this.#answers.set(inBuffers, (answers = new Map()));
    let answer = answers.get(file);
    if (!answer) answers.set(file, (answer = this.#of(session, file, inBuffers)));
    return answer;
  }

  async #of(session: Session, file: FileEntry, inBuffers: Keys): Promise<SharedKeys> {
    this.#dropGone(session);
    const found: Keys[] = [inBuffers];
    for (const other of session.files) {
      const keys = await this.#pair(session, file, other);
      if (keys === undefined) return 'any';
      if (keys.length > 0) found.push(keys);
    }
    return found.length === 1 ? inBuffers : merged(found);
  }

  /** Undefined when an index can't be read. */
  async #pair(session: Session, file: FileEntry, other: FileEntry): Promise<Keys | undefined> {
    const known = this.#pairs.get(file.path)?.get(other.path);
    if (known) return known;
    const [a, b] = [await this.#keysOf(session, file), await this.#keysOf(session, other)];
    if (!a || !b) return undefined;
    const both = file === other ? repeated(a) : common(a, b);
    this.#remember(file, other, both);
    this.#remember(other, file, both);
    await session.breathe();
    return both;
  }

  #remember(file: FileEntry, other: FileEntry, keys: Keys): void {
    let pairs = this.#pairs.get(file.path);
    if (!pairs) this.#pairs.set(file.path, (pairs = new Map()));
    pairs.set(other.path, keys.length === 0 ? NONE : keys);
  }

  async #keysOf(session: Session, file: FileEntry): Promise<Keys | undefined> {
    const known = this.#keys.get(file.path);
    if (known) {
      this.#keys.delete(file.path);
      this.#keys.set(file.path, known);
      return known;
    }
    const keys = await this.#readKeys(session, file);
    if (keys === undefined) return undefined;
    this.#keys.set(file.path, keys);
    this.#keyBytes += keys.byteLength;
    for (const [path, oldest] of this.#keys) {
      if (this.#keyBytes <= MAX_KEY_BYTES || path === file.path) break;
      this.#keys.delete(path);
      this.#keyBytes -= oldest.byteLength;
    }
    return keys;
  }

  async #readKeys(session: Session, file: FileEntry): Promise<Keys | undefined> {
    const path = join(this.dataDir, traceIndexPath(file.path));
    try {
      const opened = new OpenedFile(path);
      try {
        const header = readTraceHeader(opened);
        if (header) return await keysOfChunks(session, opened, header);
      } finally {
        opened.close();
      }
      const { count, high, low } = openTraceIndex(await Bun.file(path).bytes());
      const keys = new Uint32Array(count * 2);
      for (let i = 0; i < count; i++) {
        keys[i * 2] = high[i];
        keys[i * 2 + 1] = low[i];
      }
      return keys;
    } catch (error) {
      session.signal?.throwIfAborted();
      // trace-indexes.ts tells it and makes the index anew where a trace is looked up.
      if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return undefined;
      throw error;
    }
  }

  #dropGone({ projectId, files }: Session): void {
    const before = this.#seen.get(projectId);
    if (before === files) return;
    this.#seen.set(projectId, files);
    const here = new Set(files.map(({ path }) => path));
    for (const { path } of before ?? []) {
      if (here.has(path)) continue;
      for (const other of this.#pairs.get(path)?.keys() ?? []) this.#pairs.get(other)?.delete(path);
      this.#pairs.delete(path);
      this.#keyBytes -= this.#keys.get(path)?.byteLength ?? 0;
      this.#keys.delete(path);
    }
  }
}

/** Chunks of 4 KiB read without a break: 256 traces each, some 4 us. */
const CHUNKS_WITHOUT_BREAK = 1024;

async function keysOfChunks(
  session: Session,
  file: OpenedFile,
  { bytes, filterBytes, count, checksums }: TraceIndexHeader,
): Promise<Keys> {
  const keys = new Uint32Array(count * 2);
  let at = 0;
  for (let chunk = 0; chunk < checksums.length; chunk++) {
    const read = file.chunk(chunk, bytes + filterBytes, count * BYTES_PER_ENTRY, checksums);
    const words = new Uint32Array(read.buffer);
    for (let word = 0; word < words.length; word += 4) {
      keys[at++] = words[word];
      keys[at++] = words[word + 1];
    }
    if (chunk % CHUNKS_WITHOUT_BREAK === CHUNKS_WITHOUT_BREAK - 1) await session.breathe();
  }
  return keys;
}

/** The keys of the traces that stand in buffers. */
export async function keysInBuffers(session: Session): Promise<Keys> {
  const found: number[] = [];
  for (const buffer of session.buffers) {
    await session.eachSlice(buffer, ['trace_id'], (block) => {
      const vector = block.columns.get('trace_id');
      if (vector?.kind !== 'fixed') throw new Error('a buffer without trace ids');
      return (from, to) => {
        for (let row = from; row < to; row++) {
          const { high, low } = traceKeyWords(vector.bytes, row * 16);
          // Spans of a trace mostly come together.
          if (found.at(-1) !== low || found.at(-2) !== high) found.push(high, low);
        }
      };
    });
  }
  return merged([Uint32Array.from(found)]);
}

/** All keys, each once, sorted. */
function merged(lists: readonly Keys[]): Keys {
  const count = lists.reduce((sum, { length }) => sum + length / 2, 0);
  const keys = new BigUint64Array(count);
  let at = 0;
  for (const list of lists) {
    for (let i = 0; i < list.length; i += 2) keys[at++] = (BigInt(list[i]) << 32n) | BigInt(list[i + 1]);
  }
  keys.sort();
  const sorted: number[] = [];
  keys.forEach((key, i) => {
    if (i === 0 || key !== keys[i - 1]) sorted.push(Number(key >> 32n), Number(key & 0xffffffffn));
  });
  return Uint32Array.from(sorted);
}

/** Both are sorted. Of the longer list are passed over, in growing steps, what lies between keys of the shorter. */
function common(a: Keys, b: Keys): Keys {
  const [few, many] = a.length <= b.length ? [a, b] : [b, a];
  const count = many.length / 2;
  const found: number[] = [];
  let at = 0;
  for (let i = 0; i < few.length && at < count; i += 2) {
    const [high, low] = [few[i], few[i + 1]];
    let step = 1;
    while (at + step < count && isBefore(many, at + step, high, low)) step *= 2;
    let end = Math.min(count, at + step);
    at += step >> 1;
    while (at < end) {
      const middle = (at + end) >>> 1;
      if (isBefore(many, middle, high, low)) at = middle + 1;
      else end = middle;
    }
    if (at < count && many[at * 2] === high && many[at * 2 + 1] === low) found.push(high, low);
  }
  return Uint32Array.from(found);
}

function isBefore(keys: Keys, at: number, high: number, low: number): boolean {
  return keys[at * 2] < high || (keys[at * 2] === high && keys[at * 2 + 1] < low);
}

/** Those that stand several times in a sorted list. */
function repeated(keys: Keys): Keys {
  const found: number[] = [];
  for (let i = 2; i < keys.length; i += 2) {
    if (keys[i] === keys[i - 2] && keys[i + 1] === keys[i - 1]) found.push(keys[i], keys[i + 1]);
  }
  return Uint32Array.from(found);
}
