/**
 * The figures of each series in each bucket of time, as far as there are spans: one number (a cell) for a pair
 * of group and bucket, and typed arrays by cell. Made in workers from rows, merged on the main thread.
 */
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';
import { QuantileCells } from './series-quantiles.ts';
import type { QuantileParts } from './series-quantiles.ts';

/** What is kept of the numbers in a cell besides their count. */
export type Figure = 'count' | 'sum' | 'min' | 'max' | 'quantiles';

/** Plain data, for another thread. */
export interface CellParts {
  readonly groups: Uint32Array;
  readonly buckets: Uint32Array;
  readonly counts: Float64Array;
  /** Of sum, min, max. */
  readonly figures: Float64Array | undefined;
  readonly quantiles: QuantileParts | undefined;
}

/** Merged in about a millisecond. */
const CELLS_A_STEP = 8192;

export class SeriesCells {
  readonly cells: PairCodes;
  counts = new Float64Array(64);
  figures: Float64Array;
  readonly quantiles: QuantileCells | undefined;

  constructor(
    readonly figure: Figure,
    buckets: number,
    maxCells: number,
    maxQuantileParts: number,
  ) {
    this.cells = new PairCodes(maxCells, buckets);
    this.figures = new Float64Array(figure === 'count' || figure === 'quantiles' ? 0 : 64);
    if (figure === 'quantiles') this.quantiles = new QuantileCells(maxQuantileParts);
  }

  /** More cells or parts of quantiles than are kept: what there is, is short. */
  get full(): boolean {
    return this.cells.count >= this.cells.max || (this.quantiles?.full ?? false);
  }

  /** Counts the rows that are selected; `numbers` where the figure is one of numbers. Their cells go to `cells`. */
  add(
    selected: Uint8Array,
    from: number,
    to: number,
    rows: { readonly groups: Uint32Array; readonly buckets: Uint32Array; readonly cells: Uint32Array },
    numbers: Float64Array,
  ): void {
    const { groups, buckets, cells } = rows;
    this.cells.fill(groups, buckets, selected, from, to, cells);
    this.#widen();
    this.tally(selected, from, to, cells, numbers);
  }

  /** The cell of a group's bucket; NO_CODE beyond the most that are kept. */
  cellOf(group: number, bucket: number): number {
    const cell = this.cells.code(group, bucket);
    this.#widen();
    return cell;
  }

  addCount(cell: number, count: number): void {
    if (cell !== NO_CODE) this.counts[cell] += count;
  }

  /** Counts the rows that are selected, whose cells are known. */
  tally(selected: Uint8Array, from: number, to: number, cells: Uint32Array, numbers: Float64Array): void {
    const { counts, figures, quantiles } = this;
    const kept = this.cells.count;
    switch (this.figure) {
      case 'count':
        for (let row = from; row < to; row++)
          if (selected[row] !== 0 && cells[row] < kept) counts[cells[row]]++;
        return;
      case 'sum':
        for (let row = from; row < to; row++) {
          if (selected[row] === 0 || cells[row] >= kept) continue;
          counts[cells[row]]++;
          figures[cells[row]] += numbers[row];
        }
        return;
      case 'min':
      case 'max':
        this.#extremes(selected, from, to, cells, numbers);
        return;
      case 'quantiles':
        for (let row = from; row < to; row++)
          if (selected[row] !== 0 && cells[row] < kept) counts[cells[row]]++;
        quantiles?.add(selected, from, to, cells, numbers);
    }
  }

  /** For quantiles of whole numbers below 2^32, in cells that are all known. */
  tallyWords(cells: Uint32Array, words: Uint32Array, count: number): void {
    const { counts } = this;
    for (let i = 0; i < count; i++) counts[cells[i]]++;
    this.quantiles?.addWords(cells, words, count, this.cells.count);
  }

  #extremes(selected: Uint8Array, from: number, to: number, cells: Uint32Array, numbers: Float64Array): void {
    const { counts, figures } = this;
    const sign = this.figure === 'min' ? 1 : -1;
    const kept = this.cells.count;
    for (let row = from; row < to; row++) {
      const cell = cells[row];
      if (selected[row] === 0 || cell >= kept) continue;
      if (counts[cell]++ === 0 || (figures[cell] - numbers[row]) * sign > 0) figures[cell] = numbers[row];
    }
  }

  parts(): CellParts {
    const { count, first, second } = this.cells;
    return {
      groups: first.slice(0, count),
      buckets: second.slice(0, count),
      counts: this.counts.slice(0, count),
      figures: this.figures.length === 0 ? undefined : this.figures.slice(0, count),
      quantiles: this.quantiles?.parts(),
    };
  }

  /**
   * `groupOf`: by the groups of the parts, those here; NO_CODE for what is left out. Yields about every millisecond:
   * each step is whole by itself.
   */
  *merge({ groups, buckets, counts, figures, quantiles }: CellParts, groupOf: Uint32Array): Generator<void> {
    const cellOf = new Uint32Array(groups.length);
    for (let from = 0; from < groups.length; from += CELLS_A_STEP) {
      const to = Math.min(groups.length, from + CELLS_A_STEP);
      for (let i = from; i < to; i++) {
        const group = groupOf[groups[i]];
        cellOf[i] = group === NO_CODE ? NO_CODE : this.cells.code(group, buckets[i]);
      }
      this.#widen();
      for (let i = from; i < to; i++) {
        const cell = cellOf[i];
        if (cell === NO_CODE) continue;
        if (figures) this.#mergeFigure(cell, figures[i]);
        this.counts[cell] += counts[i];
      }
      yield;
    }
    if (quantiles && this.quantiles) yield* this.quantiles.merge(quantiles, cellOf);
  }

  #mergeFigure(cell: number, figure: number): void {
    const known = this.figures[cell];
    const isFirst = this.counts[cell] === 0;
    if (this.figure === 'sum') this.figures[cell] = known + figure;
    else if (this.figure === 'min') this.figures[cell] = isFirst || figure < known ? figure : known;
    else this.figures[cell] = isFirst || figure > known ? figure : known;
  }

  #widen(): void {
    const { count } = this.cells;
    if (count <= this.counts.length) return;
    const size = Math.max(count, this.counts.length * 2);
    const counts = new Float64Array(size);
    counts.set(this.counts);
    this.counts = counts;
    if (this.figures.length === 0) return;
    const figures = new Float64Array(size);
    figures.set(this.figures);
    this.figures = figures;
  }
}
