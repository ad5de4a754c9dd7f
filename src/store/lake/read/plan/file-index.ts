/**
 * What a plan asks of every file, side by side in typed arrays: 100,000 entries of the catalog lie all over
 * the heap, and to touch each costs more than to judge it. What a condition's statistics said of a file is
 * kept too, since entries are immutable. A flush or a merge changes few files: the next index takes over
 * what the last one knew.
 */
import type { FieldExpression } from '../../../../traceql/ast.ts';
import { printExpression } from '../../../../traceql/print.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { PRUNE_REASONS, compilePruning } from './pruning.ts';
import type { PruneReason } from './pruning.ts';

/** Conditions remembered for a project: a byte for each file and condition. */
const MAX_CONDITIONS = 32;

/** More changes than this between two questions are no longer looked up one by one. */
const MAX_CHANGES = 64;

/** Files whose figures are copied, or judged, without looking at the clock. */
const FILES_A_STEP = 256;

/** Doubles hold Unix nanoseconds to within 256, and the last 64-bit ones to within 2,048. */
const ROUNDING = 4096;

/** How a range lies to a file's starts; `near`: too close to an end for doubles to tell. */
type Overlap = 'none' | 'whole' | 'near';

/** Codes in `Verdicts.codes`; above: PRUNE_REASONS[code - FIRST_REASON]. */
const UNKNOWN = 0;
const ALL = 1;
const SOME = 2;
const FIRST_REASON = 3;

export interface RowGroupVerdict {
  readonly kept: readonly number[];
  readonly refused: readonly { readonly index: number; readonly reason: PruneReason }[];
}

interface Verdicts {
  codes: Uint8Array;
  /** Of files with code SOME. */
  readonly some: WeakMap<FileEntry, RowGroupVerdict>;
}

export class FileIndex {
  readonly files: readonly FileEntry[];
  readonly minStarts: Float64Array;
  readonly maxStarts: Float64Array;
  readonly rowGroups: Uint32Array;
  readonly bytes: Float64Array;
  /** Least recently used first. */
  readonly #verdicts = new Map<string, Verdicts>();
  #filled = 0;

  constructor(files: readonly FileEntry[]) {
    this.files = files;
    this.minStarts = new Float64Array(files.length);
    this.maxStarts = new Float64Array(files.length);
    this.rowGroups = new Uint32Array(files.length);
    this.bytes = new Float64Array(files.length);
  }

  /** Takes the figures of all files, `previous` ones from there; yields now and then. */
  *fill(previous: FileIndex | undefined): Generator<void, void> {
    if (previous) this.#takeOver(previous);
    for (let at = 0; at < this.files.length; at++) {
      if (this.rowGroups[at] > 0) continue;
      const { minStartUnixNano, maxStartUnixNano, rowGroups, bytes } = this.files[at];
      this.minStarts[at] = Number(minStartUnixNano);
      this.maxStarts[at] = Number(maxStartUnixNano);
      this.rowGroups[at] = rowGroups.length;
      this.bytes[at] = bytes;
      if (++this.#filled % FILES_A_STEP === 0) yield;
    }
  }

  overlap(at: number, start: number, end: number): Overlap {
    const min = this.minStarts[at];
    const max = this.maxStarts[at];
    if (max + ROUNDING < start || min - ROUNDING >= end) return 'none';
    return min - ROUNDING >= start && max + ROUNDING < end ? 'whole' : 'near';
  }

  /** What the statistics of a file say to the condition, whatever its time. */
  judge(condition: FieldExpression | null): (at: number) => true | PruneReason | RowGroupVerdict {
    if (condition === null) return () => true;
    const { codes, some } = this.#verdictsOf(condition);
    const pruning = compilePruning(condition);
    return (at) => {
      const code = codes[at];
      if (code === ALL) return true;
      if (code >= FIRST_REASON) return PRUNE_REASONS[code - FIRST_REASON];
      const file = this.files[at];
      if (code === SOME) return some.get(file) ?? true;
      const answer = pruning.file(file);
      if (answer !== true) {
        codes[at] = FIRST_REASON + PRUNE_REASONS.indexOf(answer);
        return answer;
      }
      const verdict = judgeRowGroups(file, pruning.rowGroup);
      if (verdict === true) {
        codes[at] = ALL;
        return true;
      }
      if (verdict.kept.length === 0) {
        codes[at] = FIRST_REASON + PRUNE_REASONS.indexOf('row groups');
        return 'row groups';
      }
      codes[at] = SOME;
      some.set(file, verdict);
      return verdict;
    };
  }

  #verdictsOf(condition: FieldExpression): Verdicts {
    const key = printExpression(condition);
    const known = this.#verdicts.get(key) ?? {
      codes: new Uint8Array(this.files.length).fill(UNKNOWN),
      some: new WeakMap(),
    };
    this.#verdicts.delete(key);
    this.#verdicts.set(key, known);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= MAX_CONDITIONS) break;
      this.#verdicts.delete(oldest);
    }
    return known;
  }

  #takeOver(previous: FileIndex): void {
    const runs = commonRuns(previous.files, this.files);
    const copy = <T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): void => {
      for (const { before, now, count } of runs) to.set(from.subarray(before, before + count), now);
    };
    copy(previous.minStarts, this.minStarts);
    copy(previous.maxStarts, this.maxStarts);
    copy(previous.rowGroups, this.rowGroups);
    copy(previous.bytes, this.bytes);
    for (const [key, { codes, some }] of previous.#verdicts) {
      const taken = new Uint8Array(this.files.length);
      copy(codes, taken);
      this.#verdicts.set(key, { codes: taken, some });
    }
  }
}

function judgeRowGroups(
  file: FileEntry,
  judge: ReturnType<typeof compilePruning>['rowGroup'],
): true | RowGroupVerdict {
  const kept: number[] = [];
  const refused: { index: number; reason: PruneReason }[] = [];
  for (let index = 0; index < file.rowGroups.length; index++) {
    const answer = judge(file.rowGroups[index]);
    if (answer === true) kept.push(index);
    else refused.push({ index, reason: answer });
  }
  return refused.length === 0 ? true : { kept, refused };
}

interface Run {
  readonly before: number;
  readonly now: number;
  readonly count: number;
}

/** Stretches of files that stand in both lists in the same order. Exported for its test. */
export function commonRuns(before: readonly FileEntry[], now: readonly FileEntry[]): Run[] {
  const runs: Run[] = [];
  let changes = 0;
  for (let a = 0, b = 0; a < before.length && b < now.length;) {
    if (before[a] === now[b]) {
      const from = a;
      while (a < before.length && b < now.length && before[a] === now[b]) {
        a++;
        b++;
      }
      runs.push({ before: from, now: b - (a - from), count: a - from });
      continue;
    }
    if (++changes > MAX_CHANGES) break;
    const found = before.indexOf(now[b], a);
    if (found < 0) b++;
    else a = found;
  }
  return runs;
}

/** The newest index of each project. */
export class FileIndexes {
  readonly #byProject = new Map<string, FileIndex>();

  /** Builds it if the files are others than before; yields now and then. */
  *of(projectId: string, files: readonly FileEntry[]): Generator<void, FileIndex> {
    const known = this.#byProject.get(projectId);
    if (known?.files === files) return known;
    const index = new FileIndex(files);
    yield* index.fill(known);
    this.#byProject.set(projectId, index);
    return index;
  }
}

/** The ends of a range as doubles, for `overlap`. */
export function endsOf({ startUnixNano, endUnixNano }: TimeRange): { start: number; end: number } {
  return { start: Number(startUnixNano), end: Number(endUnixNano) };
}
