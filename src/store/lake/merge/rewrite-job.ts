/**
 * Files of one partition into one new file: compaction, retention and deletion are all this job. Plain data
 * between the main thread (rewriter.ts) and the worker (rewrite-worker.ts). The worker reads files and makes
 * bytes; it writes nothing and sees no catalog.
 */
import type { BlockStatistics } from '../write/statistics.ts';
import type { FileEntry, FileStatistics } from '../files/file-entry.ts';
import type { Filter } from '../read/scan/scan.ts';

/** A file to read. */
export type RewriteInput = Pick<
  FileEntry,
  'rows' | 'rowGroups' | 'promoted' | 'attributeKeys' | 'attributeKeysWhole'
> & {
  /** Absolute. */
  readonly path: string;
};

/** Which rows do not come along. */
export type Drop =
  | { readonly kind: 'nothing' }
  /** Rows of these traces; with `except`, rows of all others. 16 bytes an id. */
  | { readonly kind: 'traces'; readonly ids: Uint8Array; readonly except: boolean }
  /** Rows that match, save those of the traces to keep (16 bytes an id). */
  | { readonly kind: 'matching'; readonly filter: Filter; readonly keep: Uint8Array };

export interface RewriteJob {
  /** In the order of their sequences: of equal rows the first stays. */
  readonly inputs: readonly RewriteInput[];
  /** Files of the same partition that are not rewritten: a row that stands in one of them is dropped. */
  readonly peers: readonly RewriteInput[];
  readonly drop: Drop;
  readonly rowGroupRows: number;
  /** Stands in the file's footer, so that a lost catalog can be made anew. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Without rows there is no file. */
export interface RewriteResult {
  readonly rows: number;
  /** Left out because the job said so, and because they came twice. */
  readonly dropped: number;
  readonly duplicates: number;
  readonly bytes: number;
  readonly hash: string;
  readonly traceIndex: Uint8Array;
  readonly tokenIndex: Uint8Array;
  /** No bytes: it has none. */
  readonly rollup: Uint8Array;
  readonly statistics: (BlockStatistics & Pick<FileStatistics, 'promoted'>) | undefined;
}

export type ToRewriteWorker =
  | { readonly kind: 'rewrite'; readonly id: number; readonly job: RewriteJob }
  /** The chunk before is on disk: go on. */
  | { readonly kind: 'written'; readonly id: number };

export type FromRewriteWorker =
  | { readonly kind: 'chunk'; readonly id: number; readonly bytes: Uint8Array }
  /** The work goes on. `path`: the file that is being read; '' after that. */
  | { readonly kind: 'reading'; readonly id: number; readonly path: string }
  /** `memoryBytes`: of the worker's wasm, which grows and never shrinks. */
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly result: RewriteResult;
      readonly memoryBytes: number;
    }
  /** `path`: the file that could not be read, or '' where it was something else. */
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly path: string };

/**
 * What one output may hold. Rows: 4M reference spans are 150 MB, a day of 10,000 spans a second is 206 such
 * files. Traces: the worker keeps 100 bytes of each, with its part of the index.
 */
export const MAX_OUTPUT_ROWS = 4_194_304;
export const MAX_OUTPUT_TRACES = 1_500_000;
