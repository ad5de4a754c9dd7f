/**
 * Frames of the write-ahead log. A frame holds one export request as it was received. Little endian:
 *
 *   0 magic "SLF1"        4 header bytes (u16)     6 format (u8)        7 encoding (u8)
 *   8 flags (u16)        10 kind (u8)             11 project id bytes (u8)
 *  12 payload bytes (u32)                         16 body bytes after decompression (u32)
 *  20 sequence (u64)     28 xxHash3 of the payload (u64)
 *  36 received at, Unix ms (u64)                  44 project id, then CRC-32 of the header (u32)
 *
 * then the payload and its CRC-32 (u32). The hash names the request, so that one delivered again can be
 * told; the checksums tell damage.
 */
import { crc32 } from 'node:zlib';
import type { ExportRequest } from '../../span-store.ts';

/** Begins each log file; a file without it is none of ours, or was created and never written. */
export const LOG_MAGIC = new TextEncoder().encode('SPANLOG1');

const FRAME_MAGIC = 0x31464c53;
const FIXED_HEADER_BYTES = 44;
const CHECKSUM_BYTES = 4;
const KIND_TRACES = 1;
const FLAG_GEN_AI_ONLY = 1;

const FORMATS: readonly ExportRequest['format'][] = ['protobuf', 'json'];
const ENCODINGS: readonly ExportRequest['received']['encoding'][] = ['identity', 'gzip', 'zstd', 'deflate'];

export interface Frame {
  readonly sequence: number;
  readonly projectId: string;
  readonly format: ExportRequest['format'];
  readonly encoding: ExportRequest['received']['encoding'];
  readonly genAiOnly: boolean;
  /** Of the payload after decompression. */
  readonly bodyBytes: number;
  readonly receivedAtMs: number;
  /** xxHash3 of the payload. */
  readonly payloadHash: bigint;
  readonly payload: Uint8Array;
}

/** Header and trailer; the payload goes between them, and is not copied here. */
export function encodeFrame(frame: Omit<Frame, 'payloadHash'>): Uint8Array[] {
  const project = new TextEncoder().encode(frame.projectId);
  if (project.length > 255) throw new RangeError(`a project id of ${project.length} bytes`);
  const headerBytes = FIXED_HEADER_BYTES + project.length + CHECKSUM_BYTES;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(FRAME_MAGIC, 0);
  header.writeUInt16LE(headerBytes, 4);
  header.writeUInt8(FORMATS.indexOf(frame.format), 6);
  header.writeUInt8(ENCODINGS.indexOf(frame.encoding), 7);
  header.writeUInt16LE(frame.genAiOnly ? FLAG_GEN_AI_ONLY : 0, 8);
  header.writeUInt8(KIND_TRACES, 10);
  header.writeUInt8(project.length, 11);
  header.writeUInt32LE(frame.payload.length, 12);
  header.writeUInt32LE(frame.bodyBytes, 16);
  header.writeBigUInt64LE(BigInt(frame.sequence), 20);
  header.writeBigUInt64LE(Bun.hash.xxHash3(frame.payload), 28);
  header.writeBigUInt64LE(BigInt(frame.receivedAtMs), 36);
  header.set(project, FIXED_HEADER_BYTES);
  header.writeUInt32LE(crc32(header.subarray(0, headerBytes - CHECKSUM_BYTES)), headerBytes - CHECKSUM_BYTES);
  const trailer = Buffer.alloc(CHECKSUM_BYTES);
  trailer.writeUInt32LE(crc32(frame.payload), 0);
  return [header, frame.payload, trailer];
}

