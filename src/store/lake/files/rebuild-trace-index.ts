/** A trace index made anew from its Parquet file, where Parquet may be read. */
import type { ParquetReader } from './parquet-reader.ts';
import { TraceRunCollector } from './trace-index.ts';

/** The bytes of the `.traces` file. Throws when the Parquet file can't be read. */
export async function traceIndexFromFile(reader: ParquetReader, path: string): Promise<Uint8Array> {
  const collector = new TraceRunCollector();
  const groups = await reader.rowGroupRows(path);
  for (const group of groups.keys()) {
    await reader.withBlock(path, group, ['trace_id'], ({ columns }) => {
      const ids = columns.get('trace_id');
      if (ids?.kind !== 'fixed') throw new Error(`${path} has no trace ids`);
      collector.add(ids.bytes);
    });
  }
  return collector.finish();
}
