import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ByteWriter } from './bytes.ts';
import { readDelta } from './delta-reader.ts';
import { readAllDeltas, readNarrowDeltas } from './page-deltas.ts';
import { writeDelta } from './delta.ts';
import { rangesOf } from './ranges.ts';

const integers = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_000_900_000n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n)),
);

function encoded(values: readonly bigint[]): Uint8Array {
  const out = new ByteWriter();
  writeDelta(out, new Uint32Array(BigInt64Array.from(values).buffer), 0, values.length);
  return out.copy();
}

test('any of the values are those that were written, differences of 64 bits too', () => {
  fc.assert(
    fc.property(
      fc.array(integers, { minLength: 1, maxLength: 600 }),
      fc.array(fc.nat(599)),
      (values, wanted) => {
        const rows = [...new Set(wanted.map((row) => row % values.length))].sort((a, b) => a - b);
        const words = readDelta(encoded(values), 0, values.length, rangesOf(Uint32Array.from(rows)));
        expect([...new BigInt64Array(words.buffer)]).toEqual(rows.map((row) => values[row]));
      },
    ),
  );
});

test('all of the values, to any place, are those that were written', () => {
  fc.assert(
    fc.property(
      fc.array(integers, { minLength: 1, maxLength: 600 }),
      fc.nat(3),
      fc.nat(9),
      (values, at, behind) => {
        const page = encoded(values);
        const bytes = new Uint8Array(page.length + behind).fill(0xff);
        bytes.set(page);
        const out = new Uint32Array((at + values.length) * 2);
        readAllDeltas(bytes, 0, values.length, out, at);
        expect([...new BigInt64Array(out.buffer)].slice(at)).toEqual(values);
        expect(out.subarray(0, at * 2).some((word) => word !== 0)).toBe(false);
      },
    ),
  );
});

test('values that fit into a word are read as words', () => {
  const narrow = fc.oneof(
    fc.constantFrom(0n, 1n, 2n ** 31n, 2n ** 32n - 1n),
    fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
  );
  fc.assert(
    fc.property(
      fc.array(narrow, { minLength: 1, maxLength: 600 }),
      fc.nat(3),
      fc.nat(9),
      (values, at, behind) => {
        const page = encoded(values);
        const bytes = new Uint8Array(page.length + behind).fill(0xff);
        bytes.set(page);
        const out = new Uint32Array(at + values.length);
        readNarrowDeltas(bytes, 0, values.length, out, at);
        expect([...out.subarray(at)]).toEqual(values.map(Number));
        expect(out.subarray(0, at).some((word) => word !== 0)).toBe(false);
      },
    ),
  );
});

test('a page that is cut or of another count is refused', () => {
  const bytes = encoded(Array.from({ length: 300 }, (_, i) => BigInt(i * i * 7919)));
  const all = [{ from: 0, to: 300 }];
  expect(() => readDelta(bytes.subarray(0, bytes.length - 1), 0, 300, all)).toThrow('are left');
  expect(() => readDelta(bytes, 0, 299, all)).toThrow('300 values for 299');
  const out = new Uint32Array(600);
  for (const read of [readAllDeltas, readNarrowDeltas]) {
    expect(() => read(bytes.subarray(0, bytes.length - 1), 0, 300, out, 0)).toThrow('are left');
    expect(() => read(bytes, 0, 299, out, 0)).toThrow('300 values for 299');
    expect(() => read(Uint8Array.of(128, 1, 0, 1, 0), 0, 1, out, 0)).toThrow('differences in 0 parts');
    expect(() => read(bytes, 0, 300, out, 301)).toThrow('no room');
  }
  expect(() => readDelta(Uint8Array.of(128, 1, 0, 1, 0), 0, 1, [])).toThrow('differences in 0 parts');
});
