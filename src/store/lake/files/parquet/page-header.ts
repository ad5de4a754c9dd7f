/** What stands before each page: how long it is, how its values are encoded, and its CRC-32. */
import { crc32 } from 'node:zlib';
import type { ByteWriter } from './bytes.ts';
import { ENCODINGS } from './encodings.ts';
import { ThriftReader } from './thrift-reader.ts';
import { THRIFT, ThriftWriter } from './thrift.ts';

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

/**
 * The page that fills `bytes`, as `writePageHeader` wrote it. Throws RangeError when it does not fill them, when its
 * checksum is wrong or when the header says anything else than ours do: then a bit of it has flipped.
 */
export function readPage(bytes: Uint8Array): StoredPage {
  const thrift = new ThriftReader(bytes);
  const found = new Map<number, number>();
  const numbers = (base: number) => (id: number, type: number) => {
    if (type === THRIFT.int32) found.set(base + id, thrift.int());
    else if (type === THRIFT.struct && base === 0) thrift.struct(numbers(id * 10));
    else throw new RangeError(`a page header with the field ${base}.${id} of type ${type}`);
  };
  thrift.struct(numbers(0));
  const kind = found.get(1) === PAGE_TYPES.dictionary ? 'dictionary' : 'data';
  const own = kind === 'dictionary' ? [1, 2, 3, 4, 71, 72] : [1, 2, 3, 4, 51, 52, 53, 54];
  const [type, rawBytes, storedBytes, crc, slots, encoding, ...levels] = own.map((id) => found.get(id) ?? -1);
  const isOurs =
    found.size === own.length &&
    type === PAGE_TYPES[kind] &&
    Math.min(rawBytes, slots, encoding) >= 0 &&
    levels.every((each) => each === ENCODINGS.rle);
  if (!isOurs) throw new RangeError(`a damaged page header: ${[...found].join(' ')}`);
  const stored = bytes.subarray(thrift.at);
  if (stored.length !== storedBytes) {
    throw new RangeError(`a page of ${storedBytes} bytes where ${stored.length} stand`);
  }
  if ((crc32(stored) | 0) !== crc) throw new RangeError('wrong checksum of a page');
  return { header: { kind, slots, encoding, rawBytes }, stored };
}
