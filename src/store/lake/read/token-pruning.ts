/** One question's use of the token filters: row groups that can't match are left out, and counted. */
import type { FieldExpression } from '../../../traceql/ast.ts';
import type { TimeRange } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { planScan } from './plan.ts';
import type { FilePlan, Plan } from './plan.ts';
import type { Session } from './session.ts';
import { tokenNeed } from './token-need.ts';
import type { TokenNeed } from './token-need.ts';

/** Reads are synchronous, 2 us each from the page cache: others get their turn after so long. */
const MS_WITHOUT_BREAK = 8;

export class TokenPruning {
  readonly #session: Session;
  readonly #need: TokenNeed | undefined;
  /** Row groups of each file that statistics left, less those that filters ruled out. */
  readonly #left = new Map<FileEntry, number>();
  #sinceBreak = performance.now();

  constructor(session: Session, condition: FieldExpression | null, scan: readonly FilePlan[]) {
    this.#session = session;
    this.#need = tokenNeed(condition);
    for (const { file, rowGroups } of scan) this.#left.set(file, rowGroups.length);
  }

  /** Those of the row groups of a file that may match. Asked once for each row group. */
  async narrow(file: FileEntry, rowGroups: readonly number[]): Promise<readonly number[]> {
    if (this.#need === undefined) return rowGroups;
    if (performance.now() - this.#sinceBreak > MS_WITHOUT_BREAK) {
      await this.#session.breathe();
      this.#sinceBreak = performance.now();
    }
    const kept = this.#session.deps.tokenFilters.rowGroups(file, rowGroups, this.#need);
    const pruned = rowGroups.length - kept.length;
    if (pruned > 0) this.#count(file, pruned);
    return kept;
  }

  #count(file: FileEntry, pruned: number): void {
    const left = (this.#left.get(file) ?? 0) - pruned;
    this.#left.set(file, left);
    const bytes = Math.round((file.bytes * pruned) / file.rowGroups.length);
    this.#session.countPruned({
      pruned: left === 0 ? [{ path: file.path, reason: 'tokens' }] : [],
      prunedRowGroups: pruned,
      prunedBytes: bytes,
    });
  }
}

/** What of the files has to be scanned, by statistics and token filters; what they rule out is counted. */
export async function planQuestion(
  session: Session,
  range: TimeRange,
  condition: FieldExpression | null,
): Promise<Pick<Plan, 'scan'>> {
  const plan = planScan(session.files, range, condition);
  session.countPruned(plan);
  const pruning = new TokenPruning(session, condition, plan.scan);
  const scan: FilePlan[] = [];
  for (const { file, rowGroups } of plan.scan) {
    const kept = await pruning.narrow(file, rowGroups);
    if (kept.length > 0) scan.push({ file, rowGroups: kept });
  }
  return { scan };
}
