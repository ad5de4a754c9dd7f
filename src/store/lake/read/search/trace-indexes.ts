/**
 * One index over all files of a project that tells where the rows of a trace stand. Of each file's
 * `.traces` the filter and a header are in memory, 1.3 bytes a trace: a trace that nobody sent costs no read
 * at all, and one that is there a read of 4 KiB in the files that have it. An index that is missing or
 * damaged is made anew from the file's trace ids, and told: no trace is missing from an answer for it.
 */
import { join } from 'node:path';
import { withFile } from '../../files/checked-chunks.ts';
import type { OpenedFile } from '../../files/checked-chunks.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { traceIndexPath } from '../../files/names.ts';
import { findTrace, openTraceIndex, traceKeyWords } from '../../files/trace-index.ts';
import type { RowRange, TraceIndex } from '../../files/trace-index.ts';
import { TraceLookup, mayHaveTrace, readTraceFilter, readTraceHeader } from '../../files/trace-lookup.ts';
import type { TraceIndexHeader } from '../../files/trace-lookup.ts';
import type { Session } from '../session.ts';
import { SharedTraces } from '../spansets/shared.ts';

/** Filters of 50 million traces. Files beyond are asked without one, with a read each. */
const MAX_FILTER_BYTES = 64 * 1024 * 1024;
/** Indexes of format 1 or made anew, 16 bytes a trace: 2 million traces. The least recently used goes. */
const MAX_WHOLE_BYTES = 32 * 1024 * 1024;

/** Reads are synchronous: others get their turn after so long. */
const MS_WITHOUT_BREAK = 8;

interface Known {
  readonly projectId: string;
  readonly header: TraceIndexHeader;
  /** Undefined when there was no room for it. */
  readonly filter: Int32Array | undefined;
}

interface Whole {
  readonly projectId: string;
  readonly index: TraceIndex;
}

interface Key {
  readonly high: number;
  readonly low: number;
}

export class TraceIndexes {
  readonly #known = new Map<string, Known>();
  /** Least recently used first. */
  readonly #whole = new Map<string, Whole>();
  readonly #rebuilding = new Map<string, Promise<TraceIndex | undefined>>();
  /** By project, the files of the last question. */
  readonly #seen = new Map<string, readonly FileEntry[]>();
  #filterBytes = 0;
  #wholeBytes = 0;

  /** Which traces stand in several files. */
  readonly shared: SharedTraces;

  constructor(readonly dataDir: string) {
    this.shared = new SharedTraces(dataDir);
  }

  /** Of what is in memory. */
  get bytes(): number {
    let headers = 0;
    for (const { header } of this.#known.values()) headers += header.bytes;
    return headers + this.#filterBytes + this.#wholeBytes;
  }

  /** The rows that may belong to one of the traces (16 bytes an id), by file; files without are left out. */
  async find(session: Session, ids: readonly Uint8Array[]): Promise<Map<FileEntry, RowRange[]>> {
    return session.stage('trace index', () => this.#find(session, ids));
  }

  async #find(session: Session, ids: readonly Uint8Array[]): Promise<Map<FileEntry, RowRange[]>> {
    this.#dropGone(session);
    session.explain?.lookedUp(ids.length);
    const found = new Map<FileEntry, RowRange[]>();
    const keys = keysOf(ids);
    let began = performance.now();
    for (const file of session.files) {
      const ranges = await this.#findIn(session, file, keys);
      if (ranges.length > 0) found.set(file, ranges);
      if (performance.now() - began < MS_WITHOUT_BREAK) continue;
      await session.breathe();
      began = performance.now();
    }
    return found;
  }

  /** Of one file. Synchronous reads, of 4 KiB for each trace that it may have: a thousand ids at a time. */
  findIn(session: Session, file: FileEntry, ids: readonly Uint8Array[]): Promise<RowRange[]> {
    return this.#findIn(session, file, keysOf(ids));
  }

  /** Whether the file may have a trace, told from memory by the words of its key; undefined: only a look-up tells. */
  filterOf(file: FileEntry): ((high: number, low: number) => boolean) | undefined {
    try {
      const known =
        this.#known.get(file.path) ?? withFile(this.#path(file), (opened) => this.#load(file, opened));
      const filter = known?.filter;
      return filter && ((high, low) => mayHaveTrace(filter, high, low));
    } catch {
      // The look-up meets it too, tells, and makes the index anew.
      return undefined;
    }
  }

  /** Reads what is kept of the files' indexes, so that the first question need not. */
  async warm(session: Session): Promise<void> {
    await this.find(session, []);
  }

  async #findIn(session: Session, file: FileEntry, keys: readonly Key[]): Promise<RowRange[]> {
    const whole = this.#recent(file);
    if (whole) return findAll(whole, keys);
    try {
      const inFile = this.#findInFile(file, keys);
      if (inFile) return inFile;
      const bytes = await Bun.file(this.#path(file)).bytes();
      return findAll(this.#keepWhole(file, openTraceIndex(bytes)), keys);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#forget(file.path);
      const rebuilt = await this.#rebuilt(session, file, reason);
      return rebuilt ? findAll(rebuilt, keys) : [];
    }
  }

  /** Undefined for an index of format 1. */
  #findInFile(file: FileEntry, keys: readonly Key[]): RowRange[] | undefined {
    const known = this.#known.get(file.path);
    const asked = known?.filter
      ? keys.filter(({ high, low }) => mayHaveTrace(known.filter!, high, low))
      : keys;
    if (known && asked.length === 0) return [];
    return withFile(this.#path(file), (opened) => {
      const { header, filter } = known ?? this.#load(file, opened) ?? {};
      if (!header) return undefined;
      const lookup = new TraceLookup(opened, header);
      return asked
        .filter(({ high, low }) => known !== undefined || !filter || mayHaveTrace(filter, high, low))
        .flatMap(({ high, low }) => lookup.find(high, low));
    });
  }

