import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spansArbitrary } from '../read/testing/arbitrary-spans.ts';
import { columnsOf } from '../read/testing/test-lake.ts';
import { RollupBuilder } from '../write/rollup-builder.ts';
import { jobOf, rewrite, writeFiles } from './testing/merged.ts';

const folder = mkdtempSync(join(tmpdir(), 'merge-rollup-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the rollup of a merge is that of its rows', async () => {
  const parts = fc.array(
    spansArbitrary.filter(({ length }) => length > 0),
    { minLength: 1, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(parts, async (deliveries) => {
      const files = [];
      for (const spans of deliveries) files.push(...(await writeFiles(folder, spans, 5)));
      for (const inputs of Map.groupBy(files, ({ day }) => day).values()) {
        const { result, spans } = await rewrite(folder, jobOf(inputs));
        const builder = new RollupBuilder();
        builder.rowGroup(columnsOf(spans).block());
        expect(result.rollup).toEqual(builder.finish());
      }
    }),
    { numRuns: 6 },
  );
});
