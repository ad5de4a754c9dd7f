import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { LOG_MAGIC, encodeFrame, readLog } from './log-frame.ts';
import type { Frame } from './log-frame.ts';

function frameOf(sequence: number, payload: Uint8Array, projectId = 'default') {
  return {
    sequence,
    projectId,
    format: sequence % 2 === 0 ? ('json' as const) : ('protobuf' as const),
    encoding: 'gzip' as const,
    genAiOnly: sequence % 3 === 0,
    bodyBytes: payload.length * 4,
    receivedAtMs: 1_700_000_000_000 + sequence,
    payload,
  };
}

function logOf(payloads: readonly Uint8Array[]): { bytes: Buffer; starts: number[] } {
  const starts: number[] = [];
  let bytes = Buffer.from(LOG_MAGIC);
  payloads.forEach((payload, i) => {
    starts.push(bytes.length);
    bytes = Buffer.concat([bytes, ...encodeFrame(frameOf(i + 1, payload))]);
  });
  return { bytes, starts };
}

const payloads: Uint8Array[] = [5, 0, 300, 17, 80].map((size, i) => new Uint8Array(size).fill(i + 1));

test('frames come back as they were written', () => {
  const { bytes } = logOf(payloads);
  const log = readLog(bytes);
  expect(log.damaged).toEqual([]);
  expect(log.soundEnd).toBe(bytes.length);
  const expected: Frame[] = payloads.map((payload, i) => ({
    ...frameOf(i + 1, payload),
    payloadHash: Bun.hash.xxHash3(payload),
  }));
  const found: Frame[] = log.frames.map((frame) => ({ ...frame, payload: Uint8Array.from(frame.payload) }));
  expect(found).toEqual(expected);
});

test('a log cut at every byte of its last three frames keeps the whole frames before', () => {
  const { bytes, starts } = logOf(payloads);
  for (let size = starts[2]; size < bytes.length; size++) {
    const log = readLog(bytes.subarray(0, size));
    const whole = starts.filter((_, i) => (starts[i + 1] ?? bytes.length) <= size).length;
    expect(log.frames.map((frame) => frame.sequence)).toEqual(Array.from({ length: whole }, (_, i) => i + 1));
    expect(log.damaged).toEqual([]);
    expect(log.soundEnd).toBe(starts[whole] ?? bytes.length);
  }
});

test('every single flipped bit is noticed, and costs no other frame', () => {
  const { bytes, starts } = logOf(payloads);
  for (let bit = LOG_MAGIC.length * 8; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >>> 3] ^= 1 << (bit & 7);
    const hit = starts.findLastIndex((start) => start <= bit >>> 3);
    const log = readLog(flipped);
    const left = payloads.map((_, i) => i + 1).filter((sequence) => sequence !== hit + 1);
    expect(log.frames.map((frame) => frame.sequence)).toEqual(left);
    const isLast = hit === payloads.length - 1;
    expect(log.damaged).toEqual(isLast ? [] : [{ start: starts[hit], end: starts[hit + 1] }]);
    expect(log.soundEnd).toBe(isLast ? starts[hit] : bytes.length);
  }
});

test('a payload that holds a frame, or garbage between frames, is not taken for one', () => {
  const inner = Buffer.concat(encodeFrame(frameOf(99, new Uint8Array(20))));
  const { bytes, starts } = logOf([inner, new Uint8Array(8)]);
  expect(readLog(bytes).frames.map((frame) => frame.sequence)).toEqual([1, 2]);
  const spoiled = Buffer.concat([
    bytes.subarray(0, starts[1]),
    Buffer.alloc(33, 7),
    bytes.subarray(starts[1]),
  ]);
  const log = readLog(spoiled);
  expect(log.frames.map((frame) => frame.sequence)).toEqual([1, 2]);
  expect(log.damaged).toEqual([{ start: starts[1], end: starts[1] + 33 }]);
});

test('no bytes at all crash the reader', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(500), (noise, at) => {
      const { bytes } = logOf(payloads);
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
      const log = readLog(bytes);
      expect(log.frames.length).toBeLessThanOrEqual(payloads.length);
    }),
    { numRuns: 300 },
  );
});
