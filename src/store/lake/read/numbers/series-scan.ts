/** Rows into series: groups by fields, buckets by time, a figure of each. The same for a file, a buffer, a trace. */
import type { Block } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { columnOf } from '../scan/cells.ts';
import { columnsOfField } from '../scan/fields.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';
import { GroupTuples } from './group-codes-tuples.ts';
import type { GroupFiller, GroupValues } from './group-codes-tuples.ts';
import { SeriesCells } from './series-cells.ts';
import type { CellParts, Figure } from './series-cells.ts';
import { Examples } from './series-examples.ts';
import type { ExampleRows } from './series-examples.ts';
import { BucketScan } from './series-time.ts';
import type { Buckets } from './series-time.ts';
import { numberFiller, numberOfSource } from './series-values.ts';
import type { NumberFiller } from './series-values.ts';

/** Plain data, posted to workers. */
export interface SeriesAsk {
  readonly by: readonly Field[];
  readonly figure: Figure;
  /** Rows where it is no number are no part of any series. */
  readonly operand: Field | undefined;
  /** Groups are told apart by the power of two of the operand, too. */
  readonly byPower: boolean;
  readonly buckets: Buckets;
  /** Rows that are remembered of each series. */
  readonly examples: number;
}

/** Plain data, for another thread. */
export interface SeriesPart {
  readonly groups: GroupValues;
  /** By power: what the cells' groups are, by group and power (see `powerOf`). */
  readonly powers: { readonly groups: Uint32Array; readonly powers: Uint32Array } | undefined;
  readonly cells: CellParts;
  readonly examples: ExampleRows;
}

/** Groups that are told apart: more than anyone can look at. Each has its texts in every answer of a worker, which hold the main thread. */
export const MAX_GROUPS = 10_000;
/** Of series and bucket, 40 bytes each: a hundred buckets of 20,000 series, or 11,000 of 180. */
export const MAX_CELLS = 2_000_000;
/** Powers of two of all cells, 276 bytes each: some 120 MB, for instance 100 buckets of 500 series. */
export const MAX_QUANTILE_PARTS = 450_000;

export function columnsOfSeries(ask: SeriesAsk, available: ColumnsAvailable): string[] {
  const fields = ask.operand ? [...ask.by, ask.operand] : ask.by;
  const starts = needsStarts(ask) ? ['start_time_unix_nano'] : [];
  return [...new Set([...starts, ...fields.flatMap((field) => columnsOfField(field, available))])];
}

function needsStarts({ buckets, examples }: SeriesAsk): boolean {
  return buckets.count > 1 || examples > 0;
}

const NO_STARTS = new Uint32Array(0);

export class SeriesScan {
  readonly groups: GroupTuples;
  readonly powers: PairCodes | undefined;
  readonly cells: SeriesCells;
  readonly examples: Examples;
  readonly #time: BucketScan;
  readonly #rows = new Scratch();

  constructor(readonly ask: SeriesAsk) {
    this.groups = new GroupTuples(ask.by, MAX_GROUPS);
    this.powers = ask.byPower ? new PairCodes(MAX_GROUPS) : undefined;
    this.cells = new SeriesCells(ask.figure, ask.buckets.count, MAX_CELLS, MAX_QUANTILE_PARTS);
    this.examples = new Examples(ask.examples, ask.buckets.count);
    this.#time = new BucketScan(ask.buckets);
  }

  get full(): boolean {
    return this.groups.full || (this.powers !== undefined && this.powers.count >= MAX_GROUPS);
  }

  /** `source`: what the rows' examples are known by. */
  begin(block: Block, source: number): (selected: Uint8Array, from: number, to: number) => void {
    let fillGroups: GroupFiller | undefined;
    let fillNumbers: NumberFiller | undefined;
    return (selected, from, to) => {
      fillGroups ??= this.groups.filler(block);
      if (this.ask.operand) fillNumbers ??= numberFiller(this.ask.operand, block);
      const rows = this.#rows.of(block.rows);
      rows.live.set(selected.subarray(from, to), from);
      const words = needsStarts(this.ask)
        ? columnOf(block, 'start_time_unix_nano', 'int64').words
        : NO_STARTS;
      fillGroups(rows.live, from, to, rows.groups);
      fillNumbers?.(rows.live, from, to, rows.numbers);
      this.#add(rows, words, from, to, source);
    };
  }

