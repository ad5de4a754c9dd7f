/**
 * Which rows go to which day, and in which order: traces by their first start in the file, then trace
 * id, and a trace's rows by start. So the rows of one trace are contiguous, and time prunes row groups.
 */
import { grown } from '../../../span/grow.ts';
import type { TableSchema } from '../../../span/schema.ts';
import type { Block, FixedVector, Int64Vector } from '../../../span/vector.ts';
import { hashOfTraceId } from '../files/trace-hash.ts';

export interface DayRows {
  /** UTC, `YYYY-MM-DD`, or SCATTERED_DAYS. */
  readonly day: string;
  /** Rows of the block, in file order. */
  readonly indices: Uint32Array;
}

/**
 * Days with a file of their own in one flush. A file costs 10 ms and a flush may take 120 s: 20,000 days of
 * one hostile request never ended, and nothing behind them was written. Rows of rarer days share one file.
 */
export const MAX_DAYS = 128;

/** Hive's name for "no value", which DuckDB and Spark read as a null date. */
export const SCATTERED_DAYS = '__HIVE_DEFAULT_PARTITION__';

const NANOS_PER_DAY = 86_400_000_000_000n;
const MAX_UINT64 = 2n ** 64n - 1n;

const FIRST_GROUPS = 1024;

/** Average steps a value is shifted before a sort is cheaper. */
const MAX_SHIFTS = 32;

/** A day and its first and last nanosecond, as words. */
interface DayRange {
  readonly number: number;
  /** In the order in which the days came. */
  readonly place: number;
  readonly firstHigh: number;
  readonly firstLow: number;
  readonly lastHigh: number;
  readonly lastLow: number;
  rows: number;
}

/** The rows of a block by UTC day of their time, days ascending, scattered ones last. */
export function partition(block: Block, schema: TableSchema): DayRows[] {
  const times = timeColumn(block, schema).words;
  const { bytes } = groupColumn(block, schema);
  const ids = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  return byDay(times, block.rows).map(({ day, indices }) => ({
    day,
    indices: inFileOrder(ids, times, indices),
  }));
}

/** As `partition`, each day's rows in the order in which they came. */
function byDay(times: Uint32Array, rows: number): DayRows[] {
  const days = new Map<number, DayRange>();
  const placeOfRow = new Uint32Array(rows);
  let day: DayRange | undefined;
  for (let row = 0; row < rows; row++) {
    const low = times[row * 2];
    const high = times[row * 2 + 1];
    // Neighbours share their day, so that almost no row needs the division of a BigInt.
    if (day === undefined || !contains(day, high, low)) day = dayOf(days, high, low);
    day.rows++;
    placeOfRow[row] = day.place;
  }
  const byRows = [...days.values()].sort((a, b) => b.rows - a.rows || a.number - b.number);
  const rare = byRows.length <= MAX_DAYS ? [] : byRows.slice(MAX_DAYS - 1);
  const own = byRows.slice(0, byRows.length - rare.length).sort((a, b) => a.number - b.number);
  const parts = own.map((one) => ({ day: dayText(one.number), indices: new Uint32Array(one.rows) }));
  if (rare.length > 0) {
    const scattered = rare.reduce((sum, one) => sum + one.rows, 0);
    parts.push({ day: SCATTERED_DAYS, indices: new Uint32Array(scattered) });
  }
  const partOfPlace = new Uint32Array(days.size).fill(own.length);
  own.forEach((one, part) => (partOfPlace[one.place] = part));
  const filled = new Uint32Array(parts.length);
  for (let row = 0; row < rows; row++) {
    const part = partOfPlace[placeOfRow[row]];
    parts[part].indices[filled[part]++] = row;
  }
  return parts;
}

function contains(day: DayRange, high: number, low: number): boolean {
  if (high < day.firstHigh || high > day.lastHigh) return false;
  return (high > day.firstHigh || low >= day.firstLow) && (high < day.lastHigh || low <= day.lastLow);
}

function dayOf(days: Map<number, DayRange>, high: number, low: number): DayRange {
  const number = Number(((BigInt(high) << 32n) | BigInt(low)) / NANOS_PER_DAY);
  const known = days.get(number);
  if (known !== undefined) return known;
  const first = BigInt(number) * NANOS_PER_DAY;
  const end = first + NANOS_PER_DAY - 1n;
  const last = end > MAX_UINT64 ? MAX_UINT64 : end;
  const day = {
    number,
    place: days.size,
    firstHigh: Number(first >> 32n),
    firstLow: Number(first & 0xffffffffn),
    lastHigh: Number(last >> 32n),
    lastLow: Number(last & 0xffffffffn),
    rows: 0,
  };
  days.set(number, day);
  return day;
}

