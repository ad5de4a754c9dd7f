/**
 * The way in: decode into the open generation's columns, log, publish. Rows are searchable when, and only
 * when, their request is on disk; so the published rows of a buffer are always a prefix of it.
 */
import { SpanColumns } from '../../../span/columns.ts';
import { decodeTraces, decodeTracesInSlices, endDecoding } from '../../../otlp/decode.ts';
import type { SpanLimits } from '../../../span/span-limits.ts';
import { PROJECT_ID } from '../../catalog.ts';
import { StoreUnavailableError } from '../../span-store.ts';
import type { AppendResult, ExportRequest } from '../../span-store.ts';
import type { FileSystem } from '../files/file-system.ts';
import { logName } from '../files/names.ts';
import type { Snapshots } from '../files/snapshot.ts';
import type { Clock } from './clock.ts';
import type { Deliveries } from './deliveries.ts';
import { deliveryKey } from './delivery-keys.ts';
import type { DeliveryKey } from './delivery-keys.ts';
import type { DiskReserve } from './disk-space.ts';
import { Generation, LARGE_BODY_BYTES } from './generation.ts';
import { encodeFrame } from './log-frame.ts';
import { LogFailure, LogSegment } from './log-segment.ts';

/** After a failed write the disk is asked again at this pace, not by every request. */
const DISK_RETRY_MS = 1_000;

/** A disk that ran low is seldom given room within a moment, and is looked at each second. */
const DISK_RETRY_AFTER_S = 5;

/**
 * Columns in memory that are never too many, however small generations are told to be. By default two full ones may
 * be there, 256 MiB as counted, of which 140 to 190 MB each were resident for spans of all shapes.
 */
const MIN_WAITING_BYTES = 32 * 1024 * 1024;

const BEHIND = 'spans come faster than they can be written to files';

export interface SealLimits {
  readonly rows: number;
  /** Of columns in memory, and of the log file. */
  readonly bytes: number;
  readonly ageMs: number;
  /** Generations sealed and not yet flushed before writes are refused: bounds memory and replay. */
  readonly sealedGenerations: number;
}

export interface IngestParts {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly snapshots: Snapshots;
  readonly deliveries: Deliveries;
  readonly disk: DiskReserve;
  readonly logFolder: string;
  readonly limits: SealLimits;
  readonly spanLimits: SpanLimits;
  readonly nextSequence: number;
  /** Takes a sealed generation over, to flush it. */
  readonly flush: (generation: Generation) => void;
  /** Generations given to `flush` that are not done. */
  readonly unflushed: () => number;
  /** What these have in memory. */
  readonly unflushedBytes: () => number;
}

interface Refusal {
  /** `closing` lets requests end that were taken before; `poisoned` lasts until a restart. */
  readonly kind: 'closing' | 'poisoned' | 'disk';
  readonly reason: string;
  readonly untilMs: number;
}

export class Ingest {
  open: Generation | undefined;
  lastSyncMs = 0;
  /** Unix milliseconds; 0 before the first. */
  lastSyncAt = 0;
  /** Requests that came again, since the start. */
  duplicateRequests = 0;
  private sequence: number;
  /** By project: what the generation before had. */
  private expectedRows: ReadonlyMap<string, number> = new Map();
  private refusal: Refusal | undefined;
  private readonly underWay = new Set<Promise<unknown>>();
  /** By project and key: requests that are being written. */
  private readonly firstDeliveries = new Map<string, Promise<AppendResult>>();

  constructor(private readonly parts: IngestParts) {
    this.sequence = parts.nextSequence;
  }

  /** Why no writes are taken, or '' when they are. */
  get refusalReason(): string {
    const standing = this.standingRefusal()?.reason ?? this.parts.disk.refusal;
    return standing === '' && this.isBehind() ? BEHIND : standing;
  }

  private standingRefusal(): Refusal | undefined {
    const { refusal } = this;
    return refusal !== undefined && this.parts.clock.monotonicMs() < refusal.untilMs ? refusal : undefined;
  }

  private isBehind(): boolean {
    const { limits, unflushed, unflushedBytes } = this.parts;
    if (unflushed() >= limits.sealedGenerations) return true;
    const sealed = unflushedBytes();
    // Few spans can be large: then bytes tell how much waits, not generations.
    const most = Math.max(MIN_WAITING_BYTES, limits.bytes * 2);
    return sealed > 0 && sealed + (this.open?.size.bytes ?? 0) >= most;
  }