  #load(file: FileEntry, opened: OpenedFile): Known | undefined {
    const header = readTraceHeader(opened);
    if (!header) return undefined;
    if (header.rows !== file.rows) {
      throw new RangeError(`trace index: of ${header.rows} rows, the file has ${file.rows}`);
    }
    const fits = this.#filterBytes + header.filterBytes <= MAX_FILTER_BYTES;
    const filter = fits ? readTraceFilter(opened, header) : undefined;
    const known = { projectId: file.projectId, header, filter };
    this.#known.set(file.path, known);
    this.#filterBytes += filter?.byteLength ?? 0;
    return known;
  }

  /** Asked at once by several questions, it is read once. Undefined when the file itself can't be read. */
  #rebuilt(session: Session, file: FileEntry, reason: string): Promise<TraceIndex | undefined> {
    let pending = this.#rebuilding.get(file.path);
    if (!pending) {
      const problem = `${traceIndexPath(file.path)} can't be used, ${file.path} is read instead: ${reason}`;
      session.deps.report(problem);
      pending = this.#rebuild(session, file).finally(() => this.#rebuilding.delete(file.path));
      this.#rebuilding.set(file.path, pending);
    }
    return pending;
  }

  async #rebuild(session: Session, file: FileEntry): Promise<TraceIndex | undefined> {
    const bytes = await session.job<'traceIndex'>(file, { kind: 'traceIndex', columns: ['trace_id'] });
    return bytes && this.#keepWhole(file, openTraceIndex(bytes));
  }

  #recent(file: FileEntry): TraceIndex | undefined {
    const whole = this.#whole.get(file.path);
    if (!whole) return undefined;
    this.#whole.delete(file.path);
    this.#whole.set(file.path, whole);
    return whole.index;
  }

  #keepWhole(file: FileEntry, index: TraceIndex): TraceIndex {
    this.#forget(file.path);
    this.#whole.set(file.path, { projectId: file.projectId, index });
    this.#wholeBytes += bytesOf(index);
    for (const oldest of this.#whole.keys()) {
      if (this.#wholeBytes <= MAX_WHOLE_BYTES || oldest === file.path) break;
      this.#forget(oldest);
    }
    return index;
  }

  #forget(path: string): void {
    const whole = this.#whole.get(path);
    if (whole) this.#wholeBytes -= bytesOf(whole.index);
    this.#whole.delete(path);
    this.#filterBytes -= this.#known.get(path)?.filter?.byteLength ?? 0;
    this.#known.delete(path);
  }

  /** Compaction replaces files all the time. What a question of an older snapshot drops is read again. */
  #dropGone({ projectId, files }: Session): void {
    if (this.#seen.get(projectId) === files) return;
    this.#seen.set(projectId, files);
    const here = new Set(files.map(({ path }) => path));
    for (const kept of [this.#known, this.#whole]) {
      for (const [path, entry] of kept) {
        if (entry.projectId === projectId && !here.has(path)) this.#forget(path);
      }
    }
  }

  #path(file: FileEntry): string {
    return join(this.dataDir, traceIndexPath(file.path));
  }
}

/** In order, each once: traces that share one, and where their rows may be. */
function keysOf(ids: readonly Uint8Array[]): Key[] {
  const keys = ids.map((id) => traceKeyWords(id, 0)).sort((a, b) => a.high - b.high || a.low - b.low);
  return keys.filter(({ high, low }, i) => i === 0 || high !== keys[i - 1].high || low !== keys[i - 1].low);
}

function findAll(index: TraceIndex, keys: readonly Key[]): RowRange[] {
  return keys.flatMap(({ high, low }) => findTrace(index, high, low));
}

function bytesOf({ count }: TraceIndex): number {
  return count * 16;
}
