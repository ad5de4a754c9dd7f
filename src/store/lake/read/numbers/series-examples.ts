/** Rows remembered as examples of a series, spread over its time. */
import type { PairCodes } from './group-codes-pairs.ts';

/** Plain data, for another thread: side by side. */
export interface ExampleRows {
  readonly groups: Uint32Array;
  /** Number of the row group, or of the block. */
  readonly sources: Uint32Array;
  readonly rows: Uint32Array;
  /** Two words a row. */
  readonly starts: Uint32Array;
  /** NaN where nothing is measured. */
  readonly numbers: Float64Array;
}

const NO_EXAMPLES: ExampleRows = {
  groups: new Uint32Array(0),
  sources: new Uint32Array(0),
  rows: new Uint32Array(0),
  starts: new Uint32Array(0),
  numbers: new Float64Array(0),
};

interface Example {
  readonly cell: number;
  readonly source: number;
  readonly row: number;
  readonly high: number;
  readonly low: number;
  readonly number: number;
}

/** Remembered of all groups together: an answer shows 1,000. */
const MAX_EXAMPLES = 20_000;

/** How many of each group, where there are so many groups. */
export function examplesEach(wanted: number, groups: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(MAX_EXAMPLES / Math.max(1, groups))));
}

export class Examples {
  #found: Example[] = [];
  /** Rows that each cell had so far. */
  #seen = new Uint32Array(64);
  /** Where there are fewer buckets than examples wanted, a cell gives several. */
  readonly #several: boolean;

  constructor(
    readonly wanted: number,
    buckets: number,
  ) {
    this.#several = buckets < wanted * 2;
  }

  add(
    selected: Uint8Array,
    from: number,
    to: number,
    cells: Uint32Array,
    of: {
      readonly words: Uint32Array;
      readonly numbers: Float64Array;
      readonly operand: boolean;
      readonly source: number;
      /** What rows are known by, if not by their places. */
      readonly rowNumbers: Uint32Array | undefined;
    },
  ): void {
    const { words, numbers, operand, source, rowNumbers } = of;
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      const cell = cells[row];
      if (cell >= this.#seen.length) this.#widen(cell);
      const seen = this.#seen[cell]++;
      // The first row, or rows 1, 2, 4, 8...: few even of millions.
      if (seen !== 0 && !(this.#several && (seen & (seen - 1)) === 0)) continue;
      const number = operand ? numbers[row] : NaN;
      const [high, low] = [words[row * 2 + 1], words[row * 2]];
      this.#found.push({ cell, source, row: rowNumbers ? rowNumbers[row] : row, high, low, number });
    }
  }

  /** Those found since it was last asked, at most `wanted` of each group; `cells` says which group a cell is of. */
  take({ first, count }: PairCodes): ExampleRows {
    if (this.#found.length === 0) return NO_EXAMPLES;
    const found = this.#found;
    this.#found = [];
    const byGroup = new Map<number, Example[]>();
    for (const example of found) {
      if (example.cell >= count) continue;
      const group = first[example.cell];
      const list = byGroup.get(group);
      if (list) list.push(example);
      else byGroup.set(group, [example]);
    }
    const most = examplesEach(this.wanted, byGroup.size);
    const chosen = [...byGroup].flatMap(([group, list]) =>
      spread(list.sort(byTime), most).map((example) => ({ group, example })),
    );
    return {
      groups: Uint32Array.from(chosen, ({ group }) => group),
      sources: Uint32Array.from(chosen, ({ example }) => example.source),
      rows: Uint32Array.from(chosen, ({ example }) => example.row),
      starts: Uint32Array.from(chosen.flatMap(({ example: { low, high } }) => [low, high])),
      numbers: Float64Array.from(chosen, ({ example }) => example.number),
    };
  }

  #widen(cell: number): void {
    const seen = new Uint32Array(Math.max(cell + 1, this.#seen.length * 2));
    seen.set(this.#seen);
    this.#seen = seen;
  }
}

function byTime(a: Example, b: Example): number {
  return a.high - b.high || a.low - b.low;
}

/** So many of a list, the first and the last among them. */
export function spread<T>(list: readonly T[], wanted: number): T[] {
  if (list.length <= wanted) return [...list];
  if (wanted <= 1) return list.slice(0, Math.max(0, wanted));
  return Array.from({ length: wanted }, (_, i) => list[Math.round((i * (list.length - 1)) / (wanted - 1))]);
}
