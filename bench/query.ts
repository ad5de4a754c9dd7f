/**
 * Questions, the compiled binary over loopback HTTP, and beside it DuckDB with two threads on the same files
 * in the same run, alternating (P6 to P10, P13). Alone:
 * `bun bench/query.ts [--spans N] [--keep DIR] [--binary FILE] [--json FILE]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { DuckDb } from './duckdb.ts';
import type { Measure } from './measure.ts';
import { figure, printMeasures, writeMeasures } from './measure.ts';
import { makeFolder, mergeToTheEnd, workingCopy } from './query-data.ts';
import { measureCold, measureQuestions } from './query-rounds.ts';
import { ATTRIBUTES, FILTERS, OTHERS, ROLLUPS, SEARCHES } from './query-suite.ts';
import { measurePages } from './query-pages.ts';
import { measureTraces } from './query-traces.ts';
import { NO_FLUSH, Server, tidyOnSignals } from './server.ts';

/** Beside a larger number of spans these are measured too, which shows how the cost grows. */
const SMALL_SPANS = 1_000_000;

export interface QueryBenchOptions {
  /** Folders `DIR/SPANS` are made there once and used again; undefined: made for this run alone. */
  readonly keep?: string;
  readonly binary?: string;
}

export async function measureQueries(spans: number, options: QueryBenchOptions = {}): Promise<Measure[]> {
  if (spans <= SMALL_SPANS) return measureSpans(spans, options);
  const small = await measureSpans(SMALL_SPANS, options);
  const large = await measureSpans(spans, options);
  return [...large, ...growth(small, large, spans)];
}

/** Each time at the large number beside that at the small one. */
function growth(small: readonly Measure[], large: readonly Measure[], spans: number): Measure[] {
  const times = spans / SMALL_SPANS;
  return large
    .filter(({ unit }) => unit === 'ms')
    .flatMap(({ id, name, value }) => {
      const before = small.find((one) => one.id === id && one.name === name);
      if (before === undefined) return [];
      return [
        figure(id, `${name}, 1M spans`, before.value, 'ms'),
        figure(id, `${name}, growth over ${times} times the spans`, value / before.value, 'x'),
      ];
    });
}

async function measureSpans(spans: number, { keep, binary }: QueryBenchOptions): Promise<Measure[]> {
  const own = mkdtempSync(join(keep === undefined ? tmpdir() : dirname(resolve(keep)), 'spanlake-queries-'));
  const folder = join(keep ?? own, String(spans));
  try {
    if (binary !== undefined) Server.binary = resolve(binary);
    await makeFolder(folder, spans);
    const copy = join(own, 'served');
    workingCopy(folder, copy);
    await mergeToTheEnd(copy);
    return await measureFolder(copy);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function measureFolder(folder: string): Promise<Measure[]> {
  const duckdb = await DuckDb.open(folder);
  const warm: Measure[] = [];
  // Nothing leaves the log while questions are timed.
  const server = await Server.start(folder, NO_FLUSH);
  try {
    const asked = [...SEARCHES, ...ATTRIBUTES, ...ROLLUPS, ...FILTERS, ...OTHERS];
    warm.push(...(await measureQuestions(server, duckdb, asked)));
    warm.push(...(await measurePages(server, duckdb, asked)));
    // Last: what it sends is in no file, so DuckDB would not see it.
    warm.push(...(await measureTraces(server, duckdb)));
    warm.push(figure('P11', 'memory at most, while asked', server.memory().peakMiB, 'MiB'));
  } finally {
    await server.stop();
    duckdb.close();
  }
  return [...warm, ...(await measureCold(folder, FILTERS))].toSorted((a, b) => order(a) - order(b));
}

/** P6, P7, ... P13, then plain figures. */
function order({ id }: Measure): number {
  return id.startsWith('P') ? Number(id.slice(1)) : Number.POSITIVE_INFINITY;
}

if (import.meta.main) {
  tidyOnSignals();
  const { values } = parseArgs({
    options: {
      spans: { type: 'string', default: '1000000' },
      keep: { type: 'string' },
      binary: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const spans = Number(values.spans);
  const { keep, binary, json } = values;
  const measures = await measureQueries(spans, {
    ...(keep === undefined ? {} : { keep }),
    ...(binary === undefined ? {} : { binary }),
  });
  printMeasures(measures);
  if (json !== undefined) await writeMeasures(json, spans, measures);
}
