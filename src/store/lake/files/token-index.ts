/**
 * The token filters beside each Parquet file (`.tokens`): for each row group a split-block Bloom filter
 * (bloom.ts) over the tokens (tokens.ts) of its spans' attributes. What a filter does not have is in no span
 * of the row group. A question reads and checks one chunk of 4 KiB for each row group and token.
 *
 * Layout, little endian, words of 32 bits: magic "SLTOKEN1", bytes of the header, CRC-32 of the header from
 * here on, count of row groups, bytes of data; for each row group its rows, a salt (a token's block is that
 * of `finish(a ^ salt)`), its blocks of 32 bytes, and the count and hashes (two words each) of keys whose
 * values are not in the filter; the CRC-32 of each chunk of
 * 4,096 bytes of data. Then the data: the filters one behind the other.
 */
import { crc32 } from 'node:zlib';
import { BLOCK_BYTES, blockMayHave, blockOf, finishHash } from './bloom.ts';
import { CHUNK_BYTES, checksumsOf } from './checked-chunks.ts';
import type { OpenedFile } from './checked-chunks.ts';
import type { KeyHash, Token } from './tokens.ts';

const MAGIC = new TextEncoder().encode('SLTOKEN1');
/** Magic, header's bytes, checksum. */
const PREFIX_BYTES = 16;
/** What a first read takes: the header of 1M spans and more. */
const FIRST_READ_BYTES = 4096;
/** Larger than any header of ours: 128 Mi spans. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

export interface EncodedRowGroup {
  readonly rows: number;
  readonly salt: number;
  readonly words: Int32Array;
  readonly dropped: readonly KeyHash[];
}

export function encodeTokenIndex(rowGroups: readonly EncodedRowGroup[]): Uint8Array {
  const dataBytes = rowGroups.reduce((sum, group) => sum + group.words.byteLength, 0);
  const data = new Uint8Array(dataBytes);
  const header = [rowGroups.length, dataBytes];
  let at = 0;
  for (const { rows, salt, words, dropped } of rowGroups) {
    data.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), at);
    at += words.byteLength;
    header.push(rows, salt >>> 0, words.byteLength / BLOCK_BYTES, dropped.length);
    for (const key of dropped) header.push(key.a >>> 0, key.b >>> 0);
  }
  for (const sum of checksumsOf(data)) header.push(sum);
  const body = Uint32Array.from(header);
  const headerBytes = PREFIX_BYTES + body.byteLength;
  const out = new Uint8Array(headerBytes + dataBytes);
  const words = new Uint32Array(out.buffer, 0, headerBytes / 4);
  words.set(body, PREFIX_BYTES / 4);
  out.set(MAGIC);
  words[2] = headerBytes;
  words[3] = crc32(out.subarray(PREFIX_BYTES, headerBytes));
  out.set(data, headerBytes);
  return out;
}

interface RowGroupHeader {
  readonly rows: number;
  readonly salt: number;
  /** Where its filter begins in the data. */
  readonly at: number;
  readonly blocks: number;
  readonly dropped: readonly KeyHash[];
}

/** What is kept of a `.tokens` file: about 1 % of it. */
export interface TokenIndexHeader {
  readonly bytes: number;
  readonly dataBytes: number;
  readonly rowGroups: readonly RowGroupHeader[];
  readonly checksums: Uint32Array;
}

/** Throws RangeError when it is damaged, or not of a file with such row groups. */
export function readTokenHeader(file: OpenedFile, rowsOfGroups: readonly number[]): TokenIndexHeader {
  const start = file.read(0, Math.min(FIRST_READ_BYTES, file.bytes));
  if (start.length < PREFIX_BYTES || MAGIC.some((byte, i) => start[i] !== byte)) {
    throw new RangeError(`token filters: ${file.bytes} bytes without their magic`);
  }
  const [, , bytes, checksum] = new Uint32Array(start.buffer, 0, PREFIX_BYTES / 4);
  if (bytes > file.bytes || bytes > MAX_HEADER_BYTES || bytes % 4 !== 0 || bytes < PREFIX_BYTES + 8) {
    throw new RangeError(`token filters: a header of ${bytes} bytes in a file of ${file.bytes}`);
  }
  const header = bytes <= start.length ? start.subarray(0, bytes) : file.read(0, bytes);
  if (crc32(header.subarray(PREFIX_BYTES)) !== checksum) {
    throw new RangeError('token filters: wrong checksum of the header');
  }
  return parseHeader(new Uint32Array(header.buffer, 0, bytes / 4), file.bytes, rowsOfGroups);
}

function parseHeader(
  words: Uint32Array,
  fileBytes: number,
  rowsOfGroups: readonly number[],
): TokenIndexHeader {
  const [, , , , count, dataBytes] = words;
  const bytes = words.byteLength;
  if (bytes + dataBytes !== fileBytes || count !== rowsOfGroups.length) {
    throw new RangeError(
      `token filters: ${count} row groups in ${fileBytes} bytes, not ${rowsOfGroups.length} in ${bytes + dataBytes}`,
    );
  }
  const rowGroups: RowGroupHeader[] = [];
  let word = PREFIX_BYTES / 4 + 2;
  let at = 0;
  for (const wanted of rowsOfGroups) {
    const [rows, salt, blocks, droppedCount] = words.subarray(word, word + 4);
    if (rows !== wanted) throw new RangeError(`token filters: a row group of ${rows} rows, not ${wanted}`);
    const dropped = Array.from({ length: droppedCount }, (_, i) => ({
      a: words[word + 4 + i * 2] | 0,
      b: words[word + 5 + i * 2] | 0,
    }));
    rowGroups.push({ rows, salt, at, blocks, dropped });
    word += 4 + droppedCount * 2;
    at += blocks * BLOCK_BYTES;
  }
  // A copy: the header's other words are not kept.
  const checksums = words.slice(word);
  if (at !== dataBytes || checksums.length !== Math.ceil(dataBytes / CHUNK_BYTES)) {
    throw new RangeError(`token filters: ${at} bytes of filters in ${dataBytes}`);
  }
  return { bytes, dataBytes, rowGroups, checksums };
}

/**
 * Whether a span of the row group may have the token. Reads a chunk of the file that the header is of.
 * Throws RangeError when that is damaged.
 */
export function rowGroupMayHave(
  file: OpenedFile,
  header: TokenIndexHeader,
  rowGroup: number,
  token: Token,
): boolean {
  const { salt, at, blocks, dropped } = header.rowGroups[rowGroup];
  const { key } = token;
  if (!token.isPresence && dropped.some(({ a, b }) => a === key.a && b === key.b)) return true;
  if (blocks === 0) return false;
  const position = at + blockOf(finishHash(token.a ^ salt), blocks) * BLOCK_BYTES;
  const chunk = Math.floor(position / CHUNK_BYTES);
  const bytes = file.chunk(chunk, header.bytes, header.dataBytes, header.checksums);
  const words = new Int32Array(bytes.buffer, 0, bytes.length / 4);
  return blockMayHave(words, (position - chunk * CHUNK_BYTES) / 4, token.b);
}
