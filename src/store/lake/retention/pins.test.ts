import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../catalog.ts';
import { parseRetentionRules } from '../../retention-rules.ts';
import { Rewriter } from '../merge/rewriter.ts';
import { openLake } from '../lake.ts';
import { TEST_START, testRequest, testSpan } from '../testing/requests.ts';
import { TestClock } from '../testing/test-clock.ts';
import { acceptClock } from './clock-guard.ts';

const HOUR = 3_600_000;
const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const each of cleanup.splice(0).reverse()) each();
});

/** Tells when a rewrite has begun that retention planned. */
class Watched extends Rewriter {
  onRewrite = () => {};

  override rewrite(...args: Parameters<Rewriter['rewrite']>): ReturnType<Rewriter['rewrite']> {
    this.onRewrite();
    return super.rewrite(...args);
  }
}

test('retention leaves a trace that is pinned while its file is rewritten', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pins-'));
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  const catalog = openCatalog(folder);
  const clock = new TestClock(Number(TEST_START / 1_000_000n));
  const rewriter = new Watched();
  const lake = await openLake({ dataDir: folder, catalog, clock, rewriter, background: false });
  const pass = (ms: number) => {
    clock.pass(ms);
    acceptClock(catalog, clock.wallMs());
  };
  const [goes, stays] = [testSpan(1, { name: 'goes' }), testSpan(12, { name: 'stays' })];
  const left = async () => (await lake.trace('default', goes.traceId)).spans.length;
  await lake.append('default', testRequest([goes, stays]));
  await lake.flush();
  lake.setRetention('default', { rules: parseRetentionRules('{ name = "goes" } 1h'), maxBytes: undefined });
  pass(2 * HOUR);
  let rewrites = 0;
  rewriter.onRewrite = () => {
    if (rewrites++ === 0) lake.pinTrace('default', goes.traceId, '', 'x');
  };
  await lake.enforceRetention();
  expect([rewrites, await left()]).toEqual([1, 1]);
  pass(HOUR);
  await lake.enforceRetention();
  expect([rewrites, await left()]).toEqual([1, 1]);
  lake.unpinTrace('default', goes.traceId, 'x');
  pass(HOUR);
  await lake.enforceRetention();
  expect([rewrites, await left()]).toEqual([2, 0]);
  expect((await lake.trace('default', stays.traceId)).spans).toHaveLength(1);
  await lake.close();
  rewriter.close();
  catalog.close();
});
