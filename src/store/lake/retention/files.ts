/** What retention reads of files: their traces from the indexes, and which rules their spans match. */
import { END_OF_TIME } from '../../../span/time.ts';
import type { SpanColumns } from '../../../span/columns.ts';
import type { FieldExpression } from '../../../traceql/ast.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { traceIndexPath } from '../files/names.ts';
import { findTrace, openTraceIndex, traceKeyWords } from '../files/trace-index.ts';
import type { TraceIndex } from '../files/trace-index.ts';
import { columnOf } from '../read/scan/cells.ts';
import type { Filter } from '../read/scan/scan.ts';
import { availableIn } from '../read/session.ts';
import { ruleColumns } from '../read/search/trace-rules.ts';
import type { TraceRules } from '../read/search/trace-rules.ts';
import { DEFAULT_POOL, WorkerPool } from '../read/workers/worker-pool.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { Breather } from './breather.ts';

/** Whatever the time of the span. */
export function filterOf(condition: FieldExpression | null): Filter {
  return { condition, range: { startUnixNano: 0n, endUnixNano: END_OF_TIME } };
}

export interface ScannerParts extends Pick<LakeParts, 'dataDir' | 'files' | 'report'> {
  /** Workers that run, and stay so. */
  readonly scanPool?: WorkerPool | undefined;
}

/** Starts a worker when it is first asked, and ends it by `close`: nothing is kept while nobody asks. */
export class FileScanner {
  #pool: WorkerPool | undefined;

  constructor(private readonly parts: ScannerParts) {}

  /** Throws JobFailedError for a file that can't be read. */
  async rules(
    file: FileEntry,
    filters: readonly Filter[],
    rowGroups: readonly number[] = [...file.rowGroups.keys()],
  ): Promise<TraceRules> {
    // One of its own: a search never waits for it.
    const pool =
      this.parts.scanPool ?? (this.#pool ??= new WorkerPool({ ...DEFAULT_POOL, workers: 1, cacheBytes: 0 }));
    const { value } = await pool.run<'trace rules'>({
      kind: 'trace rules',
      path: `${this.parts.dataDir}/${file.path}`,
      columns: ruleColumns(filters, availableIn(file)),
      rowGroups,
      filters,
    });
    return value;
  }

  /** Without a readable index the file itself tells: slower, and as true. */
  async traces(file: FileEntry): Promise<TraceIndex> {
    try {
      return openTraceIndex(
        await this.parts.files.read(`${this.parts.dataDir}/${traceIndexPath(file.path)}`),
      );
    } catch (error) {
      this.parts.report(`${traceIndexPath(file.path)}: ${messageOf(error)}; the file itself is read`);
      return indexOf(await this.rules(file, []));
    }
  }

  close(): void {
    this.#pool?.close();
    this.#pool = undefined;
  }
}

function indexOf({ count, traceIds, rows }: TraceRules): TraceIndex {
  const keys = Array.from({ length: count }, (_, i) => traceKeyWords(traceIds, i * 16));
  const starts = new Uint32Array(count);
  for (let i = 1; i < count; i++) starts[i] = starts[i - 1] + rows[i - 1];
  const order = [...keys.keys()].sort(
    (a, b) => keys[a].high - keys[b].high || keys[a].low - keys[b].low || a - b,
  );
  return {
    count,
    high: Uint32Array.from(order, (i) => keys[i].high),
    low: Uint32Array.from(order, (i) => keys[i].low),
    firstRow: Uint32Array.from(order, (i) => starts[i]),
    rowCount: Uint32Array.from(order, (i) => rows[i]),
  };
}

/**
 * Calls `use` with the ids of all rows of a buffer, and where in them the row's begins; and with the starts of
 * all rows (words of 64-bit integers, Unix nanoseconds), and the row.
 */
export async function eachIdOfBuffer(
  columns: SpanColumns,
  breather: Breather,
  use: (ids: Uint8Array, at: number, starts: Uint32Array, row: number) => void,
): Promise<void> {
  const block = columns.block(['trace_id', 'start_time_unix_nano'], columns.publishedRows);
  const ids = columnOf(block, 'trace_id', 'fixed').bytes;
  const starts = columnOf(block, 'start_time_unix_nano', 'int64').words;
  for (let row = 0; row < block.rows; row++) {
    if (row % 1024 === 1023) await breather.breathe();
    use(ids, row * 16, starts, row);
  }
}

/** Those of the ids that may stand in a file; 16 bytes an id. */
export async function idsIn(index: TraceIndex, ids: Uint8Array): Promise<Uint8Array> {
  const breather = new Breather();
  const found: Uint8Array[] = [];
  for (let at = 0; at < ids.length; at += 16) {
    if (at % 16_384 === 0) await breather.breathe();
    const { high, low } = traceKeyWords(ids, at);
    if (findTrace(index, high, low).length > 0) found.push(ids.subarray(at, at + 16));
  }
  return Buffer.concat(found);
}

/** The row groups in which rows of the file stand, as one flag each. */
export function markRowGroups(file: FileEntry, firstRow: number, rowCount: number, marks: Uint8Array): void {
  let groupStart = 0;
  for (let group = 0; group < file.rowGroups.length && groupStart < firstRow + rowCount; group++) {
    const groupEnd = groupStart + file.rowGroups[group].rows;
    if (groupEnd > firstRow) marks[group] = 1;
    groupStart = groupEnd;
  }
}
