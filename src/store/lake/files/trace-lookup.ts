/**
 * A `.traces` file asked without loading it: what is kept of it is its header, 12 bytes for 256 traces, and
 * its filter, 10 bits a trace.
 */
import { crc32 } from 'node:zlib';
import { bloomMayHave } from './bloom.ts';
import { CHUNK_BYTES } from './checked-chunks.ts';
import type { OpenedFile } from './checked-chunks.ts';
import {
  BYTES_PER_ENTRY,
  TRACE_FIXED_BYTES,
  TRACE_MAGIC,
  TRACE_PREFIX_BYTES,
  traceHashA,
  traceHashB,
} from './trace-index.ts';
import type { RowRange } from './trace-index.ts';

export interface TraceIndexHeader {
  readonly rows: number;
  readonly count: number;
  /** Bytes of the filter, which stands behind the header. */
  readonly bytes: number;
  readonly filterBytes: number;
  readonly filterChecksum: number;
  /** High and low word of the first key of each chunk of entries. */
  readonly firstKeys: Uint32Array;
  readonly checksums: Uint32Array;
}

/** Undefined for a file of format 1, which is read whole. Throws RangeError when it is damaged. */
export function readTraceHeader(file: OpenedFile): TraceIndexHeader | undefined {
  if (file.bytes < TRACE_FIXED_BYTES) throw new RangeError(`trace index: only ${file.bytes} bytes`);
  const fixed = file.read(0, TRACE_FIXED_BYTES);
  if (TRACE_MAGIC.some((byte, i) => fixed[i] !== byte)) return undefined;
  const [, , bytes, checksum, count, rows, blocks, filterChecksum] = new Uint32Array(fixed.buffer);
  const chunks = Math.ceil((count * BYTES_PER_ENTRY) / CHUNK_BYTES);
  const filterBytes = blocks * 32;
  if (
    bytes !== TRACE_FIXED_BYTES + chunks * 12 ||
    file.bytes !== bytes + filterBytes + count * BYTES_PER_ENTRY
  ) {
    throw new RangeError(`trace index: ${file.bytes} bytes for ${count} traces`);
  }
  const header = file.read(0, bytes);
  if (crc32(header.subarray(TRACE_PREFIX_BYTES)) !== checksum) {
    throw new RangeError('trace index: wrong checksum of the header');
  }
  const words = new Uint32Array(header.buffer);
  const keysAt = TRACE_FIXED_BYTES / 4;
  const firstKeys = words.subarray(keysAt, keysAt + chunks * 2);
  const checksums = words.subarray(keysAt + chunks * 2);
  return { rows, count, bytes, filterBytes, filterChecksum, firstKeys, checksums };
}

/** Throws RangeError when it is damaged. */
export function readTraceFilter(file: OpenedFile, header: TraceIndexHeader): Int32Array {
  const bytes = file.read(header.bytes, header.filterBytes);
  if (crc32(bytes) !== header.filterChecksum)
    throw new RangeError('trace index: wrong checksum of the filter');
  return new Int32Array(bytes.buffer);
}

/** Never false for a trace of the file. */
export function mayHaveTrace(filter: Int32Array, high: number, low: number): boolean {
  return bloomMayHave(filter, traceHashA(high, low), traceHashB(high, low));
}

/** Look-ups in one opened file; those in the order of their keys read each chunk once. */
export class TraceLookup {
  #chunk = -1;
  #words: Uint32Array = new Uint32Array(0);

  constructor(
    readonly file: OpenedFile,
    readonly header: TraceIndexHeader,
  ) {}

  /** The rows that may belong to a trace. Throws RangeError when the chunk is damaged. */
  find(high: number, low: number): RowRange[] {
    const { firstKeys } = this.header;
    const chunks = firstKeys.length / 2;
    // The last chunk that begins before the key may end with it; it goes on in chunks that begin with it.
    let from = 0;
    let to = chunks;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isBefore(firstKeys, middle * 2, high, low)) from = middle + 1;
      else to = middle;
    }
    const found: RowRange[] = [];
    for (let chunk = Math.max(0, from - 1); chunk < chunks; chunk++) {
      if (chunk >= from && (firstKeys[chunk * 2] !== high || firstKeys[chunk * 2 + 1] !== low)) break;
      this.#findIn(chunk, high, low, found);
    }
    return found;
  }

  #findIn(chunk: number, high: number, low: number, found: RowRange[]): void {
    const words = this.#read(chunk);
    let from = 0;
    let to = words.length / 4;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isBefore(words, middle * 4, high, low)) from = middle + 1;
      else to = middle;
    }
    for (let at = from * 4; at < words.length && words[at] === high && words[at + 1] === low; at += 4) {
      found.push({ firstRow: words[at + 2], rowCount: words[at + 3] });
    }
  }

  #read(chunk: number): Uint32Array {
    if (chunk === this.#chunk) return this.#words;
    const { header } = this;
    const entriesAt = header.bytes + header.filterBytes;
    const bytes = this.file.chunk(chunk, entriesAt, header.count * BYTES_PER_ENTRY, header.checksums);
    this.#words = new Uint32Array(bytes.buffer);
    this.#chunk = chunk;
    return this.#words;
  }
}

function isBefore(words: Uint32Array, at: number, high: number, low: number): boolean {
  return words[at] < high || (words[at] === high && words[at + 1] < low);
}
