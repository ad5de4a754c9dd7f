/** A file of an import as a stream of bytes: gzip and zstd are undone, told by their first bytes. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** The input can't be read any further: `message` says why. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Bytes that are asked for in any amount, and come as the file gives them. */
export class ByteStream {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #ended = false;
  /** Taken so far, after decompression. */
  taken = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to `count` bytes that come next, which stay; fewer at the end. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#chunk.length < count && !this.#ended) {
      const next = await this.#pull();
      if (next !== undefined) this.#chunk = Buffer.concat([this.#chunk, next]);
    }
    return this.#chunk.subarray(0, count);
  }

  /** Exactly `count` bytes; undefined when there are none at all. Throws InputError when it ends among them. */
  async take(count: number): Promise<Uint8Array | undefined> {
    const bytes = await this.peek(count);
    if (bytes.length === 0 && count > 0) return undefined;
    if (bytes.length < count) throw new InputError(`ends after ${bytes.length} of ${count} bytes`);
    this.#chunk = this.#chunk.subarray(count);
    this.taken += count;
    return bytes;
  }

  /** What comes next, as much as there is at once; undefined at the end. */
  async takeSome(): Promise<Uint8Array | undefined> {
    const bytes = this.#chunk.length > 0 ? this.#chunk : await this.#pull();
    this.#chunk = new Uint8Array(0);
    this.taken += bytes?.length ?? 0;
    return bytes;
  }

  /** The rest. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (let bytes = await this.takeSome(); bytes !== undefined; bytes = await this.takeSome()) yield bytes;
  }

  async #pull(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined;
    let result: IteratorResult<Uint8Array>;
    try {
      result = await this.#source.next();
    } catch (error) {
      this.#ended = true;
      throw new InputError(error instanceof Error ? error.message : String(error));
    }
    this.#ended = result.done === true;
    return result.done === true ? undefined : result.value;
  }
}

/** `-` is the standard input. */
export async function openInput(path: string): Promise<ByteStream> {
  const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1024 * 1024 });
  return decompressed(new ByteStream(stream as AsyncIterable<Uint8Array>));
}

async function decompressed(bytes: ByteStream): Promise<ByteStream> {
  switch (compressionOf(await bytes.peek(4))) {
    case 'gzip':
      return through(bytes, createGunzip());
    case 'zstd':
      return through(bytes, createZstdDecompress());
    case 'none':
      return bytes;
  }
}

function through(bytes: ByteStream, transform: Transform): ByteStream {
  const source = Readable.from(bytes.rest());
  source.on('error', (error) => transform.destroy(error));
  return new ByteStream(source.pipe(transform) as AsyncIterable<Uint8Array>);
}

export function compressionOf(start: Uint8Array): 'gzip' | 'zstd' | 'none' {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  const isZstd = start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd;
  return isZstd ? 'zstd' : 'none';
}
