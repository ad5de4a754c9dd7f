/** Bytes that grow as they are written, little endian. One is used for page after page. */
import { grown } from '../../../../span/grow.ts';

const FIRST_BYTES = 4096;

/** `set` of a view costs as much as about this many bytes one by one. */
const COPIED_BY_HAND = 64;

export class ByteWriter {
  /** Valid up to `length`. Another array after each `reserve`. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES);
  /** The same bytes: a store of four of them takes as long as one of one. */
  data: DataView = new DataView(this.bytes.buffer);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** Room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    this.bytes = grown(this.bytes, this.length + count);
    this.data = new DataView(this.bytes.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.putUint32(this.length, value);
    this.length += 4;
  }

  /** Overwrites four bytes that were written before. */
  putUint32(at: number, value: number): void {
    this.data.setUint32(at, value, true);
  }

  /** LEB128. `value` is an integer from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** `source[from .. end)`. */
  range(source: Uint8Array, from: number, end: number): void {
    if (end - from > COPIED_BY_HAND) {
      this.raw(source.subarray(from, end));
      return;
    }
    this.reserve(end - from);
    const { bytes } = this;
    let at = this.length;
    for (let i = from; i < end; i++) bytes[at++] = source[i];
    this.length = at;
  }

  /** What was written, until the next write. */
  view(from = 0): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(from, this.length);
  }

  copy(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}
