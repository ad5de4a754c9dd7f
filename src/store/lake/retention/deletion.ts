/**
 * What somebody asks to be deleted, done when it is answered: spans in memory are flushed first, then every
 * file that holds such spans is rewritten without them. A crash in between leaves what is not done yet;
 * asking again finishes it.
 */
import { analyse } from '../../../traceql/analyse.ts';
import type { Query } from '../../../traceql/ast.ts';
import { printQuery } from '../../../traceql/print.ts';
import { END_OF_TIME, formatTime } from '../../../span/time.ts';
import { QuestionError, StoreUnavailableError } from '../../span-store.ts';
import type { TimeRange } from '../../span-store.ts';
import type { AuditAction, Deletion } from '../../store-upkeep.ts';
import type { FileEntry } from '../files/file-entry.ts';
import type { LakeParts } from '../parts.ts';
import { planScan } from '../read/plan/plan.ts';
import type { Filter } from '../read/scan/scan.ts';
import { NO_RULE } from '../read/search/trace-rules.ts';
import { RemovalAudit } from './audit.ts';
import { PinnedMeanwhileError, checkTraceId } from './pins.ts';
import type { Pins } from './pins.ts';
import { FileScanner, idsIn } from './files.ts';
import type { ScannerParts } from './files.ts';
import { forgetChecked } from './memory.ts';
import type { Drop } from '../merge/rewrite-job.ts';
import { NoRoomError } from '../upkeep/rewrites.ts';
import type { RewriteOutcome, Rewrites } from '../upkeep/rewrites.ts';
import { expectCondition } from '../../../traceql/query.ts';

interface DeletionParts extends LakeParts, ScannerParts {
  readonly pins: Pins;
  /** Resolves when what was appended stands in files, or can't be written there. */
  flush(): Promise<void>;
  inLane<T>(work: (rewrites: Rewrites) => Promise<T>): Promise<T>;
  /** The project's requests may come again and be taken. */
  forgetDeliveries(projectId: string): void;
  /** The same for the catalog alone, inside a transaction of the caller. */
  forgetStoredDeliveries(projectId: string): void;
}

/** A disk without room gets some by retention, or by a person. */
const RETRY_SECONDS = 30;

export class Deletions {
  readonly #underWay = new Set<Removal>();

  constructor(private readonly parts: DeletionParts) {}

  /** What is under way ends at the file that it is at: to look through all of them may take minutes. */
  stop(): void {
    for (const removal of this.#underWay) removal.stop();
  }

  /** A pinned trace too: who asks for it by its id means it. It is not pinned any more then. */
  async deleteTrace(projectId: string, traceId: string, actor: string): Promise<Deletion> {
    checkTraceId(traceId);
    const id = new Uint8Array(Buffer.from(traceId, 'hex'));
    return this.#delete(projectId, 'delete trace', actor, traceId, async (removal) => {
      const { pins, catalog } = this.parts;
      for (const file of this.#files(projectId)) {
        removal.checkGoesOn();
        const ids = await idsIn(await removal.scanner.traces(file), id);
        if (ids.length > 0) await removal.rewrite(file, { kind: 'traces', ids: id, except: false });
      }
      catalog.transaction(() => pins.unpinInside(projectId, traceId, actor)).immediate();
    });
  }

  /** Pinned traces stay. Throws QuestionError for a query that asks for more than a span. */
  async deleteSpans(projectId: string, query: Query, range: TimeRange, actor: string): Promise<Deletion> {
    const condition = expectCondition(query);
    const analysis = analyse(condition);
    if (analysis.needsTrace) {
      throw new QuestionError(
        'unsupported_query',
        'a deletion can only ask for fields of the span itself, not for its parent, its root or its trace',
        query.expression.position,
      );
    }
    const filter: Filter = { condition: analysis.scan, range };
    const detail = printQuery(query) + rangeText(range);
    return this.#delete(projectId, 'delete spans', actor, detail, async (removal) => {
      const plan = planScan(this.#files(projectId), range, filter.condition);
      for (const { file, rowGroups } of plan.scan) {
        while (!(await this.#withoutMatches(removal, file, rowGroups, filter)));
      }
    });
  }

  /** False when a trace was pinned meanwhile: then nothing happened to the file. */
  async #withoutMatches(
    removal: Removal,
    file: FileEntry,
    rowGroups: readonly number[],
    filter: Filter,
  ): Promise<boolean> {
    removal.checkGoesOn();
    const { pins } = this.parts;
    const guard = pins.guard(removal.projectId);
    const keep = pins.ids(removal.projectId);
    if (!(await hasMatches(removal.scanner, file, rowGroups, filter, keep))) return true;
    try {
      await removal.rewrite(file, { kind: 'matching', filter, keep }, guard);
    } catch (error) {
      if (error instanceof PinnedMeanwhileError) return false;
      throw error;
    }
    return true;
  }

  #files(projectId: string): readonly FileEntry[] {
    return this.parts.snapshots.state(projectId).files;
  }

  async #delete(
    projectId: string,
    action: AuditAction,
    actor: string,
    detail: string,
    work: (removal: Removal) => Promise<void>,
  ): Promise<Deletion> {
    await this.#flush(projectId);
    return this.parts.inLane(async (rewrites) => {
      const removal = new Removal(this.parts, rewrites, projectId, { action, actor, detail });
      this.#underWay.add(removal);
      try {
        await work(removal);
      } catch (error) {
        throw error instanceof NoRoomError ? new StoreUnavailableError(error.message, RETRY_SECONDS) : error;
      } finally {
        this.#underWay.delete(removal);
        removal.finish();
      }
      const quarantined = this.parts.snapshots.state(projectId).quarantined.map(({ path }) => path);
      return quarantined.length === 0 ? removal.done : { ...removal.done, quarantined };
    });
  }

  /** What is asked to go may be in memory. */
  async #flush(projectId: string): Promise<void> {
    const { snapshots } = this.parts;
    const before = new Set(snapshots.state(projectId).buffers.filter((buffer) => buffer.publishedRows > 0));
    await this.parts.flush();
    if (!snapshots.state(projectId).buffers.some((buffer) => before.has(buffer))) return;
    throw new StoreUnavailableError(
      'spans in memory could not be written to files: nothing was deleted',
      RETRY_SECONDS,
    );
  }
}

