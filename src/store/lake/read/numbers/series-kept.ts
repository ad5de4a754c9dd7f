/**
 * Series of a row group's rows from the codes that its columns are kept in. Codes and bucket are one small number a
 * row, its place; a table says which cell a place is, and that is asked of groups and cells once for each place.
 */
import { SCAN_PAGE_ROWS } from '../scan/column-row-group.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import { columnOf } from '../scan/cells.ts';
import { countOnes } from '../scan/kernel.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { codeOfEntry, entryOf } from './group-codes-map.ts';
import type { CodeArray } from '../../files/parquet/page-codes.ts';
import { gather, keptField, listRows } from './kept-codes.ts';
import type { KeptField } from './kept-codes.ts';
import { keptNumbers } from './kept-numbers.ts';
import type { KeptNumbers } from './kept-numbers.ts';
import type { SeriesScan } from './series-scan.ts';
import type { Buckets } from './series-time.ts';

/** 1 MB: of all pairs of some 500 values each, or 15,000 values in 17 buckets. */
const MAX_PLACES = 1 << 18;
/** They are gone through once a page: as many take as long as its rows. */
const MAX_TALLIES = 4 * SCAN_PAGE_ROWS;
/** Distances in nanoseconds below are exact as doubles, and divide to the right bucket. */
const EXACT = 2 ** 52;
const TWO_32 = 4294967296;
const START: readonly string[] = ['start_time_unix_nano'];

/** The part of the buckets that the rows of a row group can be in. */
interface OwnBuckets {
  readonly first: number;
  readonly count: number;
  /** Of the first. */
  readonly startUnixNano: bigint;
  readonly step: number;
}

/** Undefined where some column is not kept so, or there are too many places. */
export function keptSeries(
  scan: SeriesScan,
  source: ColumnSource,
  rowGroup: number,
): ((selected: Uint8Array, from: number, to: number) => void) | undefined {
  const { ask } = scan;
  if (ask.byPower) return undefined;
  const fields: KeptField[] = [];
  for (const field of ask.by) {
    const kept = keptField(field, source);
    if (kept === undefined) return undefined;
    fields.push(kept);
  }
  const numbers = ask.operand && keptNumbers(ask.operand, source);
  if (ask.operand && numbers === undefined) return undefined;
  const buckets = bucketsIn(ask.buckets, source);
  if (buckets === undefined) return undefined;
  const places = fields.reduce((product, { coded }) => product * (coded.missing + 1), buckets.count);
  if (places > MAX_PLACES) return undefined;
  const kept = new KeptSeries(scan, source, rowGroup, fields, buckets, numbers, places);
  return (selected, from, to) => kept.add(selected, from, to);
}

class KeptSeries {
  /** By place: see `entryOf`. */
  readonly #cells: Uint32Array;
  /** Rows of a page by place, where nothing else is asked of them and there are not many more places than rows. */
  readonly #tallies: Uint32Array | undefined;

  constructor(
    readonly scan: SeriesScan,
    readonly source: ColumnSource,
    readonly rowGroup: number,
    readonly fields: readonly KeptField[],
    readonly buckets: OwnBuckets,
    readonly operand: KeptNumbers | undefined,
    places: number,
  ) {
    this.#cells = new Uint32Array(places);
    const { figure, examples } = scan.ask;
    const isCount = figure === 'count' && operand === undefined && examples === 0;
    this.#tallies = isCount && places <= MAX_TALLIES ? new Uint32Array(places) : undefined;
  }

