import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace, makeSpan, spanId } from './arbitrary.ts';
import { buildTree } from './tree.ts';
import { rulerTicks, waterfallRows } from './waterfall.ts';
import type { WaterfallRow } from './waterfall.ts';

const ALL = { collapsed: new Set<string>(), from: 0, limit: 1000 };

const flat = ({ node, ...row }: WaterfallRow): object => ({ ...row, index: node.index });

/** 1 > (2 > 3), 4 */
const small = buildTree(
  [
    [1, 0, 0n, 100n],
    [2, 1, 10n, 50n],
    [3, 2, 20n, 30n],
    [4, 1, 80n, 20n],
  ].map(([id, parent, start, duration]) =>
    makeSpan({
      spanId: spanId(Number(id)),
      parentSpanId: parent === 0 ? '' : spanId(Number(parent)),
      startTimeUnixNano: 1000n + BigInt(start),
      durationNano: BigInt(duration),
    }),
  ),
);

describe('waterfallRows', () => {
  test('bars as shares of the trace, places among siblings', () => {
    const { rows } = waterfallRows(small, ALL);
    expect(rows.map(({ left, width, position, siblings }) => [left, width, position, siblings])).toEqual([
      [0, 1, 1, 1],
      [0.1, 0.5, 1, 2],
      [0.2, 0.3, 1, 1],
      [0.8, expect.closeTo(0.2), 2, 2],
    ]);
  });

  test('collapsed spans hide what is below them', () => {
    const { rows, visibleCount } = waterfallRows(small, { ...ALL, collapsed: new Set([spanId(2)]) });
    expect(rows.map((row) => row.node.span.spanId)).toEqual([1, 2, 4].map(spanId));
    expect(rows[1].expanded).toBe(false);
    expect(visibleCount).toBe(3);
  });

  test('a window, and the window around a span', () => {
    const window = waterfallRows(small, { ...ALL, from: 2, limit: 1 });
    expect([window.from, window.rows.length, window.rows[0].row]).toEqual([2, 1, 2]);
    const around = waterfallRows(small, { ...ALL, limit: 2, around: spanId(4) });
    expect(around.rows.map((row) => row.node.span.spanId)).toEqual([3, 4].map(spanId));
    expect(waterfallRows(small, { ...ALL, from: 99 }).rows).toHaveLength(1);
  });

  test('events outside of the trace’s time stay on the line', () => {
    const event = (timeUnixNano: bigint) => ({
      timeUnixNano,
      name: 'e',
      attributes: [],
      droppedAttributesCount: 0,
    });
    const tree = buildTree([makeSpan({ events: [event(0n), event(1n << 63n)] })]);
    expect(waterfallRows(tree, ALL).rows[0].marks).toEqual([0, 1]);
  });

  test('windows of any size, put together, are all visible rows, and no bar leaves the line', () => {
    fc.assert(
      fc.property(
        anyTrace,
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.integer({ min: 1, max: 12 })),
        (spans, limit, ids) => {
          const tree = buildTree(spans);
          const collapsed = new Set(ids.map(spanId));
          const whole = waterfallRows(tree, { ...ALL, collapsed });
          const pieces = [];
          for (let from = 0; from < whole.visibleCount; from += limit) {
            pieces.push(...waterfallRows(tree, { collapsed, from, limit }).rows);
          }
          // Nodes point at each other: a deep comparison would never end.
          expect(pieces.map(flat)).toEqual(whole.rows.map(flat));
          for (const row of whole.rows) {
            expect(row.left >= 0 && row.width >= 0 && row.left + row.width <= 1 + 1e-9).toBe(true);
            for (let above = row.node.parent; above; above = above.parent) {
              expect(collapsed.has(above.span.spanId)).toBe(false);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('a ruler has round steps from 0, at most as many as asked', () => {
  expect(rulerTicks(449n, 6).map((tick) => tick.nano)).toEqual([0n, 100n, 200n, 300n, 400n]);
  expect(rulerTicks(0n, 6)).toEqual([{ nano: 0n, left: 0 }]);
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 1n << 64n }), (duration) => {
      const ticks = rulerTicks(duration, 6);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }),
  );
});
