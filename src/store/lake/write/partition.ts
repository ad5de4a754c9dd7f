/**
 * Which rows go to which day, and in which order: traces by their first start in the file, then trace
 * id, and a trace's rows by start. So the rows of one trace are contiguous, and time prunes row groups.
 */
import type { TableSchema } from '../../../span/schema.ts';
import type { Block, FixedVector, Int64Vector } from '../../../span/vector.ts';

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

/** A day and its first and last nanosecond, as words. */
interface DayRange {
  readonly number: number;
  readonly rows: number[];
  readonly firstHigh: number;
  readonly firstLow: number;
  readonly lastHigh: number;
  readonly lastLow: number;
}

/** The rows of a block by UTC day of their time, days ascending, scattered ones last. */
export function partition(block: Block, schema: TableSchema): DayRows[] {
  const { days, scattered } = byDay(timeColumn(block, schema).words, block.rows);
  const parts = days.map(({ number, rows }) => ({
    day: dayText(number),
    indices: inFileOrder(block, schema, rows),
  }));
  if (scattered.length === 0) return parts;
  return [...parts, { day: SCATTERED_DAYS, indices: inFileOrder(block, schema, scattered) }];
}

function byDay(times: Uint32Array, rows: number): { days: DayRange[]; scattered: number[] } {
  const days = new Map<number, DayRange>();
  let day: DayRange | undefined;
  for (let row = 0; row < rows; row++) {
    const low = times[row * 2];
    const high = times[row * 2 + 1];
    // Neighbours share their day, so that almost no row needs the division of a BigInt.
    if (day === undefined || !contains(day, high, low)) day = dayOf(days, high, low);
    day.rows.push(row);
  }
  const byRows = [...days.values()].sort((a, b) => b.rows.length - a.rows.length || a.number - b.number);
  const own = byRows.length <= MAX_DAYS ? byRows : byRows.slice(0, MAX_DAYS - 1);
  const scattered = byRows.slice(own.length).flatMap((rare) => rare.rows);
  return { days: own.toSorted((a, b) => a.number - b.number), scattered: scattered.sort((a, b) => a - b) };
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
    rows: [],
    firstHigh: Number(first >> 32n),
    firstLow: Number(first & 0xffffffffn),
    lastHigh: Number(last >> 32n),
    lastLow: Number(last & 0xffffffffn),
  };
  days.set(number, day);
  return day;
}

/** Unsigned nanoseconds end in the year 2554, so four digits suffice. */
function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

function inFileOrder(block: Block, schema: TableSchema, rows: readonly number[]): Uint32Array {
  const groups = groupColumn(block, schema);
  const times = timeColumn(block, schema).words;
  const ids = new Uint32Array(groups.bytes.buffer, groups.bytes.byteOffset, groups.bytes.length >>> 2);
  const { groupOfRow, firstRow } = firstRows(ids, times, rows);
  const rank = groupRanks(ids, times, firstRow);
  const order = Uint32Array.from(rows.keys());
  order.sort((a, b) => {
    const byGroup = rank[groupOfRow[a]] - rank[groupOfRow[b]];
    if (byGroup !== 0) return byGroup;
    return compareTimes(times, rows[a], rows[b]) || rows[a] - rows[b];
  });
  return order.map((at) => rows[at]);
}

/** Groups (traces) numbered as they come; for each the row with its first time. */
function firstRows(
  ids: Uint32Array,
  times: Uint32Array,
  rows: readonly number[],
): { groupOfRow: Uint32Array; firstRow: number[] } {
  const mask = slotCount(rows.length) - 1;
  const slots = new Uint32Array(mask + 1);
  const groupOfRow = new Uint32Array(rows.length);
  const firstRow: number[] = [];
  rows.forEach((row, at) => {
    let slot = (ids[row * 4 + 3] ^ Math.imul(ids[row * 4 + 2], 0x9e3779b1) ^ ids[row * 4 + 1]) & mask;
    let group = slots[slot];
    while (group !== 0 && !sameId(ids, firstRow[group - 1], row)) {
      slot = (slot + 1) & mask;
      group = slots[slot];
    }
    if (group === 0) {
      firstRow.push(row);
      group = slots[slot] = firstRow.length;
    } else if (compareTimes(times, row, firstRow[group - 1]) < 0) firstRow[group - 1] = row;
    groupOfRow[at] = group - 1;
  });
  return { groupOfRow, firstRow };
}

/** The place of each group in the file. */
function groupRanks(ids: Uint32Array, times: Uint32Array, firstRow: readonly number[]): Uint32Array {
  const order = Uint32Array.from(firstRow.keys());
  order.sort((a, b) => {
    const byTime = compareTimes(times, firstRow[a], firstRow[b]);
    return byTime === 0 ? compareIds(ids, firstRow[a], firstRow[b]) : byTime;
  });
  const rank = new Uint32Array(order.length);
  order.forEach((group, place) => (rank[group] = place));
  return rank;
}

/** A power of two, at most half full. */
function slotCount(entries: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, entries * 2)));
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
