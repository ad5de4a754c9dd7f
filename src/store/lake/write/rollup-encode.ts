/** Counted cells to the bytes of a rollup (files/rollup.ts). */
import { crc32 } from 'node:zlib';
import { ByteWriter } from '../files/parquet/bytes.ts';
import { ROLLUP_MAGIC, ROLLUP_PREFIX_BYTES, ROLLUP_VERSION } from '../files/rollup.ts';
import type { RollupSeries } from '../files/rollup.ts';
import { BUCKETS } from '../read/statistics/histogram.ts';
import { STEP_MINUTES } from './rollup-cells.ts';
import type { RollupCells } from './rollup-cells.ts';

export type SeriesKey = RollupSeries;

export interface CountedRollup {
  readonly rows: number;
  /** In the order of their numbers. */
  readonly series: readonly SeriesKey[];
  readonly cells: RollupCells;
  /** False: only the totals of the series are kept. */
  readonly hasSteps: boolean;
}

export function encodeRollup(counted: CountedRollup): Uint8Array {
  const { cells, hasSteps, series } = counted;
  const buckets = new CellBuckets(cells);
  const cellsOf = cellsBySeries(cells, series.length);
  const order = orderOf(series);
  const inOneStep = cells.count === series.length;
  const totals = new ByteWriter();
  writeHead(totals, counted);
  const services = numbersOf(series.map(({ service }) => service));
  const names = numbersOf(series.map(({ name }) => name));
  writeTexts(totals, services);
  writeTexts(totals, names);
  totals.varint(series.length);
  const steps = new ByteWriter();
  const one = new ByteWriter();
  for (const number of order) {
    const { service, name, kind } = series[number];
    const own = cellsOf[number];
    totals.varint(services.get(service) ?? 0);
    totals.varint(names.get(name) ?? 0);
    totals.varint(kind);
    one.clear();
    buckets.write(one, own);
    if (hasSteps && inOneStep) one.varint(cells.steps[own[0]]);
    totals.varint(one.length);
    totals.raw(one.view());
    if (!hasSteps || inOneStep) continue;
    one.clear();
    own.forEach((cell, i) => {
      one.varint(cells.steps[cell] - (i === 0 ? 0 : cells.steps[own[i - 1]]));
      buckets.write(one, [cell]);
    });
    steps.varint(own.length);
    steps.varint(one.length);
    steps.raw(one.view());
  }
  return assembled(totals.view(), steps.view());
}

function writeHead(out: ByteWriter, { rows, cells, hasSteps }: CountedRollup): void {
  out.varint(rows);
  out.varint(hasSteps ? STEP_MINUTES[cells.stepIndex] : 0);
}

function assembled(totals: Uint8Array, steps: Uint8Array): Uint8Array {
  const sections = [totals, steps].map((plain) => ({
    plain,
    packed: plain.length === 0 ? plain : Bun.zstdCompressSync(plain),
  }));
  const out = new ByteWriter();
  out.raw(ROLLUP_MAGIC);
  out.byte(ROLLUP_VERSION);
  out.uint32(0);
  for (const { plain, packed } of sections) {
    out.varint(packed.length);
    out.varint(plain.length);
  }
  for (const { packed } of sections) out.raw(packed);
  out.putUint32(5, crc32(out.view(ROLLUP_PREFIX_BYTES)));
  return out.copy();
}

/** Ascending, by the units of the texts: any order serves that does not hang on the rows'. */
function orderOf(series: readonly SeriesKey[]): number[] {
  return [...series.keys()].sort((a, b) => {
    const [x, y] = [series[a], series[b]];
    return compare(x.service, y.service) || compare(x.name, y.name) || x.kind - y.kind;
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function numbersOf(texts: readonly string[]): Map<string, number> {
  const sorted = [...new Set(texts)].sort(compare);
  return new Map(sorted.map((text, number) => [text, number]));
}

const encoder = new TextEncoder();

function writeTexts(out: ByteWriter, texts: ReadonlyMap<string, number>): void {
  out.varint(texts.size);
  for (const text of texts.keys()) {
    const bytes = encoder.encode(text);
    out.varint(bytes.length);
    out.raw(bytes);
  }
}

/** Each in order of time. */
function cellsBySeries(cells: RollupCells, seriesCount: number): number[][] {
  const cellsOf: number[][] = Array.from({ length: seriesCount }, () => []);
  for (let cell = 0; cell < cells.count; cell++) cellsOf[cells.series[cell]].push(cell);
  for (const own of cellsOf) own.sort((a, b) => cells.steps[a] - cells.steps[b]);
  return cellsOf;
}

/** The buckets of each cell, ascending. */
class CellBuckets {
  private readonly firstOf: Uint32Array;
  private readonly keys: Uint32Array;
  private readonly counts: Uint32Array;
  /** By bucket, of the cells that are written together. */
  private readonly sums = new Float64Array(BUCKETS);

  constructor(private readonly cells: RollupCells) {
    const { count } = cells.buckets;
    this.firstOf = new Uint32Array(cells.count + 1);
    cells.buckets.each((key) => this.firstOf[Math.floor(key / BUCKETS) + 1]++);
    for (let cell = 0; cell < cells.count; cell++) this.firstOf[cell + 1] += this.firstOf[cell];
    this.keys = new Uint32Array(count);
    this.counts = new Uint32Array(count);
    const next = this.firstOf.slice();
    cells.buckets.each((key, sum) => {
      const at = next[Math.floor(key / BUCKETS)]++;
      this.keys[at] = key % BUCKETS;
      this.counts[at] = sum;
    });
  }

  /** The cells, which are of one series, as one. */
  write(out: ByteWriter, cells: readonly number[]): void {
    const { rows, errors, zeros, maxHigh, maxLow } = this.cells;
    const sum = (counts: Uint32Array) => cells.reduce((total, cell) => total + counts[cell], 0);
    const longest = cells.reduce((a, b) =>
      maxHigh[b] > maxHigh[a] || (maxHigh[b] === maxHigh[a] && maxLow[b] > maxLow[a]) ? b : a,
    );
    const high = maxHigh[longest];
    out.varint(sum(rows));
    out.varint(sum(errors));
    out.varint(sum(zeros));
    out.varint(high >= 0 ? high * 2 : -high * 2 - 1);
    out.varint(maxLow[longest]);
    this.writeBuckets(out, cells);
  }

  private writeBuckets(out: ByteWriter, cells: readonly number[]): void {
    const { sums, firstOf } = this;
    let least = BUCKETS;
    let most = -1;
    let distinct = 0;
    for (const cell of cells) {
      for (let at = firstOf[cell]; at < firstOf[cell + 1]; at++) {
        const bucket = this.keys[at];
        if (sums[bucket] === 0) distinct++;
        sums[bucket] += this.counts[at];
        if (bucket < least) least = bucket;
        if (bucket > most) most = bucket;
      }
    }
    // Without gaps to guess a reader is four times as fast for each bucket.
    const isDense = distinct > 0 && distinct * 2 > most - least;
    out.varint(distinct * 2 + (isDense ? 1 : 0));
    if (isDense) {
      out.varint(least);
      out.varint(most + 1 - least);
    }
    let before = 0;
    for (let bucket = least; bucket <= most; bucket++) {
      const count = sums[bucket];
      sums[bucket] = 0;
      if (isDense) out.varint(count);
      if (isDense || count === 0) continue;
      out.varint((bucket - before) * 2 + (count > 1 ? 1 : 0));
      if (count > 1) out.varint(count - 2);
      before = bucket;
    }
  }
}
