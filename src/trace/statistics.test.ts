import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace, makeSpan, spanId } from './arbitrary.ts';
import { selfNano } from './self-time.ts';
import { statisticsSteps } from './statistics.ts';
import { atOnce } from './steps.ts';
import { buildTree, isError } from './tree.ts';

test('figures by operation and by service are those of the spans that belong to them', () => {
  fc.assert(
    fc.property(anyTrace, fc.constantFrom('operation' as const, 'service' as const), (spans, by) => {
      const { nodes } = buildTree(spans);
      const figures = atOnce(statisticsSteps(buildTree(spans), by));
      expect(figures.reduce((sum, { count }) => sum + count, 0)).toBe(nodes.length);
      for (const one of figures) {
        const own = nodes.filter(
          ({ span }) => span.serviceName === one.serviceName && (by === 'service' || span.name === one.name),
        );
        const lengths = own
          .map(({ span }) => (span.durationNano > 0n ? Number(span.durationNano) : 0))
          .toSorted((a, b) => a - b);
        const rank = (share: number) => lengths[Math.max(0, Math.ceil(lengths.length * share) - 1)];
        expect({ ...one, longest: one.longest.span.durationNano }).toEqual({
          serviceName: one.serviceName,
          name: by === 'service' ? '' : one.name,
          count: own.length,
          errorCount: own.filter(({ span }) => isError(span)).length,
          totalNano: lengths.reduce((sum, nano) => sum + nano, 0),
          selfNano: own.reduce((sum, node) => sum + Number(selfNano(node)), 0),
          p50Nano: rank(0.5),
          p95Nano: rank(0.95),
          maxNano: lengths[lengths.length - 1],
          longest: own.reduce(
            (most, { span }) => (span.durationNano > most ? span.durationNano : most),
            -(1n << 63n),
          ),
        });
      }
    }),
  );
});

test('100,000 spans give way in between', () => {
  const spans = Array.from({ length: 100_000 }, (_, i) =>
    makeSpan({ spanId: spanId(i + 1), parentSpanId: i === 0 ? '' : spanId(1), name: `n${i % 7}` }),
  );
  const steps = statisticsSteps(buildTree(spans), 'operation');
  let pauses = 0;
  while (!steps.next().done) pauses++;
  expect(pauses).toBeGreaterThan(10);
});