/** The frame at `at` and where the next begins; undefined when the bytes there are no whole, sound frame. */
export function decodeFrame(log: Buffer, at: number): { frame: Frame; end: number } | undefined {
  const headerBytes = soundHeader(log, at);
  if (headerBytes === undefined) return undefined;
  const payloadStart = at + headerBytes;
  const payloadEnd = payloadStart + log.readUInt32LE(at + 12);
  const end = payloadEnd + CHECKSUM_BYTES;
  if (end > log.length) return undefined;
  const payload = log.subarray(payloadStart, payloadEnd);
  if (crc32(payload) !== log.readUInt32LE(payloadEnd)) return undefined;
  const format = FORMATS[log[at + 6]];
  const encoding = ENCODINGS[log[at + 7]];
  if (format === undefined || encoding === undefined || log[at + 10] !== KIND_TRACES) return undefined;
  const frame: Frame = {
    sequence: Number(log.readBigUInt64LE(at + 20)),
    projectId: log.toString('utf8', at + FIXED_HEADER_BYTES, at + FIXED_HEADER_BYTES + log[at + 11]),
    format,
    encoding,
    genAiOnly: (log.readUInt16LE(at + 8) & FLAG_GEN_AI_ONLY) !== 0,
    bodyBytes: log.readUInt32LE(at + 16),
    receivedAtMs: Number(log.readBigUInt64LE(at + 36)),
    payloadHash: log.readBigUInt64LE(at + 28),
    payload,
  };
  return { frame, end };
}

/** The header's length, when its magic, lengths and checksum hold. */
function soundHeader(log: Buffer, at: number): number | undefined {
  if (at + FIXED_HEADER_BYTES + CHECKSUM_BYTES > log.length) return undefined;
  if (log.readUInt32LE(at) !== FRAME_MAGIC) return undefined;
  const headerBytes = log.readUInt16LE(at + 4);
  if (headerBytes !== FIXED_HEADER_BYTES + log[at + 11] + CHECKSUM_BYTES) return undefined;
  if (at + headerBytes > log.length) return undefined;
  const checksumAt = at + headerBytes - CHECKSUM_BYTES;
  return crc32(log.subarray(at, checksumAt)) === log.readUInt32LE(checksumAt) ? headerBytes : undefined;
}

export interface LogContents {
  readonly frames: readonly Frame[];
  /** Damaged stretches with sound frames behind them. */
  readonly damaged: readonly { readonly start: number; readonly end: number }[];
  /** Where the sound frames end: what lies behind is a torn tail. */
  readonly soundEnd: number;
}

/** Every sound frame of a log file, whatever stands between them. */
export function readLog(bytes: Uint8Array): LogContents {
  const log = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Frame[] = [];
  const damaged: { start: number; end: number }[] = [];
  const hasMagic = LOG_MAGIC.every((byte, i) => log[i] === byte);
  let soundEnd = hasMagic ? LOG_MAGIC.length : 0;
  let at = soundEnd;
  while (at < log.length) {
    const found = decodeFrame(log, at);
    if (found === undefined) {
      at = nextMagic(log, at + 1);
      continue;
    }
    if (at > soundEnd) damaged.push({ start: soundEnd, end: at });
    frames.push(found.frame);
    at = soundEnd = found.end;
  }
  return { frames, damaged, soundEnd };
}

/**
 * True for what a crash in the middle of a write leaves: a frame that ends too early, or zeros where the
 * file grew before its bytes came. Anything else was damaged later, and may have been acknowledged.
 */
export function isTornWrite(bytes: Uint8Array): boolean {
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (tail.length < FIXED_HEADER_BYTES + CHECKSUM_BYTES) return true;
  const headerBytes = soundHeader(tail, 0);
  if (headerBytes !== undefined) return headerBytes + tail.readUInt32LE(12) + CHECKSUM_BYTES > tail.length;
  return tail.every((byte) => byte === 0);
}

const MAGIC_BYTES = Buffer.from(Uint32Array.of(FRAME_MAGIC).buffer);

function nextMagic(log: Buffer, from: number): number {
  const at = log.indexOf(MAGIC_BYTES, from);
  return at < 0 ? log.length : at;
}
