/** The jobs of a plan: some row groups of one file each, for a search in the order of what they may hold. */
import type { SearchOrder } from '../../../span-store.ts';
import type { FileEntry, RowGroupEntry } from '../../files/file-entry.ts';
import { splitByRows } from './plan.ts';
import type { FilePlan } from './plan.ts';
import { compareRanks, rankOf } from '../scan/row-key.ts';
import type { Rank } from '../scan/row-key.ts';

/** Some row groups of one file, of a size that makes a job. */
export interface ScanUnit {
  readonly file: FileEntry;
  readonly rowGroups: readonly { readonly index: number; readonly best: Rank }[];
  /** The best rank that a row of it can have. */
  readonly best: Rank;
}

/** Doubles hold 64-bit times and durations to within 2,048. */
const ROUNDING = 4096;

/**
 * Units best first: as soon as enough rows are known that rank before a unit, it is not needed. Nor are
 * row groups all of whose rows rank before `after`. Files are taken apart when it is their turn: to rank
 * every row group of 100,000 files takes longer than to find the newest rows.
 */
export class UnitQueue {
  readonly #order: SearchOrder;
  readonly #after: Rank | undefined;
  readonly #files = new Heap<{ readonly plan: FilePlan; readonly key: number }>((a, b) => a.key - b.key);
  readonly #units = new Heap<ScanUnit>((a, b) => compareRanks(a.best, b.best));
  #rowGroupsLeft = 0;

  constructor(plans: readonly FilePlan[], order: SearchOrder, after?: Rank) {
    this.#order = order;
    this.#after = after;
    this.#files.fill(plans.map((plan) => ({ plan, key: keyOf(bestOf(plan.file, order), order) })));
    for (const { rowGroups } of plans) this.#rowGroupsLeft += rowGroups.length;
  }

  /** Row groups of units that were not taken. */
  get rowGroupsLeft(): number {
    return this.#rowGroupsLeft;
  }

  /** The best unit that is left. */
  peek(): ScanUnit | undefined {
    for (;;) {
      const unit = this.#units.top;
      const file = this.#files.top;
      if (!file) return unit;
      if (unit && keyOf(unitValue(unit, this.#order), this.#order) + ROUNDING < file.key) return unit;
      this.#files.pop();
      this.#takeApart(file.plan);
    }
  }

  take(): ScanUnit | undefined {
    const unit = this.peek();
    if (!unit) return undefined;
    this.#units.pop();
    this.#rowGroupsLeft -= unit.rowGroups.length;
    return unit;
  }

  #takeApart({ file, rowGroups }: FilePlan): void {
    const [order, after] = [this.#order, this.#after];
    const ranked: { index: number; best: Rank }[] = [];
    for (const index of rowGroups) {
      const group = file.rowGroups[index];
      if (after && compareRanks(rankOf(order, worstOf(group, order)), after) < 0) this.#rowGroupsLeft--;
      else ranked.push({ index, best: rankOf(order, bestOf(group, order)) });
    }
    ranked.sort((a, b) => compareRanks(a.best, b.best));
    for (const part of splitByRows(ranked, (group) => file.rowGroups[group.index].rows)) {
      this.#units.push({ file, rowGroups: part, best: part[0].best });
    }
  }
}

type Figures = Pick<
  RowGroupEntry,
  'minStartUnixNano' | 'maxStartUnixNano' | 'minDurationNano' | 'maxDurationNano'
>;

function bestOf(figures: Figures, order: SearchOrder): bigint {
  switch (order) {
    case 'newest':
      return figures.maxStartUnixNano;
    case 'oldest':
      return figures.minStartUnixNano;
    case 'slowest':
      return figures.maxDurationNano;
  }
}

function worstOf(figures: Figures, order: SearchOrder): bigint {
  switch (order) {
    case 'newest':
      return figures.minStartUnixNano;
    case 'oldest':
      return figures.maxStartUnixNano;
    case 'slowest':
      return figures.minDurationNano;
  }
}

/** The smaller, the better. */
function keyOf(value: bigint, order: SearchOrder): number {
  return order === 'oldest' ? Number(value) : -Number(value);
}

function unitValue({ file, rowGroups }: ScanUnit, order: SearchOrder): bigint {
  return bestOf(file.rowGroups[rowGroups[0].index], order);
}

/** Smallest first. */
class Heap<T> {
  #items: T[] = [];

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get top(): T | undefined {
    return this.#items[0];
  }

  /** In place of what it held; linear. */
  fill(items: T[]): void {
    this.#items = items;
    for (let at = (items.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.compare(items[above], item) <= 0) break;
      items[at] = items[above];
      at = above;
    }
    items[at] = item;
  }

  pop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#sink(0);
  }

  #sink(from: number): void {
    const items = this.#items;
    const item = items[from];
    let at = from;
    for (;;) {
      let below = at * 2 + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && this.compare(items[below + 1], items[below]) < 0) below++;
      if (this.compare(item, items[below]) <= 0) break;
      items[at] = items[below];
      at = below;
    }
    items[at] = item;
  }
}
