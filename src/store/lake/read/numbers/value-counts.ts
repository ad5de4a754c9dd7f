/** Counts of distinct values, merged over blocks and files. */
import type { ValueCount } from '../../../span-store.ts';

/** The distinct values of one type with their counts, side by side: cheap to send to another thread. */
export interface CountedValues {
  readonly type: ValueCount['type'];
  readonly values: readonly string[];
  readonly counts: Float64Array;
}

/** More distinct values than anyone can choose from; beyond, new ones are no longer counted. */
export const MAX_DISTINCT_VALUES = 100_000;

export class ValueCounts {
  readonly #counts = new Map<ValueCount['type'], Map<string, number>>();
  #distinct = 0;
  full = false;

  constructor(readonly prefix: string) {}

  add(type: ValueCount['type'], value: string, count: number): void {
    if (!value.startsWith(this.prefix)) return;
    let counts = this.#counts.get(type);
    if (!counts) this.#counts.set(type, (counts = new Map()));
    const known = counts.get(value);
    if (known !== undefined) counts.set(value, known + count);
    else if (this.#distinct >= MAX_DISTINCT_VALUES) this.full = true;
    else {
      counts.set(value, count);
      this.#distinct++;
    }
  }

  all(): CountedValues[] {
    return [...this.#counts].map(([type, counts]) => ({
      type,
      values: [...counts.keys()],
      counts: Float64Array.from(counts.values()),
    }));
  }

  /** The most frequent, by value where counts are equal. Sorts no more than it gives. */
  top(limit: number): ValueCount[] {
    const counts = Float64Array.from([...this.#counts.values()].flatMap((each) => [...each.values()])).sort();
    const least = counts[Math.max(0, counts.length - limit)];
    const above: ValueCount[] = [];
    const level: ValueCount[] = [];
    const wanted = limit - (counts.length - firstAbove(counts, least));
    for (const [type, each] of this.#counts) {
      for (const [value, count] of each) {
        if (count > least) above.push({ type, value, count });
        else if (count === least) insertByValue(level, { type, value, count }, wanted);
      }
    }
    return [...above.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)), ...level];
  }
}

/** The first index of an ascending array with more than `value`. */
function firstAbove(sorted: Float64Array, value: number): number {
  let at = sorted.length;
  while (at > 0 && sorted[at - 1] > value) at--;
  return at;
}

/** Keeps the first `limit` in order of value. */
function insertByValue(kept: ValueCount[], entry: ValueCount, limit: number): void {
  if (kept.length === limit && (limit === 0 || kept[limit - 1].value <= entry.value)) return;
  let from = 0;
  let to = kept.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (kept[middle].value < entry.value) from = middle + 1;
    else to = middle;
  }
  kept.splice(from, 0, entry);
  if (kept.length > limit) kept.pop();
}
