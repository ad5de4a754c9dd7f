/** A data folder that no process holds: all it keeps, read by DuckDB, against the ledger. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadFiles } from '../../src/store/lake/files/catalog-files.ts';
import { openCatalog } from '../../src/store/catalog.ts';
import { openLake } from '../../src/store/lake/lake.ts';
import { duckdbRows, pathList } from '../../src/store/lake/testing/duckdb.ts';
import { SPANS } from '../../src/span/schema.ts';
import { Violation } from './ledger.ts';
import type { Ledger } from './ledger.ts';

export interface FolderFigures {
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
}

/** Files read in one query: rows of all of them come back as objects. */
const FILES_AT_ONCE = 20;

/** Merges all that is worth merging, as the server would over hours, and tells what it complained of. */
export async function compactFolder(dataDir: string): Promise<string[]> {
  const problems: string[] = [];
  const lake = await openLake({ dataDir, report: (problem) => problems.push(problem) });
  try {
    await lake.flush();
    await lake.compact();
  } finally {
    await lake.close();
  }
  return problems;
}

/** Every row of every file once, and no file that the catalog does not list. Throws Violation. */
export async function checkFolder(dataDir: string, ledger: Ledger): Promise<FolderFigures> {
  const catalog = openCatalog(dataDir);
  const listed = loadFiles(catalog, SPANS.name);
  catalog.close();
  const bad = listed.filter(({ quarantined }) => quarantined !== undefined);
  if (bad.length > 0) throw new Violation(`${bad[0].entry.path} is quarantined: ${bad[0].quarantined}`);
  const entries = listed.map(({ entry }) => entry);
  const present = filesBelow(join(dataDir, 'lake')).map((path) => `lake/${path}`);
  const known = new Set(entries.map(({ path }) => path.replace(/\.parquet$/, '')));
  const orphans = present.filter((path) => !known.has(path.replace(/\.(parquet|traces|tokens)$/, '')));
  if (orphans.length > 0) throw new Violation(`${orphans.length} orphans, as ${orphans[0]}`);
  const logs = filesBelow(join(dataDir, 'wal'));
  if (logs.length > 0) throw new Violation(`logs are left: ${logs.join(' ')}`);

  const found: number[] = [];
  for (let at = 0; at < entries.length; at += FILES_AT_ONCE) {
    const some = entries.slice(at, at + FILES_AT_ONCE);
    const before = found.length;
    for (const row of await rowsOf(some.map(({ path }) => join(dataDir, path)))) {
      found.push(ledger.recognise(row, 'Parquet'));
    }
    const rows = some.reduce((sum, entry) => sum + entry.rows, 0);
    if (found.length - before !== rows) {
      throw new Violation(`DuckDB reads ${found.length - before} rows where the catalog has ${rows}`);
    }
  }
  ledger.compare(found, { from: 0, to: ledger.numbers }, 'Parquet');
  return {
    files: entries.length,
    rows: found.length,
    bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
  };
}

async function rowsOf(paths: readonly string[]) {
  const rows = await duckdbRows(
    `SELECT lower(hex(trace_id)) AS "traceId", lower(hex(span_id)) AS "spanId", name,
       start_time_unix_nano AS "startTimeUnixNano", duration_nano AS "durationNano"
     FROM read_parquet(${pathList(paths)}, union_by_name = true)`,
  );
  return rows.map((row) => ({
    traceId: String(row.traceId),
    spanId: String(row.spanId),
    name: String(row.name),
    startTimeUnixNano: String(row.startTimeUnixNano),
    durationNano: String(row.durationNano),
  }));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
