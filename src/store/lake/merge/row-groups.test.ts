import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SPANS } from '../../../span/schema.ts';
import type { Span } from '../../../span/span.ts';
import { ParquetReader, compileParquetWasm, initParquet } from '../files/parquet-reader.ts';
import { spanArbitrary } from '../read/testing/arbitrary-spans.ts';
import { SpanReader } from '../read/scan/block-spans.ts';
import { mergeFiles } from './merge.ts';
import { RowGroups } from './row-groups.ts';
import { jobOf, normal, writeFiles } from './testing/merged.ts';
import type { DayFile } from './testing/merged.ts';

const folder = mkdtempSync(join(tmpdir(), 'row-groups-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ready = compileParquetWasm().then(initParquet);

/** What a merge makes of the files. */
async function merged(files: readonly DayFile[], rowGroups: RowGroups): Promise<Span[]> {
  const spans: Span[] = [];
  await mergeFiles(jobOf(files), {
    schema: SPANS,
    rowGroups,
    async rowGroup(block) {
      const reader = new SpanReader(block);
      for (let row = 0; row < block.rows; row++) spans.push(normal(reader.span(row)));
    },
    onReading() {},
  });
  rowGroups.close();
  return spans;
}

test('row groups too large to be decoded whole come out the same, read by parquet-wasm in parts', async () => {
  await ready;
  const deliveries = fc.array(fc.array(spanArbitrary, { minLength: 1, maxLength: 20 }), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(deliveries, async (parts) => {
      const files: DayFile[] = [];
      for (const spans of parts) files.push(...(await writeFiles(folder, spans, 6)));
      const day = files.filter((file) => file.day === files[0].day);
      const reader = new ParquetReader(SPANS);
      const foreign = async () => reader;
      expect(await merged(day, new RowGroups(foreign, 0))).toEqual(await merged(day, new RowGroups(foreign)));
      reader.close();
    }),
    { numRuns: 15 },
  );
}, 60_000);
