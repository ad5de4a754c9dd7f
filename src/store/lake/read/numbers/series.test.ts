import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Static } from '../../../../traceql/ast.ts';
import { codedValues, valueAt } from './group-codes.ts';
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';
import { GroupTuples } from './group-codes-tuples.ts';
import { SeriesCells } from './series-cells.ts';
import { QuantileCells } from './series-quantiles.ts';
import { powerOf, powerValue } from './series-scan.ts';
import { spread } from './series-examples.ts';
import { BucketScan, roundBuckets } from './series-time.ts';
import { applyStages, calculate } from './metrics-stages.ts';
import type { Series } from './metrics-stages.ts';
import { drain } from '../plan/plan.ts';
import { intrinsic } from '../../../../traceql/build.ts';

const ONES = new Uint8Array(1000).fill(1);

describe('pairs', () => {
  test('have dense codes in order of arrival, asked one by one or together', () => {
    const pairs = fc.array(fc.tuple(fc.nat({ max: 300 }), fc.nat({ max: 8 })), { maxLength: 600 });
    fc.assert(
      fc.property(pairs, fc.constantFrom(9, undefined), (asked, seconds) => {
        const codes = new PairCodes(undefined, seconds);
        const filled = new Uint32Array(asked.length);
        const firsts = Uint32Array.from(asked, ([first]) => first);
        codes.fill(
          firsts,
          Uint32Array.from(asked, ([, second]) => second),
          ONES,
          0,
          asked.length,
          filled,
        );
        const known = [...new Set(asked.map((pair) => pair.join()))];
        expect([...filled]).toEqual(asked.map((pair) => known.indexOf(pair.join())));
        expect(asked.map(([first, second]) => codes.code(first, second))).toEqual([...filled]);
        expect(codes.count).toBe(known.length);
      }),
    );
  });

  test('beyond the most that are kept have none', () => {
    const codes = new PairCodes(2, 10);
    const filled = new Uint32Array(5);
    codes.fill(Uint32Array.of(1, 2, 3, 1, 3), Uint32Array.of(1, 1, 1, 1, 1), ONES, 0, 5, filled);
    expect([...filled]).toEqual([0, 1, NO_CODE, 0, NO_CODE]);
  });
});

describe('quantiles', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1000, max: 1000 }),
    fc.bigInt({ min: -(1n << 63n), max: 1n << 63n }).map(Number),
  );

  test('are within 1 % of any numbers, merged or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 3 }), number), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 200 }),
        (rows, q, cut) => {
          const whole = new QuantileCells(10_000);
          for (const part of [rows.slice(0, cut), rows.slice(cut)]) {
            const cells = new QuantileCells(10_000);
            const of = Uint32Array.from(part, ([cell]) => 3 - cell);
            cells.add(
              ONES,
              0,
              part.length,
              of,
              Float64Array.from(part, ([, value]) => value),
            );
            const to = Uint32Array.of(3, 2, 1, 0, ...new Uint32Array(1000).fill(NO_CODE));
            drain(whole.merge(cells.parts(), to));
          }
          const found = new Map<number, number>();
          drain(whole.each([q], false, (cell, [value]) => found.set(cell, value)));
          for (const cell of [0, 1, 2, 3]) {
            const sorted = rows
              .filter((row) => row[0] === cell)
              .map(([, value]) => value)
              .sort((a, b) => a - b);
            if (sorted.length === 0) expect(found.has(cell)).toBe(false);
            else {
              const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1];
              expect(Math.abs((found.get(cell) ?? NaN) - exact)).toBeLessThanOrEqual(
                Math.abs(exact) * 0.01 + 1e-300,
              );
            }
          }
        },
      ),
    );
  });

  test('of zero are zero', () => {
    const cells = new QuantileCells(100);
    cells.add(ONES, 0, 5, new Uint32Array(5), Float64Array.of(-1, -0, 0, 0, 1));
    const found: (readonly number[])[] = [];
    drain(cells.each([0.4, 0.5], false, (_, values) => void found.push(values)));
    expect(found).toEqual([[0, 0]]);
  });

  test('of whole numbers are whole, and exact below 64', () => {
    const cells = new QuantileCells(100);
    cells.add(ONES, 0, 5, new Uint32Array(5), Float64Array.of(0, 3, 17, 63, 1_000_001));
    const found: (readonly number[])[] = [];
    drain(cells.each([0, 0.4, 0.6, 0.8, 0.99], true, (_, values) => void found.push(values)));
    expect(found).toEqual([[0, 3, 17, 63, 1_000_001]]);
    const between = new QuantileCells(100);
    between.add(ONES, 0, 3, new Uint32Array(3), Float64Array.of(1, 1_000_001, 2_000_001));
    const middle: number[] = [];
    drain(between.each([0.5], true, (_, [value]) => void middle.push(value)));
    expect(middle.map((value) => Number.isInteger(value))).toEqual([true]);
  });

  test('say when they would take too much memory', () => {
    const cells = new QuantileCells(2);
    cells.add(ONES, 0, 3, Uint32Array.of(0, 1, 2), Float64Array.of(1, 100, 1e9));
    expect(cells.full).toBe(true);
    const found: number[] = [];
    drain(cells.each([0.5], false, (cell) => void found.push(cell)));
    expect(found).toEqual([0, 1]);
  });
});

