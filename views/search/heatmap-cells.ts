/** From counts by start and duration to what is drawn: fewer rows, shades, paths. Pure. */
import type { HeatmapPage } from '../../src/store/span-store.ts';

/** Rows of the page that are one of the picture: two to a power of two. */
const MERGED = 2;
export const SHADES = 5;
/** A picture of fewer rows would be of blocks. */
const LEAST_ROWS = 8;

export interface Cells {
  readonly columns: number;
  readonly rows: number;
  /** Where the lowest row begins, in halves of a power of two: 2 x log2 of nanoseconds. */
  readonly firstHalf: number;
  /** `[row * columns + column]`, the shortest row first. */
  readonly counts: Float64Array;
  readonly errors: Float64Array;
  readonly most: number;
  readonly spans: number;
  readonly errorSpans: number;
}

export function cellsOf(page: HeatmapPage): Cells {
  const { columns, durationsNano } = page;
  const halves = durationsNano.map(halfOf);
  const [lowest, highest] = [halves[0] ?? 0, halves.at(-1) ?? 0];
  const padding = Math.max(0, LEAST_ROWS - (highest - lowest + 1));
  const firstHalf = Math.max(0, lowest - Math.floor(padding / MERGED));
  const rows = highest - lowest + 1 + padding;
  const counts = new Float64Array(rows * columns);
  const errors = new Float64Array(rows * columns);
  let [spans, errorSpans] = [0, 0];
  for (const [row, half] of halves.entries()) {
    for (let column = 0; column < columns; column++) {
      const [from, to] = [row * columns + column, (half - firstHalf) * columns + column];
      counts[to] += page.counts[from];
      errors[to] += page.errors[from];
      spans += page.counts[from];
      errorSpans += page.errors[from];
    }
  }
  const most = counts.reduce((a, b) => (b > a ? b : a), 0);
  return { columns, rows, firstHalf, counts, errors, most, spans, errorSpans };
}

/** The half of a power of two that a duration lies in: [1, 1.5) and [1.5, 2) times 2^n. */
function halfOf(nano: bigint): number {
  const power = nano.toString(2).length - 1;
  const isUpper = nano * 2n >= 3n << BigInt(power);
  return power * MERGED + (isUpper ? 1 : 0);
}

/** Rows above the lowest, with the part of a row: where a duration stands. */
export function rowAt(cells: Pick<Cells, 'firstHalf'>, nano: bigint): number {
  if (nano <= 0n) return -Infinity;
  const power = nano.toString(2).length - 1;
  return power * MERGED + (Number(nano) / 2 ** power - 1) * MERGED - cells.firstHalf;
}

/** A path of unit squares for each shade, from few to many, neighbours in one stroke. */
export function shadePaths({ columns, rows, counts, most }: Cells): string[] {
  const paths = Array.from({ length: SHADES }, () => '');
  for (let row = 0; row < rows; row++) {
    let column = 0;
    while (column < columns) {
      const shade = shadeOf(counts[row * columns + column], most);
      let end = column + 1;
      while (end < columns && shadeOf(counts[row * columns + end], most) === shade) end++;
      if (shade > 0) paths[shade - 1] += `M${column} ${rows - 1 - row}h${end - column}v1H${column}z`;
      column = end;
    }
  }
  return paths;
}

/** By magnitude: one slow span beside a thousand fast ones must be seen. 0: none. */
export function shadeOf(count: number, most: number): number {
  if (!(count > 0)) return 0;
  return Math.max(1, Math.ceil((Math.log1p(count) / Math.log1p(most)) * SHADES));
}

/** Seen also where one span of thousands failed; and where all did, how many they are. */
const [LEAST_ERROR_SHARE, MOST_ERROR_SHARE] = [0.15, 0.8];

/** The left part of each cell with errors: as wide as their share of its spans. */
export function errorPath({ columns, rows, counts, errors }: Cells): string {
  let path = '';
  for (let i = 0; i < errors.length; i++) {
    if (errors[i] === 0) continue;
    const [column, bottom] = [i % columns, rows - Math.floor(i / columns)];
    const share = Math.min(MOST_ERROR_SHARE, Math.max(LEAST_ERROR_SHARE, errors[i] / counts[i]));
    const width = Number(share.toFixed(2));
    path += `M${column} ${bottom}v-1h${width}v1z`;
  }
  return path;
}

export interface ColumnFigures {
  readonly spans: number;
  readonly errors: number;
}

export function columnFigures({ columns, counts, errors }: Cells): ColumnFigures[] {
  return Array.from({ length: columns }, (_, column) => {
    let [spans, failed] = [0, 0];
    for (let i = column; i < counts.length; i += columns) {
      spans += counts[i];
      failed += errors[i];
    }
    return { spans, errors: failed };
  });
}

/** 1, 10, 100 of each unit, as many as the picture has. */
export function durationTicks(cells: Pick<Cells, 'firstHalf' | 'rows'>): bigint[] {
  const ticks: bigint[] = [];
  for (let nano = 1n; nano < 10n ** 15n; nano *= 10n) {
    const row = rowAt(cells, nano);
    if (row >= 0 && row <= cells.rows) ticks.push(nano);
  }
  return ticks;
}
