import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { constants, zstdCompressSync } from 'node:zlib';
import { isWholeZstd } from './zstd-frames.ts';

const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  // Several blocks, of noise and of runs.
  fc.integer({ min: 0, max: 600_000 }).map((length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 1 + (at >>> 12)) bytes[at] = Math.imul(at, 2_654_435_761) >>> 24;
    return bytes;
  }),
);
const frame = fc.tuple(content, fc.boolean(), fc.constantFrom(1, 3, 9)).map(([bytes, checksum, level]) =>
  zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0,
      [constants.ZSTD_c_compressionLevel]: level,
    },
  }),
);
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

test('whole frames, with a checksum or without, one or several', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 3 }), (frames) => {
      expect(isWholeZstd(Buffer.concat(frames))).toBe(true);
      expect(isWholeZstd(Buffer.concat([skippable, ...frames, skippable]))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('cut anywhere, or with bytes behind it, it is not whole', () => {
  fc.assert(
    fc.property(frame, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }), (bytes, at, more) => {
      expect(isWholeZstd(bytes.subarray(0, at % bytes.length))).toBe(false);
      expect(isWholeZstd(Buffer.concat([bytes, more]))).toBe(false);
    }),
    { numRuns: 200 },
  );
  expect(isWholeZstd(skippable.subarray(0, -1))).toBe(false);
  expect(isWholeZstd(new Uint8Array(0))).toBe(false);
});
