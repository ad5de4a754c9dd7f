import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ByteWriter } from './bytes.ts';
import { HybridReader } from './hybrid-reader.ts';
import { writeHybrid, writeLevels, writeRun } from './hybrid.ts';

/** Runs of values of up to `width` bits. */
const runs = fc.integer({ min: 1, max: 24 }).chain((width) =>
  fc.record({
    width: fc.constant(width),
    values: fc
      .array(
        fc.tuple(
          fc.integer({ min: 0, max: 2 ** width - 1 }),
          fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 90 })),
        ),
        { minLength: 1, maxLength: 30 },
      )
      .map((drawn) => Uint32Array.from(drawn.flatMap(([value, count]) => Array<number>(count).fill(value)))),
  }),
);

function readerOf(values: Uint32Array, width: number): HybridReader {
  const out = new ByteWriter();
  writeHybrid(out, values, 0, values.length, width);
  return new HybridReader(out.copy(), 0, out.length, width);
}

test('what is read between what is skipped are the values that were written', () => {
  fc.assert(
    fc.property(runs, fc.array(fc.nat(40), { maxLength: 20 }), ({ values, width }, steps) => {
      const reader = readerOf(values, width);
      let at = 0;
      for (const [i, step] of steps.entries()) {
        const count = Math.min(step, values.length - at);
        if (i % 2 === 0) reader.skip(count);
        else {
          const out = new Uint32Array(count + 2);
          reader.read(out, 1, count);
          expect([...out]).toEqual([0, ...values.subarray(at, at + count), 0]);
        }
        at += count;
      }
      reader.skip(values.length - at);
      reader.expectEnd();
    }),
  );
});

test('levels are written as codes are', () => {
  fc.assert(
    fc.property(runs, ({ values, width }) => {
      const bits = Math.min(width, 3);
      const levels = Uint8Array.from(values, (value) => value & (2 ** bits - 1));
      const [asLevels, asCodes] = [new ByteWriter(), new ByteWriter()];
      writeLevels(asLevels, levels, 0, levels.length, bits);
      writeHybrid(asCodes, Uint32Array.from(levels), 0, levels.length, bits);
      expect(asLevels.copy()).toEqual(asCodes.copy());
    }),
  );
});

test('ones are counted as if they were read', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1), fc.nat(40))),
      fc.nat(400),
      fc.nat(400),
      (drawn, skipped, counted) => {
        const values = Uint32Array.from(drawn.flatMap(([value, count]) => Array<number>(count).fill(value)));
        const from = Math.min(skipped, values.length);
        const to = Math.min(from + counted, values.length);
        const reader = readerOf(values, 1);
        reader.skip(from);
        expect(reader.ones(to - from)).toBe(values.subarray(from, to).reduce((sum, value) => sum + value, 0));
      },
    ),
  );
});

test('one run over all is told by its value, anything else is left to be read', () => {
  const out = new ByteWriter();
  writeRun(out, 3, 100, 2);
  const reader = new HybridReader(out.copy(), 0, out.length, 2);
  expect(reader.constant(101)).toBeUndefined();
  expect(reader.constant(100)).toBe(3);
  reader.expectEnd();
  expect(readerOf(Uint32Array.of(1, 2, 3), 2).constant(3)).toBeUndefined();
});

test('runs that are damaged are refused', () => {
  const of = (bytes: number[], width = 1) => new HybridReader(Uint8Array.from(bytes), 0, bytes.length, width);
  expect(() => of([0, 0]).skip(1)).toThrow('a run of nothing');
  expect(() => of([9, 255]).skip(1)).toThrow('a run of 4 bytes at 1');
  expect(() => of([]).skip(1)).toThrow('the runs end at 0');
  expect(() => of([255, 255, 255, 255, 255, 1]).skip(1)).toThrow('too long a run');
  expect(() => of([4, 2]).skip(1)).toThrow('2 in 1 bits');
  expect(() => of([], 25)).toThrow('values of 25 bits');
  const more = of([3, 0b1000_0011]);
  more.skip(7);
  expect(() => more.expectEnd()).toThrow('more levels than the page has');
});
