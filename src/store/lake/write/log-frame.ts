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
import { hashWords } from './delivery-keys.ts';
import type { HashWords } from './delivery-keys.ts';

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

const encoder = new TextEncoder();

/** Header, payload and trailer: the payload is not copied. `payloadHash` where it is known already. */
export function encodeFrame(
  frame: Omit<Frame, 'payloadHash'>,
  payloadHash: HashWords = hashWords(frame.payload),
): Uint8Array[] {
  const project = encoder.encode(frame.projectId);
  if (project.length > 255) throw new RangeError(`a project id of ${project.length} bytes`);
  const headerBytes = FIXED_HEADER_BYTES + project.length + CHECKSUM_BYTES;
  const both = Buffer.alloc(headerBytes + CHECKSUM_BYTES);
  const header = both.subarray(0, headerBytes);
  header.writeUInt32LE(FRAME_MAGIC, 0);
  header.writeUInt16LE(headerBytes, 4);
  header[6] = FORMATS.indexOf(frame.format);
  header[7] = ENCODINGS.indexOf(frame.encoding);
  header.writeUInt16LE(frame.genAiOnly ? FLAG_GEN_AI_ONLY : 0, 8);
  header[10] = KIND_TRACES;
  header[11] = project.length;
  header.writeUInt32LE(frame.payload.length, 12);
  header.writeUInt32LE(frame.bodyBytes, 16);
  writeInteger(header, frame.sequence, 20);
  header.writeUInt32LE(payloadHash[0], 28);
  header.writeUInt32LE(payloadHash[1], 32);
  writeInteger(header, frame.receivedAtMs, 36);
  header.set(project, FIXED_HEADER_BYTES);
  const checksumAt = headerBytes - CHECKSUM_BYTES;
  header.writeUInt32LE(crc32(header.subarray(0, checksumAt)), checksumAt);
  both.writeUInt32LE(crc32(frame.payload), headerBytes);
  return [header, frame.payload, both.subarray(headerBytes)];
}

/** A non-negative integer as 64 bits. */
function writeInteger(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % 2 ** 32, at);
  into.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
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