  /** Spans of a trace, which can be asked for parents and roots; `rowOf`: what examples are known by. */
  addTrace(
    trace: CountedTrace,
    spans: readonly number[],
    source: number,
    rowOf: (span: number) => number,
  ): void {
    const rows = this.#rows.of(spans.length);
    const { operand } = this.ask;
    const words = new Uint32Array(spans.length * 2);
    const numbers = new Uint32Array(spans.length);
    spans.forEach((span, i) => {
      const fields = trace.fields(span);
      const at = trace.first + span;
      rows.live[i] = 1;
      rows.groups[i] = this.groups.ofSource(fields);
      if (operand) rows.numbers[i] = numberOfSource(operand, fields);
      words[i * 2] = trace.table.starts[at * 2];
      words[i * 2 + 1] = trace.table.starts[at * 2 + 1];
      numbers[i] = rowOf(span);
    });
    this.#add(rows, words, 0, spans.length, source, numbers);
  }

  /** `rowNumbers`: what rows are known by, if not by their places. */
  #add(
    rows: Rows,
    words: Uint32Array,
    from: number,
    to: number,
    source: number,
    rowNumbers?: Uint32Array,
  ): void {
    const { live, groups, numbers, buckets } = rows;
    if (this.ask.operand) {
      for (let row = from; row < to; row++) if (!(numbers[row] === numbers[row])) live[row] = 0;
    }
    if (this.groups.full) dropUnknown(live, groups, from, to);
    if (this.powers) {
      for (let row = from; row < to; row++) {
        if (live[row] !== 0) groups[row] = this.powers.code(groups[row], powerOf(numbers[row]));
      }
      dropUnknown(live, groups, from, to);
    }
    this.#time.fill(words, live, from, to, buckets);
    this.cells.add(live, from, to, rows, numbers);
    if (this.ask.examples > 0) {
      this.examples.add(live, from, to, rows.cells, {
        words,
        numbers,
        operand: this.ask.operand !== undefined,
        source,
        rowNumbers,
      });
    }
  }

  part(): SeriesPart {
    const { powers } = this;
    return {
      groups: { ...this.groups.all(), full: this.full },
      powers: powers && {
        groups: powers.first.slice(0, powers.count),
        powers: powers.second.slice(0, powers.count),
      },
      cells: this.cells.parts(),
      examples: this.examples.take(this.cells.cells),
    };
  }
}

/** A trace that was judged (spanset-traces.ts), its spans counted from `first`. */
export interface CountedTrace {
  readonly first: number;
  readonly table: { readonly starts: Uint32Array };
  fields(span: number): FieldSource;
}

function dropUnknown(live: Uint8Array, groups: Uint32Array, from: number, to: number): void {
  for (let row = from; row < to; row++) if (groups[row] === NO_CODE) live[row] = 0;
}

/** One row's place in each step, for as many rows as the block has. */
interface Rows {
  readonly live: Uint8Array;
  readonly groups: Uint32Array;
  readonly buckets: Uint32Array;
  readonly cells: Uint32Array;
  readonly numbers: Float64Array;
}

class Scratch {
  #rows: Rows | undefined;

  of(count: number): Rows {
    if (this.#rows && this.#rows.live.length >= count) return this.#rows;
    this.#rows = {
      live: new Uint8Array(count),
      groups: new Uint32Array(count),
      buckets: new Uint32Array(count),
      cells: new Uint32Array(count),
      numbers: new Float64Array(count),
    };
    return this.#rows;
  }
}

/** Powers of two are numbered from the smallest that a double holds; 0 is of zero and what is below. */
const FIRST_POWER = -1074;
const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** The number of the least power of two that is not below the value. */
export function powerOf(value: number): number {
  if (!(value > 0)) return 0;
  double[0] = value;
  const high = doubleWords[1];
  const isPower = (high & 0xfffff) === 0 && doubleWords[0] === 0;
  const exponent = (high >>> 20) - 1023 + (isPower ? 0 : 1);
  return Math.max(FIRST_POWER, exponent) - FIRST_POWER + 1;
}

export function powerValue(power: number): number {
  return power === 0 ? 0 : 2 ** (power - 1 + FIRST_POWER);
}
