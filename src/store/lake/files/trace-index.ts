/**
 * The trace index beside each Parquet file (`.traces`): where the rows of a trace stand. Rows of one trace
 * are contiguous in a file. An entry has the low 64 bits of the trace id: the half that every sender fills
 * at random (64-bit ids come padded with zeros above, X-Ray's begin with the time). Two traces may share
 * them, so a reader compares the trace_id column of the rows found.
 *
 * Layout, little endian, words of 32 bits: magic "SLTRACE2", bytes of the header, CRC-32 of the header from
 * here on, count of entries, rows of the file, blocks of the filter, CRC-32 of the filter; then for each
 * chunk of 256 entries the key of its first (high, low), then the CRC-32 of each chunk. Behind the header
 * the filter (bloom.ts), then the entries, sorted by key: high word, low word, first row, row count.
 * So a look-up that has header and filter in memory reads nothing for a trace that is not there, and one
 * chunk of 4 KiB for one that is. "SLTRACE1" files, of format 1, are read whole.
 */
import { crc32 } from 'node:zlib';
import { addToBloom, blocksFor, finishHash } from './bloom.ts';
import { CHUNK_BYTES, checksumsOf } from './checked-chunks.ts';
import { orderOfKeys } from './radix-order.ts';
import { openFormat1 } from './trace-index-format1.ts';

export const TRACE_MAGIC = new TextEncoder().encode('SLTRACE2');
export const TRACE_PREFIX_BYTES = 16;
/** With the four counts and checksums that stand before the chunks' keys. */
export const TRACE_FIXED_BYTES = 32;
export const BYTES_PER_ENTRY = 16;
const ENTRIES_PER_CHUNK = CHUNK_BYTES / BYTES_PER_ENTRY;
/** One of 60 traces that are not in a file costs a read of a chunk. */
const FILTER_BITS_PER_TRACE = 10;

export interface TraceIndex {
  readonly count: number;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly firstRow: Uint32Array;
  readonly rowCount: Uint32Array;
}

export interface RowRange {
  readonly firstRow: number;
  readonly rowCount: number;
}

/** Traces as they stand in a file: 16 bytes an id. */
export interface TraceRuns {
  readonly ids: Uint8Array;
  readonly firstRow: Uint32Array;
  readonly rowCount: Uint32Array;
  readonly count: number;
}

