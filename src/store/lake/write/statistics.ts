/**
 * What the catalog keeps of a file of spans, gathered row group by row group while it is written. It comes
 * out the same whichever attributes stand in columns of their own and wherever the groups were read from.
 */
import { SPANS } from '../../../span/schema.ts';
import { STATUS_ERROR } from '../../../span/span.ts';
import type { Block, Vector } from '../../../span/vector.ts';
import type { FileEntry, FileStatistics, PromotedColumn, RowGroupEntry } from '../files/file-entry.ts';
import type { CountedLists } from './promote.ts';
import { KeyCounts } from './statistics-keys.ts';
import { OperationCounts } from './statistics-operations.ts';
import { int64At, uint64At } from './text.ts';

/** Of each list in a file's statistics; 2,000 entries are about 100 KB of JSON. */
export const MAX_STATISTICS_ENTRIES = 2_000;

const NONE: ReadonlySet<string> = new Set();

export type BlockStatistics = Omit<FileStatistics, 'promoted'> &
  Pick<
    FileEntry,
    | 'minStartUnixNano'
    | 'maxStartUnixNano'
    | 'maxEndUnixNano'
    | 'minDurationNano'
    | 'maxDurationNano'
    | 'errorCount'
  >;

/** The columns of a row group that are read row by row, checked once. */
export interface SpanVectors {
  readonly starts: Uint32Array;
  readonly durations: Uint32Array;
  readonly statuses: Uint8Array;
  readonly kinds: Uint8Array;
  readonly services: Extract<Vector, { kind: 'text' }>;
  readonly names: Extract<Vector, { kind: 'text' }>;
}

export class StatisticsBuilder {
  private readonly rowGroups: RowGroupEntry[] = [];
  private readonly operations = new OperationCounts();
  private readonly keys = new KeyCounts(SPANS);
  private maxEndUnixNano = 0n;

  /**
   * One row group: rows `from .. to` of a block. `promoted` names the attributes that stand in columns; a
   * row has each key there or in its list, not in both. No rows, no group. `counted` names the columns of
   * attributes that are told by `lists`, for the whole file at once.
   */
  rowGroup(
    block: Block,
    promoted: readonly PromotedColumn[],
    from = 0,
    to = block.rows,
    counted: ReadonlySet<string> = NONE,
  ): void {
    if (from >= to) return;
    const vectors = spanVectors(block);
    this.rowGroups.push(rowGroupEntry(vectors, from, to));
    const end = maxEnd(vectors, from, to);
    if (end > this.maxEndUnixNano) this.maxEndUnixNano = end;
    this.operations.add(vectors, from, to);
    this.keys.add(block, promoted, from, to, counted);
  }

  /** A column of attributes of the file's rows, as it was before some of them got columns. */
  lists({ column, vector, rowsOfPair }: CountedLists): void {
    this.keys.addCounted(column, vector, rowsOfPair);
  }

  /** Throws when there was no row. */
  finish(): BlockStatistics {
    const { rowGroups } = this;
    if (rowGroups.length === 0) throw new Error('statistics of no rows');
    const services = cut(this.operations.services(), this.operations.servicesWhole);
    const operations = cut(this.operations.operations(), this.operations.operationsWhole);
    const keys = cut(this.keys.keys(), this.keys.whole);
    return {
      services: services.kept,
      servicesWhole: services.whole,
      operations: operations.kept,
      operationsWhole: operations.whole,
      attributeKeys: keys.kept,
      attributeKeysWhole: keys.whole,
      rowGroups,
      minStartUnixNano: least(rowGroups.map((group) => group.minStartUnixNano)),
      maxStartUnixNano: most(rowGroups.map((group) => group.maxStartUnixNano)),
      maxEndUnixNano: this.maxEndUnixNano,
      minDurationNano: least(rowGroups.map((group) => group.minDurationNano)),
      maxDurationNano: most(rowGroups.map((group) => group.maxDurationNano)),
      errorCount: rowGroups.reduce((sum, group) => sum + group.errorCount, 0),
    };
  }
}

function spanVectors(block: Block): SpanVectors {
  return {
    starts: ofKind(block, 'start_time_unix_nano', 'int64').words,
    durations: ofKind(block, 'duration_nano', 'int64').words,
    statuses: ofKind(block, 'status_code', 'uint8').values,
    kinds: ofKind(block, 'kind', 'uint8').values,
    services: ofKind(block, 'service_name', 'text'),
    names: ofKind(block, 'name', 'text'),
  };
}

function ofKind<K extends Vector['kind']>(block: Block, name: string, kind: K): Extract<Vector, { kind: K }> {
  const vector = block.columns.get(name);
  if (vector?.kind !== kind) throw new Error(`${name} is no ${kind} column`);
  return vector as Extract<Vector, { kind: K }>;
}

function rowGroupEntry(vectors: SpanVectors, from: number, to: number): RowGroupEntry {
  const { starts, durations, statuses } = vectors;
  let minStart = from;
  let maxStart = from;
  let minDuration = from;
  let maxDuration = from;
  let errorCount = 0;
  for (let row = from; row < to; row++) {
    if (compareUnsigned(starts, row, minStart) < 0) minStart = row;
    if (compareUnsigned(starts, row, maxStart) > 0) maxStart = row;
    if (compareSigned(durations, row, minDuration) < 0) minDuration = row;
    if (compareSigned(durations, row, maxDuration) > 0) maxDuration = row;
    if (statuses[row] === STATUS_ERROR) errorCount++;
  }
  return {
    rows: to - from,
    minStartUnixNano: uint64At(starts, minStart),
    maxStartUnixNano: uint64At(starts, maxStart),
    minDurationNano: int64At(durations, minDuration),
    maxDurationNano: int64At(durations, maxDuration),
    errorCount,
  };
}

function compareUnsigned(words: Uint32Array, a: number, b: number): number {
  return words[a * 2 + 1] - words[b * 2 + 1] || words[a * 2] - words[b * 2];
}

function compareSigned(words: Uint32Array, a: number, b: number): number {
  return (words[a * 2 + 1] | 0) - (words[b * 2 + 1] | 0) || words[a * 2] - words[b * 2];
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** Start plus duration, where the duration is positive; kept below 2^64. */
function maxEnd(vectors: SpanVectors, from: number, to: number): bigint {
  const { starts, durations } = vectors;
  let high = 0;
  let low = 0;
  for (let row = from; row < to; row++) {
    const negative = durations[row * 2 + 1] >>> 31 === 1;
    const lowSum = starts[row * 2] + (negative ? 0 : durations[row * 2]);
    const carry = lowSum > 0xffffffff ? 1 : 0;
    const highSum = starts[row * 2 + 1] + (negative ? 0 : durations[row * 2 + 1]) + carry;
    if (highSum > high || (highSum === high && lowSum >>> 0 > low)) {
      high = highSum;
      low = lowSum >>> 0;
    }
  }
  const end = (BigInt(high) << 32n) | BigInt(low);
  return end > MAX_UINT64 ? MAX_UINT64 : end;
}

/** The most frequent ones; of equally frequent ones those that come first in the list. */
function cut<T extends { readonly spanCount: number }>(
  entries: T[],
  whole: boolean,
): { kept: T[]; whole: boolean } {
  entries.sort((a, b) => b.spanCount - a.spanCount);
  return {
    kept: entries.slice(0, MAX_STATISTICS_ENTRIES),
    whole: whole && entries.length <= MAX_STATISTICS_ENTRIES,
  };
}

function least(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b < a ? b : a));
}

function most(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b > a ? b : a));
}
