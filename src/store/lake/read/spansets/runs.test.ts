import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { TraceRuns, isShared } from './runs.ts';

const PAGE = 4;

/** Runs of rows, each a trace; 1 the bound, 2 another probe. */
const runs = fc.array(fc.record({ rows: fc.integer({ min: 1, max: 10 }), bits: fc.nat({ max: 3 }) }), {
  minLength: 1,
  maxLength: 12,
});

function idOf(trace: number): Uint8Array {
  const id = new Uint8Array(16);
  id.fill(trace + 1, 8);
  return id;
}

test('traces that touch the ends of a row group, or pages that were not read, are open', () => {
  fc.assert(
    fc.property(
      runs,
      fc.boolean(),
      fc.boolean(),
      fc.nat({ max: 12 }),
      (traces, isFirst, isLast, elsewhere) => {
        const count = traces.reduce((sum, { rows }) => sum + rows, 0);
        const bits = new Uint32Array(count);
        const ranks = new Uint32Array(count * 2);
        const ids = new Uint8Array(count * 16);
        const bounds: { from: number; to: number }[] = [];
        let at = 0;
        traces.forEach((trace, number) => {
          bounds.push({ from: at, to: at + trace.rows });
          for (let row = at; row < at + trace.rows; row++) {
            ids.set(idOf(number), row * 16);
            ranks[row * 2 + 1] = 100 - row;
          }
          // A single row of a trace, in its middle, satisfies probes.
          bits[at + (trace.rows >> 1)] = trace.bits;
          at += trace.rows;
        });
        const found = new TraceRuns(bits, ranks, 1);
        for (let from = 0; from < count; from += PAGE) {
          const to = Math.min(count, from + PAGE);
          if (found.needs(from, to)) found.add(ids, from, to);
        }
        const shared = Uint32Array.of((elsewhere + 1) * 0x01010101, (elsewhere + 1) * 0x01010101);
        const { candidates, open } = found.split({ isFirst, isLast }, shared, (all) => all === 3);
        const reported = traces
          .map((trace, number) => ({ trace, number }))
          .filter(({ trace }) => (trace.bits & 1) === 1);
        const known = new Map([...candidates, ...open].map((each) => [each.traceId[15] - 1, each]));
        for (const { trace, number } of reported) {
          const { from, to } = bounds[number];
          const isOpen = open.some(({ traceId }) => traceId[15] === number + 1);
          const touchesEnd = (from === 0 && !isFirst) || (to === count && !isLast);
          if (touchesEnd || number === elsewhere) expect(isOpen).toBe(true);
          // Up to a page before and behind the row is read: shorter traces are known whole.
          else if (trace.rows <= PAGE) expect(isOpen).toBe(false);
          if (isOpen) continue;
          expect(known.has(number)).toBe(trace.bits === 3);
          if (trace.bits !== 3) continue;
          expect(known.get(number)).toMatchObject({ from, to, bits: 3 });
          expect(known.get(number)?.best).toEqual({ high: 0, low: 100 - (from + (trace.rows >> 1)) });
        }
        expect([...known.keys()].every((number) => (traces[number].bits & 1) === 1)).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('keys are found by a half of the id; where none are known any may be', () => {
  const keys = Uint32Array.of(1, 2, 1, 5, 7, 0);
  const id = (high: number, low: number) =>
    Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, high, 0, 0, 0, low);
  expect(isShared(keys, id(1, 5))).toBe(true);
  expect(isShared(keys, id(1, 4))).toBe(false);
  expect(isShared(keys, id(7, 1))).toBe(false);
  expect(isShared(new Uint32Array(0), id(1, 5))).toBe(false);
  expect(isShared('any', id(1, 4))).toBe(true);
});
