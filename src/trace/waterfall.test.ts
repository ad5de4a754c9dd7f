import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace, makeSpan, spanId } from './arbitrary.ts';
import { criticalPathSteps } from './critical-path.ts';
import { MIN_SIMILAR, nodeKey, shortKey } from './fold.ts';
import { marksSteps, neighbours, textFinder, withAncestors } from './matches.ts';
import { selfNano } from './self-time.ts';
import { atOnce } from './steps.ts';
import { selfParts, timingSteps } from './timing.ts';
import { buildTree } from './tree.ts';
import type { TraceTree } from './tree.ts';
import { layoutSteps, revealed, rulerTicks, waterfallWindow } from './waterfall.ts';
import type { Shape, Waterfall } from './waterfall.ts';

const ALL: Shape = { levels: 0, closed: new Set(), toggled: new Set(), folds: true, kept: undefined };

const span = (
  id: number,
  parent: number,
  start: bigint,
  duration: bigint,
  name = 'op',
): ReturnType<typeof makeSpan> =>
  makeSpan({
    spanId: spanId(id),
    parentSpanId: parent === 0 ? '' : spanId(parent),
    startTimeUnixNano: 1000n + start,
    durationNano: duration,
    name,
  });

/** 1 > (2 > 3), 4 */
const small = buildTree([
  span(1, 0, 0n, 100n),
  span(2, 1, 10n, 50n),
  span(3, 2, 20n, 30n),
  span(4, 1, 80n, 20n),
]);

const show = (tree: TraceTree, shape: Partial<Shape> = {}, from = 0, limit = 1000): Waterfall =>
  waterfallWindow(atOnce(layoutSteps(tree, { ...ALL, ...shape })), atOnce(timingSteps(tree)), {
    from,
    limit,
  });

const texts = ({ rows }: Waterfall): string[] =>
  rows.map(({ entry, level, open, hasChildren }) => {
    const name = 'kind' in entry ? `${entry.members.length}x` : `${Number(`0x${entry.span.spanId}`)}`;
    return `${'>'.repeat(level)}${name}${hasChildren && !open ? '+' : ''}`;
  });

describe('rows', () => {
  const keyOf = (id: number): string => shortKey(spanId(id));
  const loop = buildTree([
    span(1, 0, 0n, 900n),
    ...Array.from({ length: MIN_SIMILAR }, (_, i) => span(i + 2, 1, BigInt(i * 10), 5n, 'SELECT')),
    span(99, 1, 15n, 5n, 'other'),
  ]);
  const foldKey = ((): string => {
    const row = show(loop).rows.find(({ entry }) => 'kind' in entry);
    return row?.key ?? '';
  })();
  const cases: [string, TraceTree, Partial<Shape>, string[]][] = [
    ['all', small, {}, ['1', '>2', '>>3', '>4']],
    ['one collapsed', small, { toggled: new Set([keyOf(2)]) }, ['1', '>2+', '>4']],
    ['two levels', small, { levels: 2 }, ['1', '>2+', '>4']],
    ['one level, one opened', small, { levels: 1, toggled: new Set([keyOf(1)]) }, ['1', '>2+', '>4']],
    ['a service', small, { closed: new Set(['cart']) }, ['1+']],
    ['some kept', small, { kept: new Uint8Array([1, 0, 0, 1]) }, ['1', '>4']],
    ['similar folded', loop, {}, ['1', `>${MIN_SIMILAR}x+`, '>99']],
    ['similar apart', loop, { folds: false }, ['1', '>2', '>3', '>99', ...range(4, MIN_SIMILAR + 1)]],
    [
      'a fold opened',
      loop,
      { toggled: new Set([foldKey]) },
      ['1', `>${MIN_SIMILAR}x`, ...range(2, MIN_SIMILAR + 1).map((row) => `>${row}`), '>99'],
    ],
  ];
  for (const [name, tree, shape, expected] of cases) {
    test(name, () => expect(texts(show(tree, shape))).toEqual(expected));
  }

  test('whatever hides a span is opened', () => {
    const node = loop.nodes[5];
    const toggled = revealed({ node, shape: { ...ALL, levels: 1 } });
    expect(toggled).toEqual(new Set([foldKey, nodeKey(loop.nodes[0])]));
    expect(texts(show(loop, { levels: 1, toggled }))).toContain('>>6');
  });

  test('windows, put together, are all rows; each span once, below its parent', () => {
    fc.assert(
      fc.property(anyTrace, fc.integer({ min: 1, max: 7 }), fc.boolean(), (spans, limit, folds) => {
        const tree = buildTree(spans);
        const whole = show(tree, { folds });
        const pieces = [];
        for (let from = 0; from < whole.visibleCount; from += limit) {
          pieces.push(...show(tree, { folds }, from, limit).rows.map(({ row, key }) => `${row} ${key}`));
        }
        expect(pieces).toEqual(whole.rows.map(({ row, key }) => `${row} ${key}`));
        if (!folds) expect(whole.visibleCount).toBe(tree.nodes.length);
      }),
      { numRuns: 200 },
    );
  });
});

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `>${from + i}`);
}

