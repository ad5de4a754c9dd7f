import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { GrowingBytes } from './growing-bytes.ts';

test('pieces of any length come back as one', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 20 }), (pieces) => {
      const whole = Buffer.concat(pieces);
      const bytes = new GrowingBytes(whole.length);
      for (const piece of pieces) bytes.add(piece);
      expect(Buffer.compare(bytes.taken(), whole)).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test('a large announcement holds what came, and no more than was announced', () => {
  const bytes = new GrowingBytes(64 * 1024 ** 2);
  bytes.add(new Uint8Array(1));
  expect(bytes.taken().buffer.byteLength).toBeLessThan(16 * 1024);
  bytes.add(new Uint8Array(3 * 1024 ** 2));
  expect(bytes.taken().buffer.byteLength).toBeLessThan(7 * 1024 ** 2);
  const exact = new GrowingBytes(10);
  exact.add(new Uint8Array(10));
  expect(() => exact.add(new Uint8Array(1))).toThrow(RangeError);
});
