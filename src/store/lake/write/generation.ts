/**
 * One log file and the columns that it fills. A generation takes appends until it is sealed; then it is
 * searched until its Parquet files are published, and its log is dropped.
 */
import { endDecoding } from '../../../otlp/decode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { DEFAULT_SPAN_LIMITS } from '../../../span/span-limits.ts';
import type { SpanLimits } from '../../../span/span-limits.ts';
import { LoggedDeliveries } from './deliveries.ts';
import type { LogSegment } from './log-segment.ts';

/** A body of this size takes about 3 ms to decode; larger ones are decoded in slices, on their own. */
export const LARGE_BODY_BYTES = 1024 * 1024;

/** A generation is sealed behind the request that fills it, so it has more rows now and then. */
const MORE_ROWS = 1.05;

export class Generation {
  /** By project: those of small requests, and of each large one its own. */
  readonly buffers = new Map<string, SpanColumns[]>();
  /** By project: what small requests are appended to. Columns of a large one must not be. */
  private readonly shared = new Map<string, SpanColumns>();
  /** Of the frames given to the segment; 0 before the first. */
  firstSequence = 0;
  lastSequence = 0;
  private pending = 0;
  /** Rows and bytes of each columns when they were last looked at, and of all together. */
  private readonly measured = new Map<SpanColumns, { readonly rows: number; readonly bytes: number }>();
  private readonly changed = new Set<SpanColumns>();
  private readonly total = { rows: 0, bytes: 0 };
  private readonly settledWaiters: (() => void)[] = [];

  /** Of the frames that are on disk. */
  readonly deliveries = new LoggedDeliveries();
  /** On the monotonic clock. */
  firstFrameAtMs: number | undefined;

  constructor(
    readonly segment: LogSegment,
    private readonly spanLimits: SpanLimits = DEFAULT_SPAN_LIMITS,
    /** The one before: as many rows are expected of each project as it had. */
    private readonly expectedRows: ReadonlyMap<string, number> = new Map(),
  ) {}

  /** The columns of small requests; `onNew` is told when they are made. */
  columnsFor(projectId: string, onNew: (columns: SpanColumns) => void): SpanColumns {
    const known = this.shared.get(projectId);
    if (known !== undefined) {
      this.changed.add(known);
      return known;
    }
    const columns = new SpanColumns(undefined, this.spanLimits, this.expectedRows.get(projectId));
    this.shared.set(projectId, columns);
    this.add(projectId, columns);
    onNew(columns);
    return columns;
  }

  /** For a large request, which gets columns of its own. */
  newColumns(): SpanColumns {
    return new SpanColumns(undefined, this.spanLimits);
  }

  /** By project, of small requests: room for them, and for somewhat more. */
  get sharedRows(): Map<string, number> {
    return new Map(
      Array.from(this.shared, ([projectId, { rows }]) => [projectId, Math.ceil(rows * MORE_ROWS)]),
    );
  }

  /** It takes no more requests. */
  endDecoding(): void {
    for (const columns of this.allColumns()) endDecoding(columns);
  }

  add(projectId: string, columns: SpanColumns): void {
    this.buffers.set(projectId, [...(this.buffers.get(projectId) ?? []), columns]);
    this.changed.add(columns);
  }

  /** Lets go of columns of small requests; they have no rows. */
  discard(projectId: string, columns: SpanColumns): void {
    this.shared.delete(projectId);
    const others = (this.buffers.get(projectId) ?? []).filter((known) => known !== columns);
    this.buffers.set(projectId, others);
    this.changed.delete(columns);
    this.count(columns, { rows: 0, bytes: 0 });
  }

  /**
   * Rows and bytes in memory, not yet durable ones included. Asked with each request: only columns that were handed
   * out since are looked at, since with a thousand projects a look at all takes 300 us.
   */
  get size(): { readonly rows: number; readonly bytes: number } {
    for (const columns of this.changed) {
      this.count(columns, { rows: columns.rows, bytes: columns.byteLength });
    }
    this.changed.clear();
    return this.total;
  }

  private count(columns: SpanColumns, now: { readonly rows: number; readonly bytes: number }): void {
    const before = this.measured.get(columns);
    this.total.rows += now.rows - (before?.rows ?? 0);
    this.total.bytes += now.bytes - (before?.bytes ?? 0);
    this.measured.set(columns, now);
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
