/**
 * Trace indexes of format 1. Layout, little endian: magic "SLTRACE1", entry count (u32), CRC-32 of what
 * follows (u32), then four arrays of u32, sorted by the first two: key high word, key low word, first row,
 * row count. Rewrites replace them by the format of today.
 */
import { crc32 } from 'node:zlib';
import type { TraceIndex } from './trace-index.ts';

const MAGIC = new TextEncoder().encode('SLTRACE1');
const HEADER_BYTES = 16;
const BYTES_PER_ENTRY = 16;

/** Throws RangeError when the bytes are not a whole trace index. `bytes` begin at a multiple of 4. */
export function openFormat1(bytes: Uint8Array): TraceIndex {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new RangeError(`trace index: ${bytes.length} bytes without its magic`);
  }
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const count = words[2];
  if (bytes.length !== HEADER_BYTES + count * BYTES_PER_ENTRY) {
    throw new RangeError(`trace index: ${bytes.length} bytes for ${count} traces`);
  }
  if (crc32(bytes.subarray(HEADER_BYTES)) !== words[3]) throw new RangeError('trace index: wrong checksum');
  const part = (n: number) => words.subarray(4 + n * count, 4 + (n + 1) * count);
  return { count, high: part(0), low: part(1), firstRow: part(2), rowCount: part(3) };
}
