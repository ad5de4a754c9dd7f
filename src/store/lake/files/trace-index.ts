/**
 * The trace index beside each Parquet file: where the rows of a trace stand. Rows of one trace are
 * contiguous in a file. An entry has the low 64 bits of the trace id: the half that every sender fills
 * at random (64-bit ids come padded with zeros above, X-Ray's begin with the time). Two traces may share
 * them, so a reader compares the trace_id column of the rows found.
 *
 * Layout, little endian: magic "SLTRACE1", entry count (u32), CRC-32 of what follows (u32), then four
 * arrays of u32, sorted by the first two: key high word, key low word, first row, row count.
 */
import { crc32 } from 'node:zlib';

const MAGIC = new TextEncoder().encode('SLTRACE1');
const HEADER_BYTES = 16;
const BYTES_PER_ENTRY = 16;

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

/** The key of the trace id that begins at `at`: bytes 8 to 15, big endian as in the id's hex text. */
export function traceKeyWords(ids: Uint8Array, at: number): { high: number; low: number } {
  return { high: word(ids, at + 8), low: word(ids, at + 12) };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** `traceIds`: 16 bytes a row, equal ids in a row. */
export function buildTraceIndex(traceIds: Uint8Array): Uint8Array {
  const rows = traceIds.length / 16;
  const starts = traceStarts(traceIds, rows);
  const count = starts.length;
  const high = new Uint32Array(count);
  const low = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    high[i] = word(traceIds, starts[i] * 16 + 8);
    low[i] = word(traceIds, starts[i] * 16 + 12);
  }
  const order = Uint32Array.from(starts.keys()).sort((a, b) => high[a] - high[b] || low[a] - low[b] || a - b);
  const out = new Uint8Array(HEADER_BYTES + count * BYTES_PER_ENTRY);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < count; i++) {
    const trace = order[i];
    const first = starts[trace];
    words[4 + i] = high[trace];
    words[4 + count + i] = low[trace];
    words[4 + 2 * count + i] = first;
    words[4 + 3 * count + i] = (trace + 1 < count ? starts[trace + 1] : rows) - first;
  }
  out.set(MAGIC);
  words[2] = count;
  words[3] = crc32(out.subarray(HEADER_BYTES));
  return out;
}

/** The first row of each run of equal ids. */
function traceStarts(traceIds: Uint8Array, rows: number): Uint32Array {
  const words = new Uint32Array(traceIds.buffer, traceIds.byteOffset, rows * 4);
  const starts = new Uint32Array(rows);
  let count = 0;
  for (let row = 0, i = 0; row < rows; row++, i += 4) {
    const same =
      row > 0 &&
      words[i] === words[i - 4] &&
      words[i + 1] === words[i - 3] &&
      words[i + 2] === words[i - 2] &&
      words[i + 3] === words[i - 1];
    if (!same) starts[count++] = row;
  }
  return starts.slice(0, count);
}

/** Throws RangeError when the bytes are not a whole trace index. */
export function openTraceIndex(bytes: Uint8Array): TraceIndex {
  const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (copy.length < HEADER_BYTES || MAGIC.some((byte, i) => copy[i] !== byte)) {
    throw new RangeError(`trace index: ${copy.length} bytes without its magic`);
  }
  const words = new Uint32Array(copy.buffer, copy.byteOffset, copy.length >>> 2);
  const count = words[2];
  if (copy.length !== HEADER_BYTES + count * BYTES_PER_ENTRY) {
    throw new RangeError(`trace index: ${copy.length} bytes for ${count} traces`);
  }
  if (crc32(copy.subarray(HEADER_BYTES)) !== words[3]) throw new RangeError('trace index: wrong checksum');
  const part = (n: number) => words.subarray(4 + n * count, 4 + (n + 1) * count);
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