describe('critical path', () => {
  const parts = (...spans: ReturnType<typeof span>[]): object => {
    const tree = buildTree(spans);
    const path = atOnce(criticalPathSteps(tree, atOnce(timingSteps(tree))));
    return Object.fromEntries(
      [...path.parts].map(([index, part]) => [Number(`0x${tree.nodes[index].span.spanId}`), part]),
    );
  };
  test('from the end back through the last to finish', () => {
    expect(
      parts(span(1, 0, 0n, 100n), span(2, 1, 10n, 30n), span(3, 1, 20n, 60n), span(4, 1, 5n, 10n)),
    ).toEqual({
      1: [0, 5, 15, 20, 80, 100],
      3: [20, 80],
      4: [5, 15],
    });
  });
  test('a child that outlives its parent counts up to its end', () => {
    expect(parts(span(1, 0, 0n, 100n), span(2, 1, 50n, 100n), span(3, 0, 0n, 150n))).toEqual({ 3: [0, 150] });
    expect(parts(span(1, 0, 0n, 100n), span(2, 1, 50n, 100n))).toEqual({ 1: [0, 50], 2: [50, 100] });
  });
  test('no moment is told twice, and none that is not the trace’s', () => {
    fc.assert(
      fc.property(anyTrace, (spans) => {
        const tree = buildTree(spans);
        const timing = atOnce(timingSteps(tree));
        const path = atOnce(criticalPathSteps(tree, timing));
        const pairs = [...path.parts.values()]
          .flatMap((part) =>
            Array.from({ length: part.length / 2 }, (_, i) => [part[i * 2], part[i * 2 + 1]]),
          )
          .sort((a, b) => a[0] - b[0]);
        for (const [i, [from, to]] of pairs.entries()) {
          expect(from >= 0 && from < to && to <= timing.durationNano).toBe(true);
          if (i > 0) expect(from).toBeGreaterThanOrEqual(pairs[i - 1][1]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('own time is the same in parts as in sum', () => {
  fc.assert(
    fc.property(anyTrace, (spans) => {
      const tree = buildTree(spans);
      const timing = atOnce(timingSteps(tree));
      for (const node of tree.nodes) {
        const parts = selfParts(timing, node);
        const sum = parts.reduce((all, nano, i) => all + (i % 2 === 0 ? -nano : nano), 0);
        expect(sum).toBe(Number(selfNano(node)));
      }
    }),
    { numRuns: 200 },
  );
});

test('text is found in names and values; what stands above is kept', () => {
  const attributes = [{ key: 'card', value: { type: 'string', value: 'VISA' } }] as const;
  const tree = buildTree([span(1, 0, 0n, 9n), { ...span(2, 1, 1n, 2n), attributes }, span(3, 1, 4n, 2n)]);
  const marks = atOnce(marksSteps(tree, textFinder('visa')));
  expect([...marks]).toEqual([0, 1, 0]);
  expect([...withAncestors(tree, marks)]).toEqual([1, 1, 0]);
});

test('the one before and the one after, around the end', () => {
  const marks = new Uint8Array([0, 1, 0, 1]);
  expect(neighbours(marks, -1)).toEqual({ previous: 3, next: 1, rank: 0 });
  expect(neighbours(marks, 1)).toEqual({ previous: 3, next: 3, rank: 1 });
  expect(neighbours(marks, 3)).toEqual({ previous: 1, next: 1, rank: 2 });
  expect(neighbours(new Uint8Array(2), 0)).toEqual({ previous: -1, next: -1, rank: 0 });
});

test('a ruler has round steps, at most as many as asked', () => {
  expect(rulerTicks(0n, 449n, 6).map((tick) => tick.nano)).toEqual([0n, 100n, 200n, 300n, 400n]);
  expect(rulerTicks(130n, 330n, 6).map((tick) => tick.nano)).toEqual([150n, 200n, 250n, 300n]);
  expect(rulerTicks(0n, 0n, 6)).toEqual([{ nano: 0n, left: 0 }]);
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 1n << 64n }), (duration) => {
      const ticks = rulerTicks(0n, duration, 6);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }),
  );
});
