/** Bodies of requests, bounded before and after decompression. */
import { promisify } from 'node:util';
import { gunzip, gunzipSync, inflate, inflateSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import type { ExportRequest } from '../store/span-store.ts';

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

/** The body as it came. Throws BodyTooLargeError as soon as it is too large, whatever Content-Length says. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > limit) throw new BodyTooLargeError(limit);
  if (request.body === null) return new Uint8Array(0);
  try {
    return announced > 0
      ? new Uint8Array(await request.arrayBuffer())
      : await readChunks(request.body, limit);
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw error;
    throw new BodyError('the body ended early');
  }
}

async function readChunks(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) throw new BodyTooLargeError(limit);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
}

/** Undefined for one that is not known, and for several. */
export function contentEncoding(header: string | null): ContentEncoding | undefined {
  const name = header?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return 'identity';
  return name === 'gzip' || name === 'zstd' || name === 'deflate' ? name : undefined;
}

const SYNC = { gzip: gunzipSync, zstd: zstdDecompressSync, deflate: inflateSync };
const ASYNC = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress), deflate: promisify(inflate) };

/** Throws BodyTooLargeError, having held at most `limit` bytes, or BodyError. */
export async function decompress(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  limit: number,
): Promise<Uint8Array> {
  if (encoding === 'identity' || bytes.length === 0) return bytes;
  if (bytes.length <= INLINE_COMPRESSED_BYTES) {
    try {
      return SYNC[encoding](bytes, { maxOutputLength: Math.min(limit, INLINE_BYTES) });
    } catch (error) {
      if (!isTooLarge(error)) throw new BodyError(`the body is no ${encoding}`);
      if (limit <= INLINE_BYTES) throw new BodyTooLargeError(limit);
    }
  }
  try {
    const decompressed = ASYNC[encoding] as (input: Uint8Array, options: object) => Promise<Buffer>;
    return await decompressed(bytes, { maxOutputLength: limit });
  } catch (error) {
    throw isTooLarge(error) ? new BodyTooLargeError(limit) : new BodyError(`the body is no ${encoding}`);
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError || (error as { code?: string } | null)?.code === 'ERR_BUFFER_TOO_LARGE';
}