describe('buckets of time', () => {
  test('are exact at any distance, one by one or together', () => {
    const time = fc.oneof(
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      fc.nat({ max: 1000 }).map((n) => 1_700_000_000_000_000_000n + BigInt(n)),
    );
    const step = fc.oneof(fc.bigInt({ min: 1n, max: 1n << 62n }), fc.constantFrom(1n, 60_000_000_000n));
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 50 }), step, (times, stepNano) => {
        const buckets = { originUnixNano: 0n, stepNano, count: 2 };
        const words = Uint32Array.from(times.flatMap((at) => [Number(at & 0xffffffffn), Number(at >> 32n)]));
        const wanted = times.map((at) => Number(at / stepNano));
        const scan = new BucketScan(buckets);
        // Numbers of buckets that are really asked for are small.
        const isSmall = wanted.map((bucket) => (bucket < 1e6 ? 1 : 0));
        const filled = new Uint32Array(times.length);
        new BucketScan(buckets).fill(words, Uint8Array.from(isSmall), 0, times.length, filled);
        times.forEach((_, row) => {
          if (isSmall[row] === 0) return;
          expect(scan.at(words, row)).toBe(wanted[row]);
          expect(filled[row]).toBe(wanted[row]);
        });
      }),
    );
  });

  test('round ones cover a range in as many as are asked for', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1n << 63n }),
        fc.bigInt({ min: 1n, max: 1n << 63n }),
        fc.integer({ min: 2, max: 1000 }),
        (startUnixNano, length, most) => {
          const endUnixNano = startUnixNano + length;
          const { originUnixNano, stepNano, count } = roundBuckets({ startUnixNano, endUnixNano }, most);
          expect(count).toBeLessThanOrEqual(most);
          expect(originUnixNano % stepNano).toBe(0n);
          expect(originUnixNano <= startUnixNano && startUnixNano < originUnixNano + stepNano).toBe(true);
          expect(originUnixNano + stepNano * BigInt(count) >= endUnixNano).toBe(true);
        },
      ),
    );
  });
});

test('a power of two is the least that is not below', () => {
  for (const [value, power] of [
    [0, 0],
    [-3, 0],
    [1, 1],
    [1.5, 2],
    [2, 2],
    [3, 4],
    [0.3, 0.5],
    [2 ** 62, 2 ** 62],
    [2 ** 62 + 1024, 2 ** 63],
  ]) {
    expect(powerValue(powerOf(value))).toBe(power);
  }
});

test('groups beyond the most that are kept are left out, in a part and when parts are merged', () => {
  const fields = [intrinsic('span:name'), intrinsic('span:kind')];
  const text = (value: string): Static => ({ type: 'string', value });
  const part = new GroupTuples(fields, 3);
  const groups = ['a', 'b', 'c', 'd'].map((name) => part.of([text(name), { type: 'kind', value: 'server' }]));
  expect(groups).toEqual([0, 1, 2, NO_CODE]);
  expect(part.full).toBe(true);
  const whole = new GroupTuples(fields, 2);
  whole.of([text('x'), { type: 'nil' }]);
  expect([...drain(whole.merge(part.all()))]).toEqual([1, NO_CODE, NO_CODE]);
  expect(whole.values(1)).toEqual([text('a'), { type: 'kind', value: 'server' }]);
});