  add(selected: Uint8Array, from: number, to: number): void {
    if (this.#tallies !== undefined) {
      this.#tally(this.#tallies, selected, from, to);
      return;
    }
    const { ask, cells } = this.scan;
    const { operand } = this;
    const { list, places, codes, numbers } = scratch.of(to - from);
    let count = listRows(selected, from, to, list);
    operand?.load(from, to);
    if (operand?.kind === 'numbers') count = operand.fill(list, count, numbers);
    this.#places(from, to, list, count, places, codes);
    count = this.#toCells(list, count, places, numbers);
    if (operand?.kind === 'words') {
      gather(operand.words, list, count, codes);
      if (ask.figure === 'quantiles' && ask.examples === 0) {
        cells.tallyWords(places, codes, count);
        return;
      }
      for (let i = 0; i < count; i++) numbers[i] = codes[i];
    }
    cells.tally(scratch.ones, 0, count, places, numbers);
    if (ask.examples > 0) this.#examples(from, to, list, count, places, numbers);
  }

  #tally(tallies: Uint32Array, selected: Uint8Array, from: number, to: number): void {
    const [field] = this.fields;
    if (this.buckets.count === 1 && this.fields.length <= 1) {
      const constant = field === undefined ? 0 : this.source.loadKept(field.column, from, to);
      if (constant !== undefined) tallies[constant] = countOnes(selected, from, to);
      else tallyCodes(field.coded.codes, selected, from, to, tallies);
    } else {
      const { list, places, codes } = scratch.of(to - from);
      const listed = listRows(selected, from, to, list);
      this.#places(from, to, list, listed, places, codes);
      for (let i = 0; i < listed; i++) tallies[places[i]]++;
    }
    const { cells } = this.scan;
    for (let place = 0; place < tallies.length; place++) {
      if (tallies[place] === 0) continue;
      cells.addCount(this.#cellOf(place), tallies[place]);
      tallies[place] = 0;
    }
  }

  #places(
    from: number,
    to: number,
    list: Uint32Array,
    listed: number,
    places: Uint32Array,
    codes: Uint32Array,
  ) {
    let isFirst = true;
    for (const { column, coded } of this.fields) {
      this.source.loadKept(column, from, to);
      gather(coded.codes, list, listed, isFirst ? places : codes);
      if (!isFirst) join(places, coded.missing + 1, codes, listed);
      isFirst = false;
    }
    if (isFirst) places.fill(0, 0, listed);
    if (this.buckets.count === 1) return;
    fillBuckets(this.#starts(from, to), list, listed, this.buckets, codes);
    join(places, this.buckets.count, codes, listed);
  }

  #starts(from: number, to: number): Uint32Array {
    this.source.load(START, from, to);
    return columnOf(this.source.block(START), START[0], 'int64').words;
  }

  /** Places become cells; rows without one go from the list, and their numbers. How many stay. */
  #toCells(list: Uint32Array, listed: number, places: Uint32Array, numbers: Float64Array): number {
    const cells = this.#cells;
    let isAnyUnknown = false;
    for (let i = 0; i < listed; i++) {
      const entry = cells[places[i]];
      const cell = entry === 0 ? this.#cellOf(places[i]) : codeOfEntry(entry);
      if (cell === NO_CODE) isAnyUnknown = true;
      places[i] = cell;
    }
    if (!isAnyUnknown) return listed;
    let count = 0;
    for (let i = 0; i < listed; i++) {
      if (places[i] === NO_CODE) continue;
      places[count] = places[i];
      numbers[count] = numbers[i];
      list[count++] = list[i];
    }
    return count;
  }

  #cellOf(place: number): number {
    const known = this.#cells[place];
    if (known !== 0) return codeOfEntry(known);
    const { groups, cells } = this.scan;
    const { first, count } = this.buckets;
    const bucket = place % count;
    let rest = (place - bucket) / count;
    const codes: number[] = this.fields.map(() => 0);
    for (let field = this.fields.length - 1; field >= 0; field--) {
      const { coded, staticsOf } = this.fields[field];
      const code = rest % (coded.missing + 1);
      rest = (rest - code) / (coded.missing + 1);
      codes[field] = groups.fields[field].codeOf(staticsOf(code));
    }
    const group = groups.ofCodes(codes);
    const cell = group === NO_CODE ? NO_CODE : cells.cellOf(group, first + bucket);
    this.#cells[place] = entryOf(cell);
    return cell;
  }

  #examples(
    from: number,
    to: number,
    list: Uint32Array,
    count: number,
    cells: Uint32Array,
    numbers: Float64Array,
  ): void {
    const starts = this.#starts(from, to);
    const words = new Uint32Array(count * 2);
    for (let i = 0; i < count; i++) {
      words[i * 2] = starts[list[i] * 2];
      words[i * 2 + 1] = starts[list[i] * 2 + 1];
    }
    this.scan.examples.add(scratch.ones, 0, count, cells, {
      words,
      numbers,
      operand: this.operand !== undefined,
      source: this.rowGroup,
      rowNumbers: list,
    });
  }
}

