import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Rollup } from '../files/rollup.ts';
import type { RollupSeries } from '../files/rollup.ts';
import { Histogram } from '../read/statistics/histogram.ts';
import { blockOf, figuresBy, plainHistogram } from '../testing/rollup-blocks.ts';
import type { PlainRow } from '../testing/rollup-blocks.ts';
import { RollupBuilder, minuteOf } from './rollup-builder.ts';
import { RollupCells, STEP_MINUTES } from './rollup-cells.ts';

const MINUTE = 60_000_000_000n;
const MAX_UINT64 = (1n << 64n) - 1n;
const ALL = { startUnixNano: 0n, endUnixNano: MAX_UINT64 + 1n };
/** A whole day. */
const DAY = 19_675n * 1440n * MINUTE;

const row: fc.Arbitrary<PlainRow> = fc.record({
  service: fc.constantFrom('shop', 'cart', '', undefined, 'ü'),
  name: fc.constantFrom('a', 'b', ''),
  kind: fc.constantFrom(0, 2, 255),
  start: fc.oneof(
    { weight: 6, arbitrary: fc.bigInt(0n, 7n).map((minute) => DAY + minute * MINUTE) },
    { weight: 2, arbitrary: fc.bigInt(0n, 2880n).map((minute) => DAY + minute * MINUTE - 1n) },
    fc.constantFrom(0n, MAX_UINT64, 1n << 63n),
  ),
  duration: fc.oneof(
    fc.bigInt(0n, 200n),
    fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
    fc.constantFrom(0n, -1n, (1n << 32n) - 1n, 1n << 32n, (1n << 53n) + 1n),
  ),
  error: fc.boolean(),
});

/** Many rows of few kinds, so that cells are worth their steps. */
const rows = fc
  .tuple(fc.array(row, { minLength: 1, maxLength: 60, size: 'max' }), fc.constantFrom(1, 20, 130))
  .map(([some, times]) => Array.from({ length: times }, () => some).flat());

/** Cut into row groups of a length. */
function built(given: readonly PlainRow[], rowGroupRows = 1000): Uint8Array {
  const builder = new RollupBuilder();
  for (let from = 0; from < given.length; from += rowGroupRows) {
    builder.rowGroup(blockOf(given.slice(from, from + rowGroupRows)));
  }
  return builder.finish();
}

const seriesKey = ({ service = '', name, kind }: { service?: string; name: string; kind: number }) =>
  JSON.stringify([service, name, kind]);

function totalsOf(rollup: Rollup) {
  return new Map(
    rollup.series.map((series: RollupSeries, number) => {
      const histogram = new Histogram();
      const errors = rollup.addTotal(number, histogram);
      return [seriesKey(series), { errors, ...plainHistogram(histogram) }];
    }),
  );
}