/** Unsigned nanoseconds end in the year 2554, so four digits suffice. */
function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** Counted into their groups' places, then sorted within each: 262,144 rows of 10 a trace take 20 ms. */
function inFileOrder(ids: Uint32Array, times: Uint32Array, rows: Uint32Array): Uint32Array {
  const groups = new Groups(ids, times);
  const groupOfRow = new Uint32Array(rows.length);
  for (let at = 0; at < rows.length; at++) groupOfRow[at] = groups.add(rows[at]);
  const firstRow = groups.firstRow.subarray(0, groups.count);
  const order = Uint32Array.from(firstRow.keys());
  sortNearlySorted(order, 0, order.length, (a, b) => {
    const byTime = compareTimes(times, firstRow[a], firstRow[b]);
    return byTime === 0 ? compareIds(ids, firstRow[a], firstRow[b]) : byTime;
  });
  const sizes = new Uint32Array(groups.count);
  for (let at = 0; at < rows.length; at++) sizes[groupOfRow[at]]++;
  // Where the next row of each group goes.
  const place = new Uint32Array(groups.count);
  for (let i = 0, sum = 0; i < order.length; i++) {
    place[order[i]] = sum;
    sum += sizes[order[i]];
  }
  const sorted = new Uint32Array(rows.length);
  for (let at = 0; at < rows.length; at++) sorted[place[groupOfRow[at]]++] = rows[at];
  const byTime = (a: number, b: number) => compareTimes(times, a, b) || a - b;
  for (let group = 0; group < groups.count; group++) {
    sortNearlySorted(sorted, place[group] - sizes[group], place[group], byTime);
  }
  return sorted;
}

/** Groups (traces) numbered as they come, each with the row of its first time. Open addressing by id. */
class Groups {
  count = 0;
  firstRow = new Uint32Array(FIRST_GROUPS);
  private slots = new Uint32Array(FIRST_GROUPS * 2);

  constructor(
    private readonly ids: Uint32Array,
    private readonly times: Uint32Array,
  ) {}

  add(row: number): number {
    const { ids, firstRow, slots } = this;
    const mask = slots.length - 1;
    let slot = hashOfTraceId(ids, row * 4) & mask;
    for (let group = slots[slot]; group !== 0; group = slots[slot]) {
      const first = firstRow[group - 1];
      if (sameId(ids, first, row)) {
        if (compareTimes(this.times, row, first) < 0) firstRow[group - 1] = row;
        return group - 1;
      }
      slot = (slot + 1) & mask;
    }
    firstRow[this.count++] = row;
    slots[slot] = this.count;
    if (this.count === firstRow.length) this.grow();
    return this.count - 1;
  }

  private grow(): void {
    this.firstRow = grown(this.firstRow, this.count * 2);
    this.slots = new Uint32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let group = 1; group <= this.count; group++) {
      let slot = hashOfTraceId(this.ids, this.firstRow[group - 1] * 4) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = group;
    }
  }
}

/**
 * `values[from .. to)` in order. Senders' clocks run forward, so most values stand near their place, and
 * shifting them there takes a tenth of a sort; what does not is sorted.
 */
function sortNearlySorted(
  values: Uint32Array,
  from: number,
  to: number,
  compare: (a: number, b: number) => number,
): void {
  let shiftsLeft = (to - from) * MAX_SHIFTS;
  for (let i = from + 1; i < to; i++) {
    const value = values[i];
    let at = i;
    while (at > from && compare(values[at - 1], value) > 0) {
      values[at] = values[at - 1];
      at--;
    }
    values[at] = value;
    shiftsLeft -= i - at;
    if (shiftsLeft < 0) {
      values.subarray(from, to).sort(compare);
      return;
    }
  }
}

function sameId(ids: Uint32Array, a: number, b: number): boolean {
  const x = a * 4;
  const y = b * 4;
  return (
    ids[x] === ids[y] && ids[x + 1] === ids[y + 1] && ids[x + 2] === ids[y + 2] && ids[x + 3] === ids[y + 3]
  );
}

/** Any total order serves: words as the machine reads them. */
function compareIds(ids: Uint32Array, a: number, b: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = ids[a * 4 + i] - ids[b * 4 + i];
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareTimes(times: Uint32Array, a: number, b: number): number {
  return times[a * 2 + 1] - times[b * 2 + 1] || times[a * 2] - times[b * 2];
}

function groupColumn(block: Block, schema: TableSchema): FixedVector {
  const vector = block.columns.get(schema.groupColumn);
  if (vector?.kind !== 'fixed' || vector.width !== 16) {
    throw new Error(`${schema.name}: no 16-byte ids in ${schema.groupColumn}`);
  }
  return vector;
}

function timeColumn(block: Block, schema: TableSchema): Int64Vector {
  const vector = block.columns.get(schema.timeColumn);
  if (vector?.kind !== 'int64') throw new Error(`${schema.name}: no times in ${schema.timeColumn}`);
  return vector;
}
