import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseQuery } from '../../../../traceql/parse.ts';
import { openLake } from '../../lake.ts';
import { EVER } from '../../testing/model-world.ts';
import { TEST_START, testRequest, textAttribute } from '../../testing/requests.ts';

const folder = mkdtempSync(join(tmpdir(), 'behind-buffer-'));
afterAll(() => rmSync(folder, { recursive: true }));

const resource = { attributes: [textAttribute('service.name', 'shop')] };

/** Spans of one trace, later ones with larger numbers. */
function trace(number: number, spans: number) {
  return testRequest(
    Array.from({ length: spans }, (_, i) => ({
      traceId: number.toString(16).padStart(32, '0'),
      spanId: (number * 1000 + i + 1).toString(16).padStart(16, '0'),
      start: TEST_START + BigInt(number * 1000 + i),
    })),
    resource,
  );
}

test('a search goes on in files behind a row that it found in memory', async () => {
  const lake = await openLake({ dataDir: folder, background: false });
  try {
    for (let number = 1; number <= 5; number++) await lake.append('default', trace(number, 1));
    await lake.flush();
    // One trace fills the first batch, so that the others are looked for behind its last span.
    await lake.append('default', trace(6, 900));
    const question = { query: parseQuery('{}'), range: EVER, limit: 5, cursor: undefined };
    const { traces } = await lake.searchTraces('default', { ...question, order: 'newest' });
    expect(traces.map(({ traceId }) => Number.parseInt(traceId, 16))).toEqual([6, 5, 4, 3, 2]);
  } finally {
    await lake.close();
  }
});

test('long traces in memory and in files hide none of those that begin between their spans, page by page', async () => {
  const lake = await openLake({ dataDir: join(folder, 'crowded'), background: false });
  try {
    // Traces 1 and 5 go on while all others begin.
    const long = (number: number) =>
      testRequest(
        Array.from({ length: 4000 }, (_, i) => ({
          traceId: number.toString(16).padStart(32, '0'),
          spanId: (number * 10_000 + i).toString(16).padStart(16, '0'),
          start: TEST_START + BigInt(number * 1000 + i * 10),
        })),
        resource,
      );
    await lake.append('default', long(1));
    for (let number = 2; number <= 4; number++) await lake.append('default', trace(number, 3));
    await lake.flush();
    await lake.append('default', long(5));
    for (let number = 6; number <= 9; number++) await lake.append('default', trace(number, 3));
    const found: [number, number][] = [];
    let cursor: string | undefined;
    do {
      const question = { query: parseQuery('{}'), range: EVER, limit: 2, order: 'newest' as const, cursor };
      const { traces, nextCursor } = await lake.searchTraces('default', question);
      for (const { traceId, spanCount } of traces) found.push([Number.parseInt(traceId, 16), spanCount]);
      cursor = nextCursor;
    } while (cursor !== undefined);
    expect(found).toEqual([
      [9, 3],
      [8, 3],
      [7, 3],
      [6, 3],
      [5, 4000],
      [4, 3],
      [3, 3],
      [2, 3],
      [1, 4000],
    ]);
  } finally {
    await lake.close();
  }
});
