import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ByteWriter } from './bytes.ts';
import { readDelta } from './delta-reader.ts';
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

test('a page that is cut or of another count is refused', () => {
  const bytes = encoded(Array.from({ length: 300 }, (_, i) => BigInt(i * i * 7919)));
  const all = [{ from: 0, to: 300 }];
  expect(() => readDelta(bytes.subarray(0, bytes.length - 1), 0, 300, all)).toThrow('are left');
  expect(() => readDelta(bytes, 0, 299, all)).toThrow('300 values for 299');
  expect(() => readDelta(Uint8Array.of(128, 1, 0, 1, 0), 0, 1, [])).toThrow('differences in 0 parts');
});
