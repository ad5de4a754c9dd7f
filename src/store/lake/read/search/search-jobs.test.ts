import { expect, spyOn, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseQuery } from '../../../../traceql/parse.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { TestLake } from '../testing/test-lake.ts';

/** A row of a buffer that came along once took the whole buffer with it: 100 MB copied for each file. */
test.each(['{}', '{ true } && { true }'])(
  'a job gets no more of what was found than a rank: %s',
  async (text) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'search-jobs-'));
    const lake = new TestLake(dataDir);
    const posted = spyOn(Worker.prototype, 'postMessage');
    let jobs: { readonly worst?: unknown; readonly wanted?: { readonly worst?: unknown } }[] = [];
    try {
      const spans = fc.sample(spansArbitrary, { seed: 3, numRuns: 10 }).flat();
      lake.append(spans);
      await lake.flush(1000);
      lake.append(spans);
      const range = { startUnixNano: 0n, endUnixNano: 1n << 64n };
      const query = parseQuery(text);
      await lake.reader.searchSpans('test', { query, range, order: 'slowest', limit: 2 });
      jobs = posted.mock.calls.flatMap(([message]) => (message.job === undefined ? [] : [message.job]));
    } finally {
      posted.mockRestore();
      lake.reader.close();
      rmSync(dataDir, { recursive: true });
    }
    const found = jobs
      .map(({ worst, wanted }) => worst ?? wanted?.worst)
      .filter((rank) => rank !== undefined);
    expect(jobs.length).toBeGreaterThan(0);
    for (const rank of found) expect(rank).toEqual({ high: expect.any(Number), low: expect.any(Number) });
    if (text === '{}') expect(found.length).toBeGreaterThan(0);
  },
);