describe('a rollup', () => {
  test('has the figures of the rows, in all and by step', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const rollup = new Rollup(built(given));
        expect(rollup.rows).toBe(given.length);
        const wanted = [...figuresBy(given, seriesKey)];
        expect(totalsOf(rollup)).toEqual(
          new Map(
            wanted.map(([key, { errors, histogram }]) => [key, { errors, ...plainHistogram(histogram) }]),
          ),
        );
        if (rollup.stepNano === 0n) return;
        const stepOf = ({ start }: PlainRow) => (start / rollup.stepNano) * rollup.stepNano;
        const cells = figuresBy(given, (one) => `${stepOf(one)} ${seriesKey(one)}`);
        const found = new Set<string>();
        rollup.eachCell(
          ALL,
          () => true,
          ({ series, startUnixNano, count, errors, addTo }) => {
            const histogram = new Histogram();
            addTo(histogram);
            const key = `${startUnixNano} ${seriesKey(series)}`;
            const cell = cells.get(key);
            found.add(key);
            expect([count, errors]).toEqual([cell?.count ?? 0, cell?.errors ?? 0]);
            expect(plainHistogram(histogram)).toEqual(plainHistogram(cell?.histogram ?? new Histogram()));
          },
        );
        // The step that the end of time cuts is not wholly in any range.
        const whole = [...cells.keys()].filter(
          (key) => BigInt(key.split(' ')[0]) + rollup.stepNano <= ALL.endUnixNano,
        );
        expect([...found].toSorted()).toEqual(whole.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test('is the same bytes in whatever order the rows come and however they are cut', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 500 }), fc.nat(), (given, rowGroupRows, seed) => {
        const mixed = given
          .map((one, i) => ({ one, at: Math.imul(i + 1, seed | 1) >>> 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        expect(built(mixed, rowGroupRows)).toEqual(built(given));
      }),
      { numRuns: 20 },
    );
  });

  test('cells are asked for by range and series', () => {
    const given = Array.from({ length: 3000 }, (_, i) => ({
      service: i % 2 === 0 ? 'shop' : 'cart',
      name: 'a',
      kind: 2,
      start: DAY + BigInt(i % 5) * MINUTE,
      duration: BigInt(i),
      error: false,
    }));
    const rollup = new Rollup(built(given));
    expect(rollup.stepNano).toBe(MINUTE);
    const found: [string, bigint, number][] = [];
    const range = { startUnixNano: DAY + 1n, endUnixNano: DAY + 4n * MINUTE - 1n };
    rollup.eachCell(
      range,
      ({ service }) => service === 'cart',
      ({ series, startUnixNano, count }) => found.push([series.service, startUnixNano - DAY, count]),
    );
    expect(found).toEqual([
      ['cart', MINUTE, 300],
      ['cart', 2n * MINUTE, 300],
    ]);
  });

  test('steps are longer where minutes would be too many cells, and their cells are those of the rows', () => {
    const spread = (minutes: number) =>
      Array.from({ length: 20_000 }, (_, i) => ({
        service: 'shop',
        name: String(i % 20),
        kind: 0,
        start: DAY + BigInt(Math.floor(i / 20) % minutes) * MINUTE,
        duration: BigInt(i % 300),
        error: false,
      }));
    const stepMinutes = (minutes: number) => Number(new Rollup(built(spread(minutes))).stepNano / MINUTE);
    expect([1, 7, 30, 100, 420, 1440].map(stepMinutes)).toEqual([1, 1, 5, 15, 60, 1440]);
  });

  test('tells damage, wherever a bit flips', () => {
    const data = built([{ service: 's', name: 'n', kind: 1, start: DAY, duration: 5n, error: true }]);
    for (let bit = 0; bit < data.length * 8; bit++) {
      const flipped = data.slice();
      flipped[bit >>> 3] ^= 1 << (bit & 7);
      expect(() => new Rollup(flipped)).toThrow(RangeError);
    }
    expect(() => new Rollup(data.subarray(0, data.length - 1))).toThrow(RangeError);
    expect(() => new Rollup(new Uint8Array(0))).toThrow('rollup: 0 bytes that are none');
  });

  test('there is none of rows that each have a name of their own, nor of no rows', () => {
    const given = Array.from({ length: 16_385 }, (_, i) => ({
      service: 's',
      name: String(i),
      kind: 1,
      start: DAY,
      duration: 5n,
      error: false,
    }));
    expect(built(given).length).toBe(0);
    expect(built([]).length).toBe(0);
    expect(new Rollup(built(given.slice(1))).series.length).toBe(16_384);
  });

  test('too many cells make steps longer while they are counted, in whatever order they come', () => {
    const counted = (order: (i: number) => number) => {
      const cells = new RollupCells();
      for (let i = 0; i < 150_000; i++) {
        const row = order(i);
        cells.add(row % 150, 1000 + Math.floor(row / 150), row % 7 === 0, 0, 1 + (row % 40));
      }
      return cells;
    };
    const [forward, backward] = [counted((i) => i), counted((i) => 149_999 - i)];
    expect(STEP_MINUTES[forward.stepIndex]).toBe(5);
    const figures = ({ count, series, steps, rows: counts, errors }: RollupCells) =>
      Array.from({ length: count }, (_, i) =>
        [steps[i], series[i], counts[i], errors[i]].join(' '),
      ).toSorted();
    expect(figures(backward)).toEqual(figures(forward));
    expect(forward.rows.reduce((sum, count) => sum + count, 0)).toBe(150_000);
    let bucketed = 0;
    forward.buckets.each((_, count) => (bucketed += count));
    expect(bucketed).toBe(150_000);
  });
});

test('the minute of a time is exact', () => {
  const times = fc.oneof(
    fc.bigInt(0n, MAX_UINT64),
    fc
      .tuple(fc.bigInt(0n, MAX_UINT64 / MINUTE), fc.constantFrom(-1n, 0n, 1n))
      .map(([minute, more]) => BigInt.asUintN(64, minute * MINUTE + more)),
  );
  fc.assert(
    fc.property(times, (time) => {
      expect(minuteOf(Number(time >> 32n), Number(time & 0xffffffffn))).toBe(Number(time / MINUTE));
    }),
    { numRuns: 5000 },
  );
});
