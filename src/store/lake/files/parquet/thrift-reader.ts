/** Thrift's compact protocol read back, as much of it as thrift.ts writes. Every length is checked before it is used. */
import { THRIFT } from './thrift.ts';

/** Further types that fields of other writers may have; they are stepped over. */
const OTHER = { byte: 3, int16: 4, double: 7, set: 10, map: 11 } as const;

/** Parquet's metadata is six structs deep. */
const MAX_DEPTH = 16;

const decoder = new TextDecoder();

export class ThriftReader {
  #depth = 0;

  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end: number = bytes.length,
  ) {}

  /** Calls `field` for each field of a struct; it reads the value, or skips it. */
  struct(field: (id: number, type: number) => void): void {
    if (++this.#depth > MAX_DEPTH) throw new RangeError(`structs ${this.#depth} deep`);
    let id = 0;
    for (;;) {
      const header = this.byte();
      if (header === 0) break;
      const step = header >>> 4;
      id = step === 0 ? this.int() : id + step;
      field(id, header & 15);
    }
    this.#depth--;
  }

  /** Calls `item` for each element of a list. */
  list(item: (type: number) => void): void {
    const header = this.byte();
    const count = header >>> 4 === 15 ? this.varint() : header >>> 4;
    // An element takes a byte or more.
    this.#check(count);
    for (let i = 0; i < count; i++) item(header & 15);
  }

  /** Zigzag. Throws beyond 2^52. */
  int(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A size or an offset. */
  size(): number {
    const value = this.int();
    if (value < 0) throw new RangeError(`a size of ${value}`);
    return value;
  }

  binary(): Uint8Array {
    const count = this.varint();
    this.#check(count);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  text(): string {
    return decoder.decode(this.binary());
  }

  skip(type: number): void {
    switch (type) {
      case THRIFT.true:
      case THRIFT.false:
        return;
      case OTHER.byte:
        this.byte();
        return;
      case OTHER.int16:
      case THRIFT.int32:
      case THRIFT.int64:
        // Any 64-bit integer, of which only the length matters.
        while (this.byte() >= 0x80);
        return;
      case OTHER.double:
        this.#check(8);
        this.at += 8;
        return;
      case THRIFT.binary:
        this.binary();
        return;
      case THRIFT.list:
      case OTHER.set:
        // A boolean is no value in a struct and a byte in a list.
        this.list((item) =>
          item === THRIFT.true || item === THRIFT.false ? void this.byte() : this.skip(item),
        );
        return;
      case THRIFT.struct:
        this.struct((_, inner) => this.skip(inner));
        return;
      default:
        throw new RangeError(`the unknown Thrift type ${type} at ${this.at}`);
    }
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError(`the bytes end at ${this.end}`);
    return this.bytes[this.at++];
  }

  /** LEB128. Throws beyond 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError(`too large a number before ${this.at}`);
      if (byte < 0x80) return value;
      if (scale > 2 ** 49) throw new RangeError(`too long a number before ${this.at}`);
    }
  }

  #check(count: number): void {
    if (count > this.end - this.at) {
      throw new RangeError(`${count} bytes at ${this.at}, where ${this.end - this.at} are left`);
    }
  }
}
