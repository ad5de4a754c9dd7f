/**
 * A file's tail: the offset indexes of all its column chunks, then the footer. The footer's last key is a checksum over
 * all of it, which Parquet itself has none for: who reads single pages relies on every offset in there.
 */
import { crc32 } from 'node:zlib';
import { ByteWriter } from './bytes.ts';
import type { ChunkMetadata } from './column-chunk.ts';
import { MAGIC, writeFooter } from './footer.ts';
import type { FileMetadata } from './footer.ts';
import { writeOffsetIndex } from './offset-index.ts';

/** The value: the tail's length and its CRC-32 with zeros for these digits, eight hexadecimal digits each. */
const CHECKSUM_KEY = 'spanlake.tail_crc32';
const DIGITS = 8;
const ZEROS = new Uint8Array(2 * DIGITS).fill(0x30);
/** How a text of 16 bytes as the second field of a Thrift struct begins. */
const TEXT_OF_16 = Buffer.from([0x18, 2 * DIGITS]);
const MARK = Buffer.concat([Buffer.from(CHECKSUM_KEY), TEXT_OF_16]);

/** Magic bytes, the footer's length, and magic bytes again. */
const LEAST_BYTES = 12;

export interface WrittenRowGroup {
  readonly rows: number;
  /** By the order of the leaves. */
  readonly chunks: readonly ChunkMetadata[];
}

type WrittenFile = Omit<FileMetadata, 'rowGroups'> & { readonly rowGroups: readonly WrittenRowGroup[] };

/** `position`: where in the file it will begin. */
export function writeTail(file: WrittenFile, position: number): Uint8Array {
  const out = new ByteWriter();
  const rowGroups = file.rowGroups.map(({ rows, chunks }) => ({
    rows,
    chunks: chunks.map((chunk) => {
      const from = out.length;
      writeOffsetIndex(out, chunk.pages);
      return { chunk, index: { offset: position + from, bytes: out.length - from } };
    }),
  }));
  const keyValues = new Map([...file.keyValues, [CHECKSUM_KEY, '0'.repeat(2 * DIGITS)]]);
  writeFooter(out, { ...file, rowGroups, keyValues });
  const tail = out.view();
  const at = Buffer.from(tail.buffer, tail.byteOffset, tail.length).lastIndexOf(MARK) + MARK.length;
  tail.set(Buffer.from(hex(tail.length) + hex(crc32(tail))), at);
  return tail;
}

function hex(value: number): string {
  return value.toString(16).padStart(DIGITS, '0');
}

export interface TailBytes {
  readonly tail: Uint8Array;
  /** Where in the file it begins. */
  readonly position: number;
  /** Where in it the footer is. */
  readonly footerFrom: number;
  readonly footerEnd: number;
}

/**
 * The tail of a file of `size` bytes, of which `read` gives some. Undefined when it has no such checksum: another
 * program's file, one from before there was one, or no Parquet file. Throws RangeError when the checksum is wrong.
 */
export function readTail(
  size: number,
  read: (from: number, count: number) => Uint8Array,
): TailBytes | undefined {
  if (size < LEAST_BYTES) return undefined;
  const last = read(size - 8, 8);
  const footerBytes = new DataView(last.buffer, last.byteOffset).getUint32(0, true);
  if (MAGIC.some((byte, i) => last[4 + i] !== byte) || footerBytes > size - LEAST_BYTES) return undefined;
  const footer = read(size - 8 - footerBytes, footerBytes);
  const mark = Buffer.from(footer.buffer, footer.byteOffset, footer.length).lastIndexOf(MARK);
  if (mark < 0) return undefined;
  const value = Buffer.from(footer.subarray(mark + MARK.length, mark + MARK.length + 2 * DIGITS)).toString();
  if (!/^[0-9a-f]{16}$/.test(value)) return undefined;
  const tailBytes = Number.parseInt(value.slice(0, DIGITS), 16);
  if (tailBytes < footerBytes + 8 || tailBytes > size) {
    throw new RangeError(`a tail of ${tailBytes} bytes in a file of ${size}`);
  }
  const position = size - tailBytes;
  const tail = read(position, tailBytes);
  const footerFrom = tailBytes - 8 - footerBytes;
  const at = footerFrom + mark + MARK.length;
  const before = crc32(tail.subarray(0, at));
  const crc = crc32(tail.subarray(at + 2 * DIGITS), crc32(ZEROS, before));
  if (hex(crc) !== value.slice(DIGITS)) throw new RangeError('wrong checksum of the footer');
  return { tail, position, footerFrom, footerEnd: tailBytes - 8 };
}