  append(projectId: string, request: ExportRequest): Promise<AppendResult> {
    const result = this.appendChecked(projectId, request);
    this.underWay.add(result);
    const done = () => this.underWay.delete(result);
    result.then(done, done);
    return result;
  }

  private async appendChecked(projectId: string, request: ExportRequest): Promise<AppendResult> {
    if (!PROJECT_ID.test(projectId)) throw new RangeError(`no project id: ${JSON.stringify(projectId)}`);
    const key = deliveryKey(request);
    if (this.parts.deliveries.has(projectId, key)) return this.repeated();
    const name = `${projectId} ${key.join(' ')}`;
    const first = this.firstDeliveries.get(name);
    if (first !== undefined) {
      // It ends as the first one does; what kept no span is answered as it was.
      const result = await first;
      return result.accepted > 0 ? this.repeated() : result;
    }
    const appended = this.appendNew(projectId, request, key);
    this.firstDeliveries.set(name, appended);
    try {
      return await appended;
    } finally {
      this.firstDeliveries.delete(name);
    }
  }

  private repeated(): AppendResult {
    this.duplicateRequests++;
    return { accepted: 0, rejected: 0, message: '', duplicate: true };
  }

  private async appendNew(
    projectId: string,
    request: ExportRequest,
    key: DeliveryKey,
  ): Promise<AppendResult> {
    this.checkWritable();
    return request.body.length < LARGE_BODY_BYTES
      ? this.appendSmall(projectId, request, key)
      : this.appendLarge(projectId, request, key);
  }

  /** Stops taking writes, and resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.refusal = { kind: 'closing', reason: 'the store is closing', untilMs: Infinity };
    await Promise.allSettled(this.underWay);
    this.seal();
  }

  /** Seals the open generation when it is old enough; to be called now and then. */
  tick(): void {
    const since = this.open?.firstFrameAtMs;
    if (since === undefined) return;
    if (this.parts.clock.monotonicMs() - since >= this.parts.limits.ageMs) this.seal();
  }

  /** Does nothing while the open generation has no frame: it has no file, and its name is still free. */
  seal(): void {
    const open = this.open;
    if (open === undefined || open.firstSequence === 0) return;
    this.open = undefined;
    this.expectedRows = open.sharedRows;
    open.endDecoding();
    this.parts.flush(open);
  }

  private checkWritable(): void {
    const refusal = this.unavailable();
    if (refusal !== undefined) throw refusal;
  }

  /** What an append would throw now; undefined when it would write. */
  unavailable(): StoreUnavailableError | undefined {
    const refusal = this.standingRefusal();
    if (refusal !== undefined) {
      const leftMs = refusal.untilMs - this.parts.clock.monotonicMs();
      return new StoreUnavailableError(
        refusal.reason,
        Number.isFinite(leftMs) ? Math.max(1, Math.ceil(leftMs / 1000)) : 30,
      );
    }
    const { refusal: diskRefusal } = this.parts.disk;
    if (diskRefusal !== '') return new StoreUnavailableError(diskRefusal, DISK_RETRY_AFTER_S);
    return this.isBehind() ? new StoreUnavailableError(BEHIND, 1) : undefined;
  }

  private async appendSmall(
    projectId: string,
    request: ExportRequest,
    key: DeliveryKey,
  ): Promise<AppendResult> {
    const generation = this.openGeneration();
    const columns = generation.columnsFor(projectId, (created) =>
      this.parts.snapshots.publish([{ projectId, addBuffers: [created] }]),
    );
    const mark = columns.mark();
    let result: AppendResult;
    try {
      result = decodeTraces(request, columns, this.parts.clock.wallMs());
    } catch (error) {
      columns.truncate(mark);
      this.boundLearned(generation, projectId, columns);
      throw error;
    }
    const rows = columns.rows;
    if (rows === mark.rows) {
      // Nothing of it will stand in the log: nor may it count against limits.
      columns.truncate(mark);
      this.boundLearned(generation, projectId, columns);
      return result;
    }
    try {
      await this.log(generation, projectId, request, key, () => {
        columns.publishedRows = Math.max(columns.publishedRows, rows);
      });
    } catch (error) {
      // Everything behind the first failed frame failed with it, so the first one undoes them all.
      if (columns.rows > mark.rows) columns.truncate(mark);
      throw error;
    }
    return result;
  }

