/**
 * Files that are read in small pieces and yet checked: their data comes in chunks of 4 KiB, the last one
 * shorter, whose CRC-32 stand in the header. A read of a few bytes reads and checks their chunk, some 2 us.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export const CHUNK_BYTES = 4096;

export function checksumsOf(data: Uint8Array): Uint32Array {
  const sums = new Uint32Array(Math.ceil(data.length / CHUNK_BYTES));
  for (let i = 0; i < sums.length; i++) {
    sums[i] = crc32(data.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
  }
  return sums;
}

/** A file open for reading. Synchronous: mostly the page cache answers, in about a microsecond. */
export class OpenedFile {
  readonly #descriptor: number;
  readonly bytes: number;
  /** Another one when the file was made anew or written to. */
  readonly identity: string;

  /** Throws what the system says when the file can't be opened. */
  constructor(readonly path: string) {
    this.#descriptor = openSync(path, 'r');
    const { size, ino, mtimeMs } = fstatSync(this.#descriptor);
    this.bytes = size;
    this.identity = `${ino} ${size} ${mtimeMs}`;
  }

  /** Throws RangeError when the file ends before. The memory is aligned for any typed array. */
  read(from: number, count: number): Uint8Array {
    return this.readInto(new Uint8Array(count), from);
  }

  /** The same into memory of the caller's, all of it. */
  readInto(bytes: Uint8Array, from: number): Uint8Array {
    const count = bytes.length;
    let filled = 0;
    while (filled < count) {
      const got = readSync(this.#descriptor, bytes, filled, count - filled, from + filled);
      if (got === 0) throw new RangeError(`${this.path} ends at ${from + filled}, before ${from + count}`);
      filled += got;
    }
    return bytes;
  }

  /** The chunk of that number of the data that begin at `dataFrom`. Throws RangeError when it is damaged. */
  chunk(index: number, dataFrom: number, dataBytes: number, checksums: Uint32Array): Uint8Array {
    const from = index * CHUNK_BYTES;
    const bytes = this.read(dataFrom + from, Math.min(CHUNK_BYTES, dataBytes - from));
    if (crc32(bytes) !== checksums[index]) {
      throw new RangeError(`${this.path}: wrong checksum of the chunk at ${dataFrom + from}`);
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Opens, uses, closes. */
export function withFile<T>(path: string, use: (file: OpenedFile) => T): T {
  const file = new OpenedFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
