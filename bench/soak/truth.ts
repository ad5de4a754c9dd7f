/** After a soak: is every acknowledged span there, once? Asked of the API, and of the files by DuckDB. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { openCatalog } from '../../src/store/catalog.ts';
import { loadFiles } from '../../src/store/lake/files/catalog-files.ts';
import { SPANS } from '../../src/span/schema.ts';
import { SPANS_PER_REQUEST } from '../traffic.ts';
import type { Load } from './load.ts';

/** DuckDB is not to take the machine that it runs on. */
const DUCKDB_MEMORY = '2GB';

/** Spans that the API counts from `startMs` to now. */
export async function spansByApi(url: string, startMs: number): Promise<number> {
  const from = new Date(startMs - 60_000).toISOString();
  const to = new Date(Date.now() + 3_600_000).toISOString();
  const answer = await fetch(`${url}/api/v1/services?start=${from}&end=${to}`);
  if (!answer.ok) throw new Error(`services are answered ${answer.status}`);
  const { services, complete } = (await answer.json()) as {
    services: { count: number }[];
    complete: unknown;
  };
  if (complete !== true) throw new Error(`services are not complete: ${JSON.stringify(complete)}`);
  return services.reduce((sum, { count }) => sum + count, 0);
}

export interface FileFigures {
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  /** Requests that are not there as they were sent, as lines. */
  readonly faults: readonly string[];
}

/** For a folder that no process holds. */
export async function spansInFiles(dataDir: string, load: Load): Promise<FileFigures> {
  const catalog = openCatalog(dataDir);
  const entries = loadFiles(catalog, SPANS.name).map(({ entry }) => entry);
  catalog.close();
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: DUCKDB_MEMORY });
  const db = await instance.connect();
  const paths = entries.map(({ path }) => `'${join(dataDir, path).replaceAll("'", "''")}'`);
  // The xor of a request's span ids' hashes is another one as soon as a span is missing or twice.
  const found = new Map<number, FoundRequest>();
  for (const row of await rowsOf(
    db,
    `SELECT hex(trace_id)[1:8] AS stamp, count(*)::VARCHAR AS spans,
       bit_xor(hash(lower(hex(span_id)[9:16])))::VARCHAR AS ids
     FROM read_parquet([${paths.join(', ')}], union_by_name = true) GROUP BY 1`,
  )) {
    found.set(Number.parseInt(row.stamp, 16), { spans: Number(row.spans), ids: row.ids });
  }
  const wanted = new Map<number, string>();
  const acknowledged = [...load.acknowledged()];
  for (const stamp of acknowledged) {
    const template = load.stamps.templateOf(stamp);
    if (wanted.has(template)) continue;
    const ends = load.stamps.spanIdEnds(stamp).map((end) => `'${end}'`);
    const [{ ids }] = await rowsOf(
      db,
      `SELECT bit_xor(hash(id))::VARCHAR AS ids FROM unnest([${ends.join(', ')}]) AS t(id)`,
    );
    wanted.set(template, ids);
  }
  db.closeSync();
  const idsOf = (stamp: number) => wanted.get(load.stamps.templateOf(stamp)) ?? '';
  const rows = [...found.values()].reduce((sum, { spans }) => sum + spans, 0);
  return { files: entries.length, rows, bytes, faults: faultsOf(found, acknowledged, idsOf) };
}

/** What the files have of one request. */
export interface FoundRequest {
  readonly spans: number;
  /** The xor of the hashes of its span ids. */
  readonly ids: string;
}

/** Requests, by stamp, that are not there as they were sent, and those that nobody sent, as lines. */
export function faultsOf(
  found: ReadonlyMap<number, FoundRequest>,
  acknowledged: readonly number[],
  idsOf: (stamp: number) => string,
): string[] {
  const faults: string[] = [];
  for (const stamp of acknowledged) {
    const { spans, ids } = found.get(stamp) ?? { spans: 0, ids: '' };
    if (spans !== SPANS_PER_REQUEST) faults.push(`request ${stamp}: ${spans} spans of ${SPANS_PER_REQUEST}`);
    else if (ids !== idsOf(stamp)) faults.push(`request ${stamp}: a span is there twice, another is missing`);
  }
  const known = new Set(acknowledged);
  for (const [stamp, { spans }] of found) {
    if (!known.has(stamp)) faults.push(`request ${stamp}: ${spans} spans, never acknowledged`);
  }
  return faults;
}

/** Columns are texts. */
async function rowsOf(db: DuckDBConnection, sql: string): Promise<Record<string, string>[]> {
  return (await db.runAndReadAll(sql)).getRowObjectsJson() as Record<string, string>[];
}
