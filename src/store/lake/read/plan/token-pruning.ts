/**
 * One question's use of what lies beside the files: token filters, and the trace index where it asks for a
 * trace by its id. Row groups that can't match are left out, and counted.
 */
import type { FieldExpression } from '../../../../traceql/ast.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { RowRange } from '../../files/trace-index.ts';
import type { FilePlan, Plan } from './plan.ts';
import type { PruneReason } from './pruning.ts';
import type { Session } from '../session.ts';
import { tokenNeed } from './token-need.ts';
import type { TokenNeed } from './token-need.ts';
import { traceIdsOf } from './trace-need.ts';

/** Reads are synchronous, 2 us each from the page cache: others get their turn after so long. */
const MS_WITHOUT_BREAK = 8;

export class TokenPruning {
  readonly #session: Session;
  readonly #need: TokenNeed | undefined;
  readonly #traceIds: readonly Uint8Array[] | undefined;
  #places: Promise<ReadonlyMap<FileEntry, ReadonlySet<number>>> | undefined;
  /** Row groups of each file that statistics left, less those that were ruled out here. */
  readonly #left = new Map<FileEntry, number>();
  #sinceBreak = performance.now();

  constructor(session: Session, condition: FieldExpression | null, scan: readonly FilePlan[]) {
    this.#session = session;
    this.#need = tokenNeed(condition);
    this.#traceIds = traceIdsOf(condition);
    if (this.#need === undefined && this.#traceIds === undefined) return;
    for (const { file, rowGroups } of scan) this.#left.set(file, rowGroups.length);
  }

  /** True where nothing can be ruled out. */
  get isIdle(): boolean {
    return this.#need === undefined && this.#traceIds === undefined;
  }

  /** Those of the row groups of a file that may match. Asked once for each row group. */
  async narrow(file: FileEntry, rowGroups: readonly number[]): Promise<readonly number[]> {
    const withTraces = await this.#narrowToTraces(file, rowGroups);
    if (this.#need === undefined || withTraces.length === 0) return withTraces;
    return this.#narrowByTokens(file, withTraces, this.#need);
  }

  async #narrowToTraces(file: FileEntry, rowGroups: readonly number[]): Promise<readonly number[]> {
    if (this.#traceIds === undefined) return rowGroups;
    this.#places ??= placesOf(this.#session, this.#traceIds);
    const places = (await this.#places).get(file);
    const kept = rowGroups.filter((index) => places?.has(index));
    this.#count(file, rowGroups, kept, 'trace index');
    return kept;
  }

  async #narrowByTokens(
    file: FileEntry,
    rowGroups: readonly number[],
    need: TokenNeed,
  ): Promise<readonly number[]> {
    const { explain, deps } = this.#session;
    if (performance.now() - this.#sinceBreak > MS_WITHOUT_BREAK) {
      await this.#session.breathe();
      this.#sinceBreak = performance.now();
    }
    const end = explain?.begin('token filters');
    const kept = deps.tokenFilters.rowGroups(file, rowGroups, need);
    end?.();
    explain?.askedTokens(rowGroups.length);
    this.#count(file, rowGroups, kept, 'tokens');
    return kept;
  }

  #count(file: FileEntry, asked: readonly number[], kept: readonly number[], reason: PruneReason): void {
    const pruned = asked.length - kept.length;
    if (pruned === 0) return;
    const left = (this.#left.get(file) ?? 0) - pruned;
    this.#left.set(file, left);
    this.#session.countPruned({
      files: left === 0 ? 1 : 0,
      rowGroups: pruned,
      bytes: Math.round((file.bytes * pruned) / file.rowGroups.length),
    });
    const { explain } = this.#session;
    if (!explain) return;
    const stays = new Set(kept);
    explain.narrowed(
      file,
      asked.filter((index) => !stays.has(index)),
      reason,
    );
  }
}

/** The row groups in which one of the traces may stand. */
async function placesOf(
  session: Session,
  ids: readonly Uint8Array[],
): Promise<ReadonlyMap<FileEntry, ReadonlySet<number>>> {
  const found = await session.deps.traceIndexes.find(session, ids);
  return new Map([...found].map(([file, ranges]) => [file, rowGroupsOfRanges(file, ranges)]));
}

function rowGroupsOfRanges({ rowGroups }: FileEntry, ranges: readonly RowRange[]): ReadonlySet<number> {
  const places = new Set<number>();
  let first = 0;
  rowGroups.forEach(({ rows }, index) => {
    const end = first + rows;
    if (ranges.some(({ firstRow, rowCount }) => firstRow < end && firstRow + rowCount > first)) {
      places.add(index);
    }
    first = end;
  });
  return places;
}

/** What of the files has to be scanned, by statistics and what lies beside them; what they rule out is counted. */
export async function planQuestion(
  session: Session,
  range: TimeRange,
  condition: FieldExpression | null,
): Promise<Pick<Plan, 'scan'>> {
  const plan = await session.plan(range, condition);
  const pruning = new TokenPruning(session, condition, plan.scan);
  if (pruning.isIdle) return plan;
  const scan: FilePlan[] = [];
  for (const { file, rowGroups } of plan.scan) {
    const kept = await pruning.narrow(file, rowGroups);
    if (kept.length > 0) scan.push({ file, rowGroups: kept });
  }
  return { scan };
}