  /** What dictionaries learned from requests of which nothing is kept must not fill the memory either. */
  private boundLearned(generation: Generation, projectId: string, columns: SpanColumns): void {
    if (columns.byteLength < this.parts.limits.bytes) return;
    if (columns.rows > 0) this.sealWhenFull(generation);
    else {
      generation.discard(projectId, columns);
      this.parts.snapshots.publish([{ projectId, removeBuffers: [columns] }]);
    }
  }

  private async appendLarge(
    projectId: string,
    request: ExportRequest,
    key: DeliveryKey,
  ): Promise<AppendResult> {
    const columns = new SpanColumns(undefined, this.parts.spanLimits);
    const result = await decodeTracesInSlices(request, columns, this.parts.clock.wallMs());
    endDecoding(columns);
    if (columns.rows === 0) return result;
    if (this.refusal?.kind !== 'closing') this.checkWritable();
    const generation = this.openGeneration();
    await this.log(generation, projectId, request, key, () => {
      columns.publishedRows = columns.rows;
      generation.add(projectId, columns);
      this.parts.snapshots.publish([{ projectId, addBuffers: [columns] }]);
    });
    return result;
  }

  private async log(
    generation: Generation,
    projectId: string,
    request: ExportRequest,
    key: DeliveryKey,
    publish: () => void,
  ): Promise<void> {
    const sequence = this.sequence++;
    const receivedAtMs = this.parts.clock.wallMs();
    const { body, received } = request;
    const frame = {
      sequence,
      projectId,
      format: request.format,
      encoding: received.encoding,
      genAiOnly: request.genAiOnly === true,
      bodyBytes: body.length,
      receivedAtMs,
      payload: received.bytes,
    };
    // What came as it is was hashed for the key.
    const parts = received.bytes === body ? encodeFrame(frame, [key[0], key[1]]) : encodeFrame(frame);
    const commit = async () => {
      await generation.segment.append(parts);
      publish();
      this.parts.deliveries.remember(projectId, key, generation.deliveries, receivedAtMs);
    };
    this.parts.disk.spend(received.bytes.length);
    generation.firstFrameAtMs ??= this.parts.clock.monotonicMs();
    const committed = generation.commit(sequence, commit);
    this.sealWhenFull(generation);
    try {
      await committed;
      this.lastSyncMs = generation.segment.lastSyncMs;
      this.lastSyncAt = this.parts.clock.wallMs();
    } catch (error) {
      throw this.refuse(generation, error);
    }
  }

  /** The segment failed: it takes nothing more, and neither does the store for a while, or until a restart. */
  private refuse(generation: Generation, error: unknown): Error {
    if (!(error instanceof LogFailure)) return error instanceof Error ? error : new Error(String(error));
    if (this.open === generation) this.seal();
    const reason = error.poisoned
      ? 'the disk failed to keep a write; restart to go on from what it holds'
      : `the log can't be written (${errorCode(error.cause)})`;
    this.parts.disk.checkSoon();
    if (error.poisoned) this.refusal = { kind: 'poisoned', reason, untilMs: Infinity };
    else if (this.refusal?.kind !== 'closing' && this.refusal?.kind !== 'poisoned') {
      this.refusal = { kind: 'disk', reason, untilMs: this.parts.clock.monotonicMs() + DISK_RETRY_MS };
    }
    return new StoreUnavailableError(reason, error.poisoned ? 30 : 1);
  }

  private openGeneration(): Generation {
    if (this.open?.segment.failure !== undefined) this.seal();
    if (this.open === undefined) {
      const { files, logFolder } = this.parts;
      const path = `${logFolder}/${logName(this.sequence)}`;
      this.open = new Generation(
        new LogSegment(files, path, logFolder),
        this.parts.spanLimits,
        this.expectedRows,
      );
    }
    return this.open;
  }

  private sealWhenFull(generation: Generation): void {
    if (this.open !== generation) return;
    const { rows, bytes } = generation.size;
    const { limits } = this.parts;
    if (rows >= limits.rows || bytes >= limits.bytes || generation.segment.bytes >= limits.bytes) this.seal();
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
