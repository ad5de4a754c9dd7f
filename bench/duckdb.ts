/**
 * DuckDB over the Parquet files of a data folder: the yardstick that reads the very same bytes. Two threads,
 * as many as the machines of the record have; its cache of footers is on, as by default.
 *
 * Alone, `bun bench/duckdb.ts FOLDER SQL` prints the milliseconds of one query in a process that never saw
 * the files: the cold figure.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';

const THREADS = 2;

export type Row = Record<string, unknown>;

export function parquetFiles(folder: string): string[] {
  return readdirSync(join(folder, 'lake'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.parquet'))
    .map((file) => join(folder, 'lake', file))
    .toSorted();
}

export class DuckDb {
  private constructor(
    readonly folder: string,
    readonly connection: DuckDBConnection,
  ) {}

  /** Knows the folder's spans as the view `spans`. */
  static async open(folder: string): Promise<DuckDb> {
    const instance = await DuckDBInstance.create(':memory:', { threads: String(THREADS) });
    const db = new DuckDb(folder, await instance.connect());
    await db.connection.run(`CREATE VIEW spans AS SELECT * FROM ${await db.#source()}`);
    return db;
  }

  /** Joining files by name costs DuckDB a look at each footer, so it is asked for only where columns differ. */
  async #source(): Promise<string> {
    const files = parquetFiles(this.folder);
    if (files.length === 0) throw new Error(`no Parquet files in ${this.folder}`);
    const texts = files.map((file) => `'${file.replaceAll("'", "''")}'`);
    const layouts = new Set<string>();
    for (const text of texts) {
      const rows = await this.rows(`DESCRIBE SELECT * FROM read_parquet(${text})`);
      layouts.add(rows.map((row) => `${String(row.column_name)} ${String(row.column_type)}`).join());
    }
    return `read_parquet([${texts.join(', ')}]${layouts.size > 1 ? ', union_by_name = true' : ''})`;
  }

  /** 64-bit integers are decimal strings. */
  async rows(sql: string): Promise<Row[]> {
    return (await this.connection.runAndReadAll(sql)).getRowObjectsJson();
  }

  /** Milliseconds until all rows are in this process's memory as DuckDB's own columns. */
  async time(sql: string): Promise<number> {
    const before = performance.now();
    await this.connection.runAndReadAll(sql);
    return performance.now() - before;
  }

  close(): void {
    this.connection.closeSync();
  }
}

/** The first query of a new process. */
export function coldMs(folder: string, sql: string): number {
  const run = Bun.spawnSync([process.execPath, import.meta.path, folder, sql], { stderr: 'inherit' });
  const ms = Number(run.stdout.toString());
  if (run.exitCode !== 0 || !(ms > 0)) throw new Error(`DuckDB in a process of its own failed: ${sql}`);
  return ms;
}

if (import.meta.main) {
  const [folder, sql] = process.argv.slice(2);
  const db = await DuckDb.open(folder);
  console.log(await db.time(sql));
  db.close();
}
