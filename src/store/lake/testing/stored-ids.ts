/** For tests: which spans a lake holds, by their ids, in buffers and (through DuckDB) in files. */
import type { Lake } from '../lake.ts';
import { duckdbRows, pathList } from './duckdb.ts';

/** Published span ids in the buffers, sorted. */
export function spanIds(lake: Pick<Lake, 'snapshot' | 'dataDir'>, projectId: string): string[] {
  const snapshot = lake.snapshot(projectId);
  const found = snapshot.buffers.flatMap((columns) => {
    const vector = columns.block(['span_id']).columns.get('span_id');
    if (vector?.kind !== 'fixed') throw new Error('no span ids');
    const hex = Buffer.from(vector.bytes).toString('hex');
    return hex.match(/.{16}/g) ?? [];
  });
  snapshot.release();
  return found.sort();
}

/** Span ids in the Parquet files that the snapshot lists, sorted, as DuckDB reads them. */
export async function spanIdsInFiles(
  lake: Pick<Lake, 'snapshot' | 'dataDir'>,
  projectId: string,
): Promise<string[]> {
  const snapshot = lake.snapshot(projectId);
  const paths = snapshot.files.map((file) => `${lake.dataDir}/${file.path}`);
  snapshot.release();
  if (paths.length === 0) return [];
  const rows = await duckdbRows(
    `SELECT lower(hex(span_id)) AS id FROM read_parquet(${pathList(paths)}) ORDER BY id`,
  );
  return rows.map((row) => String(row.id));
}
