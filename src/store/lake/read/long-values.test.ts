/** Regular expressions over values so long that one match would hold a thread for seconds. */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import { DistrustedFiles } from './distrusted-files.ts';
import { spanArbitrary } from './testing/arbitrary-spans.ts';
import { TestLake } from './testing/test-lake.ts';
import type { TestLakeOptions } from './testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-long-'));
const lakes: TestLake[] = [];
afterAll(() => {
  for (const lake of lakes) lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

/** A text of a's and b's makes a state of nearly each character: some 1.5 us. */
const HOSTILE = '.*a(a|b){60}c';
const TAIL = `a${'b'.repeat(60)}c`;

function mixed(length: number): string {
  let seed = 1;
  let text = '';
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    text += seed >>> 31 === 0 ? 'a' : 'b';
  }
  return text;
}

function lakeOf(values: readonly string[], options: TestLakeOptions = {}): TestLake {
  const [shape] = fc.sample(spanArbitrary, { seed: 1, numRuns: 1 });
  const lake = new TestLake(dataDir, options);
  lakes.push(lake);
  const spans = values.map((value, i): Span => ({
    ...shape,
    spanId: (i + 1).toString(16).padStart(16, '0'),
    name: value,
    attributes: [{ key: 'v', value: { type: 'array', value: [{ type: 'string', value }] } }],
  }));
  lake.append(spans);
  return lake;
}

function asked(condition: string) {
  const range = { startUnixNano: 0n, endUnixNano: 1n << 64n };
  return { query: parseQuery(`{ ${condition} }`), range, order: 'newest' as const, limit: 100 };
}

const CONDITIONS = [
  `name =~ "${HOSTILE}"`,
  `span.v =~ "${HOSTILE}"`,
  `name =~ "${HOSTILE}" && span.v = span.v`,
];

test('are matched to the end in time, in a buffer and in a file, while the loop turns', async () => {
  const long = mixed(100_000);
  const lake = lakeOf([`${long}${TAIL}`, long, `b${long}`, TAIL]);
  for (const where of ['buffer', 'file']) {
    for (const condition of CONDITIONS) {
      let turns = 0;
      const count = setInterval(() => turns++, 0);
      const page = await lake.reader.searchSpans('test', asked(condition));
      clearInterval(count);
      expect(page.complete).toBe(true);
      expect(page.spans.map(({ name }) => name.length).sort((a, b) => a - b)).toEqual([62, 100_062]);
      expect(turns).toBeGreaterThan(10);
    }
    if (where === 'buffer') await lake.flush(1000);
  }
});

test('without a verdict in time satisfy neither operator, and the answer says so', async () => {
  const lake = lakeOf([mixed(1_000_000), 'short', TAIL], { timeLimitMs: 30 });
  for (const operator of ['=~', '!~']) {
    const page = await lake.reader.searchSpans('test', asked(`name ${operator} "${HOSTILE}"`));
    expect(page.spans.map(({ name }) => name)).toEqual([operator === '=~' ? TAIL : 'short']);
    expect(page.complete).toEqual({
      reason: '1 long value was not matched in time with =~ or !~',
      skipped: [],
    });
  }
});

test('a file that took too long is left out for whoever asks the same, and for nobody else', () => {
  const files = new DistrustedFiles();
  files.add('a', 'took longer', 'search { dear }');
  files.add('b', 'a panic');
  expect(files.reason('a', 'search { dear }')).toBe('took longer');
  expect(files.reason('a', 'search { cheap }')).toBeUndefined();
  expect(files.reason('b', 'search { cheap }')).toBe('a panic');
});
