import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { longestOnce, orderedOnce, orderedOnceInParts } from './order-spans.ts';

const span = fc.record({
  traceId: fc.constantFrom('0a', '0b'),
  spanId: fc.constantFrom('00000000000000aa', '00000000000000ab', '00000000000000ac'),
  kind: fc.constantFrom(0, 1, 2, 3, 33, 34, 255),
  startTimeUnixNano: fc.bigInt({ min: 0n, max: 4n }),
  durationNano: fc.bigInt({ min: -2n, max: 4n }),
});
type Delivered = typeof span extends fc.Arbitrary<infer T> ? T : never;

function identity({ spanId, kind, startTimeUnixNano }: Delivered): string {
  return `${spanId}/${kind}/${startTimeUnixNano}`;
}

function longest(spans: readonly Delivered[]): bigint {
  return spans.reduce((max, { durationNano }) => (durationNano > max ? durationNano : max), -99n);
}

test('the spans of a trace: in order of start, each id, kind and start once, the longest of it', () => {
  fc.assert(
    fc.property(fc.array(span), (spans) => {
      const once = orderedOnce(spans);
      expect(once.map(identity).toSorted()).toEqual([...new Set(spans.map(identity))].toSorted());
      for (const kept of once) {
        expect(spans).toContain(kept);
        expect(kept.durationNano).toBe(longest(spans.filter((each) => identity(each) === identity(kept))));
      }
      const starts = once.map(({ startTimeUnixNano }) => startTimeUnixNano);
      expect(starts).toEqual(starts.toSorted((a, b) => Number(a - b)));
      expect(orderedOnce(once)).toEqual(once);
    }),
  );
});

test('spans of any traces: in the order given, each once, the longest of it', () => {
  fc.assert(
    fc.property(fc.array(span), (spans) => {
      const once = longestOnce(spans);
      const inTrace = (each: Delivered) => `${each.traceId}/${identity(each)}`;
      expect(once.map(inTrace).toSorted()).toEqual([...new Set(spans.map(inTrace))].toSorted());
      for (const kept of once) {
        expect(kept.durationNano).toBe(longest(spans.filter((each) => inTrace(each) === inTrace(kept))));
      }
      const places = once.map((kept) => spans.indexOf(kept));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }),
  );
});

test('many spans are ordered in parts as they are at once', async () => {
  const [spans] = fc.sample(fc.array(span, { minLength: 20_000, maxLength: 20_000 }), {
    seed: 1,
    numRuns: 1,
  });
  const moved = spans.map((each, i) => ({
    ...each,
    startTimeUnixNano: each.startTimeUnixNano + BigInt((i * 7919) % 5000),
  }));
  let breaths = 0;
  const ordered = await orderedOnceInParts(moved, async () => void breaths++);
  expect(ordered.map((each) => `${identity(each)} ${each.durationNano}`)).toEqual(
    orderedOnce(moved).map((each) => `${identity(each)} ${each.durationNano}`),
  );
  expect(breaths).toBeGreaterThan(4);
});
