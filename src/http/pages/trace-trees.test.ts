import { describe, expect, test } from 'bun:test';
import { KEPT_TREES_SPANS } from '../../limits.ts';
import type { SpanStore, TraceAnswer } from '../../store/span-store.ts';
import { makeSpan, spanId } from '../../trace/arbitrary.ts';
import { TraceTrees } from './trace-trees.ts';

const scanned = {
  partitions: 0,
  files: 0,
  rowGroups: 0,
  rows: 0,
  bytes: 0,
  prunedFiles: 0,
  prunedRowGroups: 0,
  prunedBytes: 0,
};

/** Answers each trace with `spans` spans and counts how often it is asked. */
class CountingStore implements Pick<SpanStore, 'trace'> {
  asked = 0;
  spans = 2;
  async trace(): Promise<TraceAnswer> {
    this.asked++;
    const spans = Array.from({ length: this.spans }, (_, i) => makeSpan({ spanId: spanId(i + 1) }));
    return { spans, complete: true, scanned, tookMs: 1 };
  }
}

function setUp(): { store: CountingStore; trees: TraceTrees } {
  const store = new CountingStore();
  // The trees ask nothing else.
  return { store, trees: new TraceTrees(store as unknown as SpanStore) };
}

describe('trees of shown traces', () => {
  test('a page asks the store each time, its fragments do not', async () => {
    const { store, trees } = setUp();
    const page = await trees.newest('p', 'a');
    expect(await trees.shown('p', 'a', spanId(2))).toHaveProperty('tree', page.tree);
    expect(await trees.shown('p', 'a', '')).toHaveProperty('tree', page.tree);
    expect(store.asked).toBe(1);
    expect((await trees.newest('p', 'a')).tree).not.toBe(page.tree);
    expect(store.asked).toBe(2);
  });

  test('a span that came later, another trace and another project are asked for', async () => {
    const { store, trees } = setUp();
    await trees.newest('p', 'a');
    store.spans = 3;
    expect((await trees.shown('p', 'a', spanId(3))).tree.nodes).toHaveLength(3);
    await trees.shown('p', 'b', '');
    await trees.shown('q', 'a', '');
    expect(store.asked).toBe(4);
  });

  test('the oldest go when there are too many spans', async () => {
    const { store, trees } = setUp();
    store.spans = KEPT_TREES_SPANS / 2;
    for (const id of ['a', 'b', 'c']) await trees.newest('p', id);
    await trees.shown('p', 'b', '');
    await trees.shown('p', 'c', '');
    expect(store.asked).toBe(3);
    await trees.shown('p', 'a', '');
    expect(store.asked).toBe(4);
  });
});
