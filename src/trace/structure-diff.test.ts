import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace, makeSpan, spanId } from './arbitrary.ts';
import { flameSteps } from './flame.ts';
import type { FlameGraph } from './flame.ts';
import { atOnce } from './steps.ts';
import { byContribution, diffSteps } from './structure-diff.ts';
import { buildTree } from './tree.ts';
import type { Span } from '../span/span.ts';

function graphOf(spans: readonly Span[]): FlameGraph {
  return atOnce(flameSteps(buildTree(spans)));
}

test('a trace differs in nothing from itself', () => {
  fc.assert(
    fc.property(anyTrace, (spans) => {
      const graph = graphOf(spans);
      const { rows, ...sums } = atOnce(diffSteps(graph, graph));
      expect(sums).toEqual({ onlyA: 0, onlyB: 0, slower: 0, faster: 0, selfDeltaNano: 0 });
      expect(rows).toHaveLength(graph.paths.length);
      expect(rows.every(({ a, b }) => a === b)).toBe(true);
    }),
  );
});

test('each path of both stands in one row, the differences add up, and turned around they turn their sign', () => {
  fc.assert(
    fc.property(anyTrace, anyTrace, (spansA, spansB) => {
      const [a, b] = [graphOf(spansA), graphOf(spansB)];
      const diff = atOnce(diffSteps(a, b));
      const back = atOnce(diffSteps(b, a));
      expect(new Set(diff.rows.flatMap((row) => row.a ?? [])).size).toBe(a.paths.length);
      expect(new Set(diff.rows.flatMap((row) => row.b ?? [])).size).toBe(b.paths.length);
      expect(diff.rows.length).toBe(
        a.paths.length + b.paths.length - diff.rows.filter((row) => row.side === 'both').length,
      );
      expect(diff.selfDeltaNano).toBe(b.weight - a.weight);
      expect(back.selfDeltaNano).toBe(-diff.selfDeltaNano + 0);
      expect([back.onlyA, back.onlyB, back.slower, back.faster]).toEqual([
        diff.onlyB,
        diff.onlyA,
        diff.faster,
        diff.slower,
      ]);
      for (const row of diff.rows) {
        if (row.a && row.b) expect([row.a.serviceName, row.a.name]).toEqual([row.b.serviceName, row.b.name]);
      }
    }),
  );
});

test('what contributes most comes first', () => {
  const trace = (slow: bigint, extra: boolean): Span[] => [
    makeSpan({ spanId: spanId(1), name: 'root', durationNano: 900n + slow }),
    makeSpan({ spanId: spanId(2), parentSpanId: spanId(1), name: 'query', durationNano: slow }),
    ...(extra
      ? [makeSpan({ spanId: spanId(3), parentSpanId: spanId(1), name: 'retry', durationNano: 50n })]
      : []),
  ];
  const diff = atOnce(diffSteps(graphOf(trace(100n, false)), graphOf(trace(700n, true))));
  expect(diff.onlyB).toBe(1);
  const [first] = byContribution(diff.rows);
  expect([first.a?.name, first.selfDeltaNano]).toEqual(['query', 600]);
});