test('cells of groups that are left out count nowhere', () => {
  const cells = new SeriesCells('sum', 2, 100, 10);
  const rows = {
    groups: Uint32Array.of(0, 1, 0),
    buckets: Uint32Array.of(0, 1, 0),
    cells: new Uint32Array(3),
  };
  cells.add(ONES, 0, 3, rows, Float64Array.of(1, 2, 4));
  const whole = new SeriesCells('sum', 2, 100, 10);
  drain(whole.merge(cells.parts(), Uint32Array.of(NO_CODE, 7)));
  drain(whole.merge(cells.parts(), Uint32Array.of(7, NO_CODE)));
  const { count, first, second } = whole.cells;
  expect(
    Array.from({ length: count }, (_, i) => [first[i], second[i], whole.counts[i], whole.figures[i]]),
  ).toEqual([
    [7, 1, 1, 2],
    [7, 0, 2, 5],
  ]);
});

test('values go side by side to another thread, and come back', () => {
  const values: Static[] = [
    { type: 'nil' },
    { type: 'string', value: '' },
    { type: 'int', value: 3n },
    { type: 'opaque' },
  ];
  const coded = structuredClone(codedValues(values));
  expect(values.map((_, code) => valueAt(coded, code))).toEqual(values);
});

test('examples are spread from the first to the last', () => {
  expect(spread([1, 2, 3], 5)).toEqual([1, 2, 3]);
  expect(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)).toEqual([0, 5, 10]);
  expect(spread([1, 2, 3], 1)).toEqual([1]);
  expect(spread([1, 2, 3], 0)).toEqual([]);
});

describe('stages', () => {
  const series = (name: string, ...samples: number[]): Series => ({
    labels: name === '' ? [] : [{ key: 'name', value: { type: 'string', value: name } }],
    samples: Float64Array.from(samples),
    examples: [],
  });
  const plain = (found: readonly Series[]) =>
    found.map(({ labels, samples }) => [
      labels.map(({ value }) => 'value' in value && value.value).join(),
      ...samples,
    ]);
  const three = [series('a', 1, 5, NaN), series('b', 2, 4, NaN), series('c', 3, 4, 7)];

  test('topk and bottomk choose in each bucket, of equal ones by labels', () => {
    const at = { count: 1, position: 0 };
    expect(plain(drain(applyStages(three, [{ kind: 'topk', ...at }])))).toEqual([
      ['a', NaN, 5, NaN],
      ['c', 3, NaN, 7],
    ]);
    expect(plain(drain(applyStages(three, [{ kind: 'bottomk', ...at }])))).toEqual([
      ['a', 1, NaN, NaN],
      ['b', NaN, 4, NaN],
      ['c', NaN, NaN, 7],
    ]);
  });

  test('a comparison keeps samples, and series that have some', () => {
    const kept = (operator: '=' | '!=' | '>' | '>=' | '<' | '<=', value: number) =>
      plain(drain(applyStages(three, [{ kind: 'filter', operator, value, position: 0 }])));
    expect(kept('>', 4)).toEqual([
      ['a', NaN, 5, NaN],
      ['c', NaN, NaN, 7],
    ]);
    expect(kept('>=', 5)).toEqual([
      ['a', NaN, 5, NaN],
      ['c', NaN, NaN, 7],
    ]);
    expect(kept('<', 2)).toEqual([['a', 1, NaN, NaN]]);
    expect(kept('<=', 1)).toEqual([['a', 1, NaN, NaN]]);
    expect(kept('=', 2)).toEqual([['b', 2, NaN, NaN]]);
    expect(kept('!=', 4)).toEqual([
      ['a', 1, 5, NaN],
      ['b', 2, NaN, NaN],
      ['c', 3, NaN, 7],
    ]);
  });

  test('arithmetic goes by labels; one without stands beside each; by zero there is nothing', () => {
    const [a, b] = three;
    expect(plain(drain(calculate('+', [a, b], [series('b', 1, 1, 1), series('z', 1, 1, 1)])))).toEqual([
      ['b', 3, 5, 1],
    ]);
    expect(plain(drain(calculate('/', [a], [series('', 2, 0, 1)])))).toEqual([['a', 0.5, NaN, 0]]);
    expect(plain(drain(calculate('-', [series('', 9, 9, 9)], [a, b])))).toEqual([
      ['a', 8, 4, 9],
      ['b', 7, 5, 9],
    ]);
    expect(plain(drain(calculate('*', 10, [a])))).toEqual([['a', 10, 50, 0]]);
    expect(plain(drain(calculate('^', [a], 2)))).toEqual([['a', 1, 25, 0]]);
    expect(plain(drain(calculate('%', [a], 2)))).toEqual([['a', 1, 1, 0]]);
    expect(drain(calculate('+', 1, 2))).toEqual([]);
  });
});
