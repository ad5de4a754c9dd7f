/** Bodies of requests, bounded before and after decompression. */
import {
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { ExportRequest } from '../store/span-store.ts';
import { OverloadError, StalledUploadError } from './admission.ts';
import type { Hold } from './admission.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { isWholeZstd } from './zstd-frames.ts';

export type ContentEncoding = ExportRequest['received']['encoding'];

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
  constructor(readonly limit: number) {
    super(`the body is larger than the limit of ${limit} bytes`);
  }
}

/** A compressed body that is cut off, damaged or not compressed that way. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}

/**
 * Decompressing at once on the HTTP loop beats a trip to the thread pool, as long as it is short: at most
 * this much in, at most that much out, some 3 ms.
 */
const INLINE_COMPRESSED_BYTES = 128 * 1024;
const INLINE_BYTES = 4 * 1024 * 1024;

/**
 * The body as it came, counted by `hold` as it comes. Throws BodyTooLargeError as soon as it is too large, whatever
 * Content-Length says, OverloadError when there is no room for more of it, StalledUploadError when it was cut.
 */
export async function readBody(request: Request, limit: number, hold: Hold): Promise<Uint8Array> {
  const announced = announcedBytes(request);
  if (announced !== undefined && announced > limit) throw new BodyTooLargeError(limit);
  if (announced === 0 || (announced === undefined && request.body === null)) return new Uint8Array(0);
  try {
    return hold.isWhole
      ? await readWhole(request, hold)
      : await readPieces(request, announced ?? 0, limit, hold);
  } catch (error) {
    if (isOfBody(error)) throw error;
    throw new BodyError('the body ended early');
  } finally {
    hold.complete();
  }
}

/** A form or a small JSON text, which no budget counts. Throws BodyTooLargeError or BodyError. */
export async function readSmallBody(request: Request, limit: number): Promise<Uint8Array> {
  const bytes = new GrowingBytes(limit);
  try {
    for await (const piece of request.body ?? []) {
      if (bytes.length + piece.length > limit) throw new BodyTooLargeError(limit);
      bytes.add(piece);
    }
  } catch (error) {
    throw error instanceof BodyTooLargeError ? error : new BodyError('the body ended early');
  }
  return bytes.taken();
}

/** What Content-Length says; undefined without one. */
export function announcedBytes(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null || !/^\d+$/.test(header) ? undefined : Number(header);
}

function isOfBody(error: unknown): boolean {
  return (
    error instanceof BodyTooLargeError ||
    error instanceof OverloadError ||
    error instanceof StalledUploadError
  );
}

/** Half the cost of reading in pieces. */
async function readWhole(request: Request, hold: Hold): Promise<Uint8Array> {
  const body = await new Promise<ArrayBuffer>((resolve, reject) => {
    hold.onCut = reject;
    request.arrayBuffer().then(resolve, reject);
  });
  hold.arrive(body.byteLength);
  return new Uint8Array(body);
}

async function readPieces(
  request: Request,
  announced: number,
  limit: number,
  hold: Hold,
): Promise<Uint8Array> {
  const reader = request.body?.getReader();
  const bytes = new GrowingBytes(announced === 0 ? limit : announced);
  if (reader === undefined) return bytes.taken();
  let cut: StalledUploadError | undefined;
  hold.onCut = (error) => {
    cut = error;
    // The pending read then ends.
    reader.cancel().catch(() => {});
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (cut !== undefined) throw cut;
      if (done) break;
      if (bytes.length + value.length > limit) throw new BodyTooLargeError(limit);
      hold.arrive(value.length);
      bytes.add(value);
    }
  } catch (error) {
    bytes.free();
    throw error;
  }
  if (bytes.length < announced) throw new BodyError('the body ended early');
  return bytes.taken();
}

/** Undefined for one that is not known, and for several. */
export function contentEncoding(header: string | null): ContentEncoding | undefined {
  const name = header?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return 'identity';
  return name === 'gzip' || name === 'zstd' || name === 'deflate' ? name : undefined;
}

const SYNC = { gzip: gunzipSync, zstd: zstdDecompressSync, deflate: inflateSync };
const STREAMS = { gzip: createGunzip, zstd: createZstdDecompress, deflate: createInflate };

/**
 * The bytes before compression, counted by `hold`. Throws BodyTooLargeError, having held at most `limit` bytes,
 * OverloadError when there is no room for them, or BodyError.
 */