/** The key of the trace id that begins at `at`: bytes 8 to 15, big endian as in the id's hex text. */
export function traceKeyWords(ids: Uint8Array, at: number): { high: number; low: number } {
  return { high: word(ids, at + 8), low: word(ids, at + 12) };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** The filter's hash of a key: the first of two words. Ids that are no random numbers spread as well. */
export function traceHashA(high: number, low: number): number {
  return finishHash(low ^ Math.imul(finishHash(high), 0x9e3779b1));
}

export function traceHashB(high: number, low: number): number {
  return finishHash(high ^ Math.imul(finishHash(low ^ 0x5bd1e995), 0x85ebca6b));
}

/** The bytes of a `.traces` file. A trace may have several runs. */
export function traceIndexOf({ ids, firstRow, rowCount, count }: TraceRuns): Uint8Array {
  const high = new Uint32Array(count);
  const low = new Uint32Array(count);
  let rows = 0;
  for (let i = 0; i < count; i++) {
    high[i] = word(ids, i * 16 + 8);
    low[i] = word(ids, i * 16 + 12);
    rows += rowCount[i];
  }
  const order = orderOfKeys(high, low);
  const entries = new Uint32Array(count * 4);
  const filter = new Int32Array(blocksFor(count, FILTER_BITS_PER_TRACE) * 8);
  for (let i = 0; i < count; i++) {
    const trace = order[i];
    entries[i * 4] = high[trace];
    entries[i * 4 + 1] = low[trace];
    entries[i * 4 + 2] = firstRow[trace];
    entries[i * 4 + 3] = rowCount[trace];
    addToBloom(filter, traceHashA(high[trace], low[trace]), traceHashB(high[trace], low[trace]));
  }
  return assembled(entries, filter, rows);
}

function assembled(entries: Uint32Array, filter: Int32Array, rows: number): Uint8Array {
  const count = entries.length / 4;
  const entryBytes = new Uint8Array(entries.buffer);
  const filterBytes = new Uint8Array(filter.buffer);
  const checksums = checksumsOf(entryBytes);
  const headerBytes = TRACE_FIXED_BYTES + checksums.length * 12;
  const out = new Uint8Array(headerBytes + filterBytes.length + entryBytes.length);
  const words = new Uint32Array(out.buffer, 0, headerBytes / 4);
  words.set([count, rows, filter.length / 8, crc32(filterBytes)], TRACE_PREFIX_BYTES / 4);
  let at = TRACE_FIXED_BYTES / 4;
  for (let entry = 0; entry < count; entry += ENTRIES_PER_CHUNK) {
    words[at++] = entries[entry * 4];
    words[at++] = entries[entry * 4 + 1];
  }
  words.set(checksums, at);
  out.set(TRACE_MAGIC);
  words[2] = headerBytes;
  words[3] = crc32(out.subarray(TRACE_PREFIX_BYTES, headerBytes));
  out.set(filterBytes, headerBytes);
  out.set(entryBytes, headerBytes + filterBytes.length);
  return out;
}

/** `traceIds`: 16 bytes a row, equal ids in a row. */
export function buildTraceIndex(traceIds: Uint8Array): Uint8Array {
  const collector = new TraceRunCollector();
  collector.add(traceIds);
  return collector.finish();
}

/** Takes the trace ids of a file's rows, part by part. */
export class TraceRunCollector {
  #ids = new Uint8Array(1024 * 16);
  #firstRow = new Uint32Array(1024);
  #count = 0;
  #rows = 0;

  /** `traceIds`: 16 bytes a row; a run may go on from the part before. */
  add(traceIds: Uint8Array): void {
    const copy = traceIds.byteOffset % 4 === 0 ? traceIds : traceIds.slice();
    const rows = traceIds.length / 16;
    const words = new Uint32Array(copy.buffer, copy.byteOffset, rows * 4);
    for (let row = 0, i = 0; row < rows; row++, i += 4) {
      const same =
        row > 0 &&
        words[i] === words[i - 4] &&
        words[i + 1] === words[i - 3] &&
        words[i + 2] === words[i - 2] &&
        words[i + 3] === words[i - 1];
      if (!same && !(row === 0 && this.#continues(copy))) this.#open(copy, row);
    }
    this.#rows += rows;
  }

  #continues(traceIds: Uint8Array): boolean {
    if (this.#count === 0) return false;
    const last = (this.#count - 1) * 16;
    for (let i = 0; i < 16; i++) if (this.#ids[last + i] !== traceIds[i]) return false;
    return true;
  }

  #open(traceIds: Uint8Array, row: number): void {
    if (this.#count === this.#firstRow.length) {
      const ids = new Uint8Array(this.#ids.length * 2);
      ids.set(this.#ids);
      this.#ids = ids;
      const firstRow = new Uint32Array(this.#firstRow.length * 2);
      firstRow.set(this.#firstRow);
      this.#firstRow = firstRow;
    }
    const at = this.#count * 16;
    for (let i = 0; i < 16; i++) this.#ids[at + i] = traceIds[row * 16 + i];
    this.#firstRow[this.#count++] = this.#rows + row;
  }

  /** The bytes of the `.traces` file. */
  finish(): Uint8Array {
    const count = this.#count;
    const firstRow = this.#firstRow;
    const rowCount = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      rowCount[i] = (i + 1 < count ? firstRow[i + 1] : this.#rows) - firstRow[i];
    }
    return traceIndexOf({ ids: this.#ids, firstRow, rowCount, count });
  }
}

/** A whole file in memory, of either format. Throws RangeError when the bytes are not a whole trace index. */
export function openTraceIndex(bytes: Uint8Array): TraceIndex {
  const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (copy.length < TRACE_FIXED_BYTES || TRACE_MAGIC.some((byte, i) => copy[i] !== byte)) {
    return openFormat1(copy);
  }
  const words = new Uint32Array(copy.buffer, copy.byteOffset, copy.length >>> 2);
  const [, , headerBytes, checksum, count, , blocks] = words;
  const chunks = Math.ceil(count / ENTRIES_PER_CHUNK);
  const entriesAt = headerBytes + blocks * 32;
  if (
    headerBytes !== TRACE_FIXED_BYTES + chunks * 12 ||
    copy.length !== entriesAt + count * BYTES_PER_ENTRY
  ) {
    throw new RangeError(`trace index: ${copy.length} bytes for ${count} traces`);
  }
  const sums = words.subarray(headerBytes / 4 - chunks, headerBytes / 4);
  const isWhole =
    crc32(copy.subarray(TRACE_PREFIX_BYTES, headerBytes)) === checksum &&
    crc32(copy.subarray(headerBytes, entriesAt)) === words[7] &&
    checksumsOf(copy.subarray(entriesAt)).every((sum, i) => sum === sums[i]);
  if (!isWhole) throw new RangeError('trace index: wrong checksum');
  const entries = words.subarray(entriesAt / 4);
  const part = (n: number): Uint32Array => {
    const values = new Uint32Array(count);
    for (let i = 0; i < count; i++) values[i] = entries[i * 4 + n];
    return values;
  };
  return { count, high: part(0), low: part(1), firstRow: part(2), rowCount: part(3) };
}

/** The rows that may belong to a trace; mostly none or one range. */
export function findTrace(index: TraceIndex, high: number, low: number): RowRange[] {
  let from = 0;
  let to = index.count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const before = index.high[middle] < high || (index.high[middle] === high && index.low[middle] < low);
    if (before) from = middle + 1;
    else to = middle;
  }
  const found: RowRange[] = [];
  for (let i = from; i < index.count && index.high[i] === high && index.low[i] === low; i++) {
    found.push({ firstRow: index.firstRow[i], rowCount: index.rowCount[i] });
  }
  return found;
}