/** One deletion on its way through the files. */
class Removal {
  readonly scanner: FileScanner;
  readonly #audit: RemovalAudit;
  #stopped = false;

  constructor(
    private readonly parts: DeletionParts,
    private readonly rewrites: Rewrites,
    readonly projectId: string,
    what: { readonly action: AuditAction; readonly actor: string; readonly detail: string },
  ) {
    this.scanner = new FileScanner(parts);
    this.#audit = new RemovalAudit(parts.catalog, { ...what, at: parts.clock.wallMs(), projectId });
  }

  get done(): Deletion {
    return { spans: this.#audit.spans, bytes: this.#audit.bytes };
  }

  stop(): void {
    this.#stopped = true;
    this.scanner.close();
  }

  /** Throws StoreUnavailableError once it was stopped. */
  checkGoesOn(): void {
    if (this.#stopped) throw new StoreUnavailableError('the store is closing', RETRY_SECONDS);
  }

  /** `guard` is called inside the transaction, and undoes it by throwing. */
  async rewrite(file: FileEntry, drop: Drop, guard: () => void = () => {}): Promise<void> {
    const { projectId, parts } = this;
    // It may have been set aside as damaged, or got another index, since the files were listed.
    const listed = parts.snapshots.state(projectId).files.find(({ path }) => path === file.path);
    if (listed === undefined) return;
    const also = ({ dropped, freedBytes }: RewriteOutcome) => {
      guard();
      // With the spans, or else a crash now would have them refused as repeated when they are sent again.
      if (dropped > 0) parts.forgetStoredDeliveries(projectId);
      this.#audit.record(dropped, Math.max(0, freedBytes));
      // What stayed of a trace may now be found by another rule.
      forgetChecked(parts.catalog, projectId);
    };
    const outcome = await this.rewrites.rewrite({ projectId, inputs: [listed], drop, also });
    this.#audit.committed(outcome.dropped, Math.max(0, outcome.freedBytes));
  }

  finish(): void {
    this.scanner.close();
    if (this.#audit.spans > 0) this.parts.forgetDeliveries(this.projectId);
  }
}

/** A rewrite that drops nothing would be for nothing. */
async function hasMatches(
  scanner: FileScanner,
  file: FileEntry,
  rowGroups: readonly number[],
  filter: Filter,
  keep: Uint8Array,
): Promise<boolean> {
  const hex = (ids: Uint8Array, at: number) =>
    Buffer.from(ids.buffer, ids.byteOffset + at, 16).toString('hex');
  const kept = new Set<string>();
  for (let at = 0; at < keep.length; at += 16) kept.add(hex(keep, at));
  const { count, traceIds, rules } = await scanner.rules(file, [filter], rowGroups);
  for (let i = 0; i < count; i++) {
    if (rules[i] !== NO_RULE && !kept.has(hex(traceIds, i * 16))) return true;
  }
  return false;
}

/** '' for all times. */
function rangeText({ startUnixNano, endUnixNano }: TimeRange): string {
  const from = startUnixNano <= 0n ? '' : ` from ${formatTime(startUnixNano)}`;
  return from + (endUnixNano >= END_OF_TIME ? '' : ` to ${formatTime(endUnixNano)}`);
}
