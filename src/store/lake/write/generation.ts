/**
 * One log file and the columns that it fills. A generation takes appends until it is sealed; then it is
 * searched until its Parquet files are published, and its log is dropped.
 */
import { SpanColumns } from '../../../span/columns.ts';
import { LoggedDeliveries } from './deliveries.ts';
import type { LogSegment } from './log-segment.ts';

export class Generation {
  /** By project: those of small requests, and of each large one its own. */
  readonly buffers = new Map<string, SpanColumns[]>();
  /** By project: what small requests are appended to. Columns of a large one must not be. */
  private readonly shared = new Map<string, SpanColumns>();
  /** Of the frames given to the segment; 0 before the first. */
  firstSequence = 0;
  lastSequence = 0;
  private pending = 0;
  private readonly settledWaiters: (() => void)[] = [];

  /** Of the frames that are on disk. */
  readonly deliveries = new LoggedDeliveries();
  /** On the monotonic clock. */
  firstFrameAtMs: number | undefined;

  constructor(readonly segment: LogSegment) {}

  /** The columns of small requests; `onNew` is told when they are made. */
  columnsFor(projectId: string, onNew: (columns: SpanColumns) => void): SpanColumns {
    const known = this.shared.get(projectId);
    if (known !== undefined) return known;
    const columns = new SpanColumns();
    this.shared.set(projectId, columns);
    this.add(projectId, columns);
    onNew(columns);
    return columns;
  }

  add(projectId: string, columns: SpanColumns): void {
    this.buffers.set(projectId, [...(this.buffers.get(projectId) ?? []), columns]);
  }

  /** Rows and bytes in memory, not yet durable ones included. */
  get size(): { rows: number; bytes: number } {
    let rows = 0;
    let bytes = 0;
    for (const columns of this.allColumns()) {
      rows += columns.rows;
      bytes += columns.byteLength;
    }
    return { rows, bytes };
  }

  get publishedRows(): number {
    let rows = 0;
    for (const columns of this.allColumns()) rows += columns.publishedRows;
    return rows;
  }

  /** Runs `commit` for a frame with that sequence; the generation is not settled before it ends. */
  async commit(sequence: number, commit: () => Promise<void>): Promise<void> {
    if (this.firstSequence === 0) this.firstSequence = sequence;
    this.lastSequence = sequence;
    this.pending++;
    try {
      await commit();
    } finally {
      this.pending--;
      if (this.pending === 0) for (const resolve of this.settledWaiters.splice(0)) resolve();
    }
  }

  /** Resolves when no commit is under way. To be asked of a sealed generation. */
  settled(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.settledWaiters.push(resolve));
  }

  private *allColumns(): Iterable<SpanColumns> {
    for (const list of this.buffers.values()) yield* list;
  }
}