// tallies[codes[row]] += selected[row], once for each kind of array
function tallyCodes(codes: CodeArray, selected: Uint8Array, from: number, to: number, tallies: Uint32Array) {
  if (codes instanceof Uint8Array) tally8(codes, selected, from, to, tallies);
  else if (codes instanceof Uint16Array) tally16(codes, selected, from, to, tallies);
  else tally32(codes, selected, from, to, tallies);
}

function tally8(codes: Uint8Array, selected: Uint8Array, from: number, to: number, tallies: Uint32Array) {
  for (let row = from; row < to; row++) tallies[codes[row]] += selected[row];
}

function tally16(codes: Uint16Array, selected: Uint8Array, from: number, to: number, tallies: Uint32Array) {
  for (let row = from; row < to; row++) tallies[codes[row]] += selected[row];
}

function tally32(codes: Uint32Array, selected: Uint8Array, from: number, to: number, tallies: Uint32Array) {
  for (let row = from; row < to; row++) tallies[codes[row]] += selected[row];
}

// places[i] = places[i] * width + codes[i]
function join(places: Uint32Array, width: number, codes: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) places[i] = Math.imul(places[i], width) + codes[i];
}

// buckets[i] = (start of row list[i] - start of the first bucket) / step
function fillBuckets(
  words: Uint32Array,
  list: Uint32Array,
  count: number,
  { startUnixNano, step }: OwnBuckets,
  buckets: Uint32Array,
): void {
  const high = Number(startUnixNano >> 32n);
  const low = Number(startUnixNano & 0xffffffffn);
  for (let i = 0; i < count; i++) {
    const row = list[i];
    const distance = (words[row * 2 + 1] - high) * TWO_32 + (words[row * 2] - low);
    buckets[i] = (distance / step) | 0;
  }
}

function bucketsIn(
  { originUnixNano, stepNano, count }: Buckets,
  source: ColumnSource,
): OwnBuckets | undefined {
  const bounds = source.bounds(START[0]);
  const of = (start: bigint): number => Number((start - originUnixNano) / stepNano);
  // Starts are unsigned, bounds signed; rows outside of the buckets are not selected.
  const isKnown = bounds !== undefined && bounds.min >= 0n;
  const last = isKnown ? Math.min(count - 1, Math.max(0, of(bounds.max))) : count - 1;
  const first = isKnown ? Math.min(last, Math.max(0, of(bounds.min))) : 0;
  const own = last - first + 1;
  if (own > 1 && own * Number(stepNano) >= EXACT) return undefined;
  return {
    first,
    count: own,
    startUnixNano: originUnixNano + BigInt(first) * stepNano,
    step: Number(stepNano),
  };
}

/** Of one page, for one scan at a time: a worker gives others a turn between pages only. */
class Scratch {
  list = new Uint32Array(0);
  places = new Uint32Array(0);
  codes = new Uint32Array(0);
  numbers = new Float64Array(0);
  ones = new Uint8Array(0);

  of(rows: number): this {
    if (this.list.length >= rows) return this;
    this.list = new Uint32Array(rows);
    this.places = new Uint32Array(rows);
    this.codes = new Uint32Array(rows);
    this.numbers = new Float64Array(rows);
    this.ones = new Uint8Array(rows).fill(1);
    return this;
  }
}

const scratch = new Scratch();
