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
