/** What stands before each page: how long it is, how its values are encoded, and its CRC-32. */
import { crc32 } from 'node:zlib';
import type { ByteWriter } from './bytes.ts';
import { ENCODINGS } from './encodings.ts';
import { ThriftWriter } from './thrift.ts';

/** By the numbers of the Parquet specification. */
const PAGE_TYPES = { data: 0, dictionary: 2 } as const;

export interface PageHeader {
  readonly kind: keyof typeof PAGE_TYPES;
  /** Nulls and empty lists count; of a dictionary its values. */
  readonly slots: number;
  readonly encoding: number;
  /** Of the page without this header, before compression. */
  readonly rawBytes: number;
}

/** The header of a page whose body is `stored`. */
export function writePageHeader(out: ByteWriter, header: PageHeader, stored: Uint8Array): void {
  const thrift = new ThriftWriter(out);
  thrift.struct(() => {
    thrift.int32Field(1, PAGE_TYPES[header.kind]);
    thrift.int32Field(2, header.rawBytes);
    thrift.int32Field(3, stored.length);
    thrift.int32Field(4, crc32(stored) | 0);
    if (header.kind === 'dictionary') {
      thrift.structField(7, () => {
        thrift.int32Field(1, header.slots);
        thrift.int32Field(2, header.encoding);
      });
    } else {
      thrift.structField(5, () => {
        thrift.int32Field(1, header.slots);
        thrift.int32Field(2, header.encoding);
        thrift.int32Field(3, ENCODINGS.rle);
        thrift.int32Field(4, ENCODINGS.rle);
      });
    }
  });
}

export interface StoredPage {
  readonly header: PageHeader;
  readonly stored: Uint8Array;
}

/** Thrift's field headers as they stand in ours: the next field is an int32; the struct of a page of data, of a dictionary. */
const NEXT_INT32 = 0x15;
const DATA_STRUCT = 0x1c;
const DICTIONARY_STRUCT = 0x3c;

/**
 * The page that fills `bytes`, as `writePageHeader` wrote it. Throws RangeError when it does not fill them, when its
 * checksum is wrong or when the header says anything else than ours do: then a bit of it has flipped.
 */
export function readPage(bytes: Uint8Array): StoredPage {
  const fields = new HeaderFields(bytes);
  const type = fields.int32();
  const kind = type === PAGE_TYPES.dictionary ? 'dictionary' : 'data';
  const rawBytes = fields.int32();
  const storedBytes = fields.int32();
  const crc = fields.int32();
  fields.expect(kind === 'dictionary' ? DICTIONARY_STRUCT : DATA_STRUCT);
  const slots = fields.int32();
  const encoding = fields.int32();
  const levels = kind === 'data' ? [fields.int32(), fields.int32()] : [];
  fields.expect(0);
  fields.expect(0);
  const isOurs =
    type === PAGE_TYPES[kind] &&
    Math.min(rawBytes, slots, encoding) >= 0 &&
    levels.every((each) => each === ENCODINGS.rle);
  if (!isOurs) throw new RangeError(`a damaged page header: ${type} ${rawBytes} ${slots} ${encoding}`);
  const stored = bytes.subarray(fields.at);
  if (stored.length !== storedBytes) {
    throw new RangeError(`a page of ${storedBytes} bytes where ${stored.length} stand`);
  }
  if ((crc32(stored) | 0) !== crc) throw new RangeError('wrong checksum of a page');
  return { header: { kind, slots, encoding, rawBytes }, stored };
}

/** A header's fields in the one order that ours have: a scan reads some thousand headers. */
class HeaderFields {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  expect(byte: number): void {
    const found = this.#byte();
    if (found !== byte) throw new RangeError(`a damaged page header: ${found} for ${byte} at ${this.at - 1}`);
  }

  /** Zigzag. */
  int32(): number {
    this.expect(NEXT_INT32);
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new RangeError(`a damaged page header: too long a number before ${this.at}`);
  }

  #byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError(`a damaged page header: it ends at ${this.at}`);
    return this.bytes[this.at++];
  }
}
