import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { orderedOnce } from './order-spans.ts';

const span = fc.record({
  spanId: fc.constantFrom('00000000000000aa', '00000000000000ab', '00000000000000ac'),
  kind: fc.constantFrom(0, 1, 2, 3, 33, 34, 255),
  startTimeUnixNano: fc.bigInt({ min: 0n, max: 4n }),
});

test('in order of start, each id and kind once, the earliest of it', () => {
  fc.assert(
    fc.property(fc.array(span), (spans) => {
      const once = orderedOnce(spans);
      const names = once.map(({ spanId, kind }) => `${spanId}/${kind}`);
      expect(new Set(names)).toEqual(new Set(spans.map(({ spanId, kind }) => `${spanId}/${kind}`)));
      expect(names).toHaveLength(new Set(names).size);
      for (const kept of once) {
        const same = spans.filter(({ spanId, kind }) => spanId === kept.spanId && kind === kept.kind);
        const starts = same.map(({ startTimeUnixNano }) => startTimeUnixNano);
        expect(starts.toSorted((a, b) => Number(a - b))[0]).toBe(kept.startTimeUnixNano);
      }
      const starts = once.map(({ startTimeUnixNano }) => startTimeUnixNano);
      expect(starts).toEqual(starts.toSorted((a, b) => Number(a - b)));
      expect(orderedOnce(once)).toEqual(once);
    }),
  );
});
