/**
 * Series of a row group's rows from the codes that its columns are kept in. Codes and bucket are one small number a
 * row, its place; a table says which cell a place is, and that is asked of groups and cells once for each place.
 */
import type { Field } from '../../../../traceql/analyse.ts';
import { SCAN_PAGE_ROWS } from '../scan/column-row-group.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import { columnOf } from '../scan/cells.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { codeOfEntry, entryOf } from './group-codes-map.ts';
import { gather, keptField, listRows } from './kept-codes.ts';
import type { KeptField } from './kept-codes.ts';
import type { SeriesScan } from './series-scan.ts';
import type { Buckets } from './series-time.ts';

/** 1 MB: of all pairs of some 500 values each, or 15,000 values in 17 buckets. */
const MAX_PLACES = 1 << 18;
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

/** The number of the operand in each of the listed rows. */
type ListedNumbers = (list: Uint32Array, count: number, from: number, to: number, out: Float64Array) => void;

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
  const numbersOf = ask.operand && listedNumbers(ask.operand, source);
  if (ask.operand && numbersOf === undefined) return undefined;
  const buckets = bucketsIn(ask.buckets, source);
  if (buckets === undefined) return undefined;
  const places = fields.reduce((product, { coded }) => product * (coded.missing + 1), buckets.count);
  if (places > MAX_PLACES) return undefined;
  const kept = new KeptSeries(scan, source, rowGroup, fields, buckets, numbersOf, places);
  return (selected, from, to) => kept.add(selected, from, to);
}

class KeptSeries {
  /** By place: see `entryOf`. */
  readonly #cells: Uint32Array;

  constructor(
    readonly scan: SeriesScan,
    readonly source: ColumnSource,
    readonly rowGroup: number,
    readonly fields: readonly KeptField[],
    readonly buckets: OwnBuckets,
    readonly numbersOf: ListedNumbers | undefined,
    places: number,
  ) {
    this.#cells = new Uint32Array(places);
  }

  add(selected: Uint8Array, from: number, to: number): void {
    const { ask, cells } = this.scan;
    if (this.#cells.length === 1 && ask.figure === 'count' && !ask.operand && ask.examples === 0) {
      cells.addCount(this.#cellOf(0), ones(selected, from, to));
      return;
    }
    const { list, places, codes, numbers } = scratch.of(to - from);
    const listed = listRows(selected, from, to, list);
    this.numbersOf?.(list, listed, from, to, numbers);
    this.#places(from, to, list, listed, places, codes);
    const count = this.#dropUnknown(list, listed, places, numbers);
    cells.tally(scratch.ones, 0, count, places, numbers);
    if (ask.examples > 0) this.#examples(from, to, list, count, places, numbers);
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

  /** Places become cells; rows without a number or a cell go from the list. How many stay. */
  #dropUnknown(list: Uint32Array, listed: number, places: Uint32Array, numbers: Float64Array): number {
    const cells = this.#cells;
    const hasNumbers = this.numbersOf !== undefined;
    let count = 0;
    for (let i = 0; i < listed; i++) {
      const number = numbers[i];
      if (hasNumbers && !(number === number)) continue;
      const place = places[i];
      const entry = cells[place];
      const cell = entry === 0 ? this.#cellOf(place) : codeOfEntry(entry);
      if (cell === NO_CODE) continue;
      places[count] = cell;
      numbers[count] = number;
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
      operand: this.scan.ask.operand !== undefined,
      source: this.rowGroup,
      rowNumbers: list,
    });
  }
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

function ones(selected: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let row = from; row < to; row++) count += selected[row];
  return count;
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

function listedNumbers(operand: Field, source: ColumnSource): ListedNumbers | undefined {
  const column =
    operand.kind === 'intrinsic'
      ? operand.name === 'span:duration' && !operand.parent
        ? 'duration_nano'
        : undefined
      : operand.parent || (operand.scope !== 'span' && operand.scope !== 'resource')
        ? undefined
        : `${operand.scope}.${operand.key}`;
  if (column === undefined) return undefined;
  const words = source.narrow(column);
  if (words !== undefined) {
    return (list, count, from, to, out) => {
      source.loadKept(column, from, to);
      for (let i = 0; i < count; i++) out[i] = words[list[i]];
    };
  }
  const values = distinctNumbers(column, source);
  const coded = source.coded(column);
  if (values === undefined || coded === undefined) return undefined;
  const codes = new Uint32Array(SCAN_PAGE_ROWS);
  return (list, count, from, to, out) => {
    source.loadKept(column, from, to);
    gather(coded.codes, list, count, codes);
    for (let i = 0; i < count; i++) out[i] = values[codes[i]];
  };
}

/** By code; NaN of a null. */
function distinctNumbers(column: string, source: ColumnSource): Float64Array | undefined {
  const coded = source.coded(column);
  const kind = source.kindOf(column);
  if (coded === undefined || coded.dictionary.kind === 'text') return undefined;
  if (kind !== 'int64' && kind !== 'float64') return undefined;
  const { bytes, count } = coded.dictionary;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float64Array(count + 1).fill(Number.NaN);
  for (let code = 0; code < count; code++) {
    values[code] =
      kind === 'int64' ? Number(view.getBigInt64(code * 8, true)) : view.getFloat64(code * 8, true);
  }
  return values;
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