export async function decompress(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  limit: number,
  hold: Hold,
): Promise<Uint8Array> {
  if (encoding === 'identity' || bytes.length === 0) return bytes;
  if (encoding === 'zstd' && !isWholeZstd(bytes)) throw new BodyError('the body is no zstd, or is cut off');
  const inline =
    bytes.length <= INLINE_COMPRESSED_BYTES ? decompressInline(bytes, encoding, limit) : undefined;
  if (inline === undefined) return inTurn(() => decompressAside(bytes, encoding, limit, hold));
  hold.decompressed(inline.length);
  return inline;
}

const ZLIB_CHUNK_BYTES = 16 * 1024;
/** Batches of spans shrink to a fifth or a tenth; a trailer that says more gets no memory for it in advance. */
const LIKELY_RATIO = 16;

/**
 * A chunk for all that comes out, as the trailer says, so that no pieces are copied together: a fifth of the
 * instructions. One byte more, or a second chunk is begun.
 */
function chunkOf(gzip: Uint8Array): number {
  if (gzip.length < 18) return ZLIB_CHUNK_BYTES;
  const said = new DataView(gzip.buffer, gzip.byteOffset).getUint32(gzip.length - 4, true);
  return Math.max(1024, Math.min(said + 1, gzip.length * LIKELY_RATIO, INLINE_BYTES));
}

/** Undefined when it is not as short as it seemed. */
function decompressInline(
  bytes: Uint8Array,
  encoding: keyof typeof STREAMS,
  limit: number,
): Uint8Array | undefined {
  try {
    const maxOutputLength = Math.min(limit, INLINE_BYTES);
    const chunkSize = encoding === 'gzip' ? chunkOf(bytes) : ZLIB_CHUNK_BYTES;
    return SYNC[encoding](bytes, { maxOutputLength, chunkSize });
  } catch (error) {
    if (!isTooLarge(error)) throw new BodyError(`the body is no ${encoding}`);
    if (limit <= INLINE_BYTES) throw new BodyTooLargeError(limit);
    return undefined;
  }
}

/**
 * Large bodies that are decompressed at once; the others wait, compressed. 20 bombs at once took 1.2 GB
 * without. There is no network in it, so one that is let in ends in milliseconds.
 */
const LARGE_AT_ONCE = 2;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= LARGE_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await work();
  } finally {
    // Who waits takes over the place.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

/** Few trips to the thread pool, and little left over behind a small body. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * In the thread pool. A row of 10 GiB bombs grew the process by 240 MB with the one-shot functions, whose
 * pieces wait for the garbage collector, and by 77 MB so; 0.7 MB took 1.8 ms instead of 2.9.
 */
async function decompressAside(
  bytes: Uint8Array,
  encoding: keyof typeof STREAMS,
  limit: number,
  hold: Hold,
): Promise<Uint8Array> {
  const stream = STREAMS[encoding]({ chunkSize: CHUNK_BYTES });
  const whole = new GrowingBytes(limit);
  try {
    await new Promise<void>((resolve, reject) => {
      stream.on('data', (chunk: Buffer) => {
        try {
          if (whole.length + chunk.length > limit) throw new BodyTooLargeError(limit);
          hold.decompressed(chunk.length);
          whole.add(chunk);
        } catch (error) {
          stream.destroy();
          reject(error instanceof Error ? error : new Error(String(error)));
        } finally {
          freeChunk(chunk);
        }
      });
      stream.on('end', resolve);
      stream.on('error', () => reject(new BodyError(`the body is no ${encoding}`)));
      stream.end(bytes);
    });
    return whole.taken();
  } catch (error) {
    whole.free();
    throw error;
  }
}

/** Gives the memory back now. A chunk that is not full may lie in the buffer that the stream still has. */
function freeChunk({ buffer, length }: Buffer): void {
  if (length === CHUNK_BYTES && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

/** Buffers from this size on are given back as soon as nobody needs them; smaller ones wait for the collector. */
const FREED_BYTES = 1024 * 1024;

/**
 * Gives the memory of an answered request's body back now: the collector comes after some hundred MB of them.
 * Nothing may look at `bytes` afterwards.
 */
export function freeBody({ buffer, byteLength }: Uint8Array): void {
  if (byteLength >= FREED_BYTES && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError || (error as { code?: string } | null)?.code === 'ERR_BUFFER_TOO_LARGE';
}
