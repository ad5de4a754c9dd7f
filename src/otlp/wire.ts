/** The protobuf wire format below messages: protobufjs' Reader with errors that name byte and cause. */
import protobuf from 'protobufjs/minimal.js';
import { OtlpDecodeError } from './errors.ts';

/** Groups in unknown fields may nest this deep, as in protobuf's own parsers. */
const MAX_GROUP_DEPTH = 100;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/**
 * Hot loops read `buf` by a local `pos` and come here for the rare: varints of several bytes, unknown
 * fields, errors. Each method starts at the position given and leaves `pos` behind what it read.
 */
export class Wire extends protobuf.Reader {
  tagAt(pos: number): number {
    this.pos = pos + 1;
    const byte = this.buf[pos];
    if (byte < 128 && byte >= 8) return byte;
    this.pos = pos;
    const tag = this.#checked(pos, () => super.tag());
    if (tag < 8) throw new OtlpDecodeError('malformed protobuf: field number 0', pos);
    return tag;
  }

  /** The length of what follows, which must end by `end`. */
  sizeAt(pos: number, end: number): number {
    this.pos = pos + 1;
    const byte = this.buf[pos];
    if (byte < 128 && pos + 1 + byte <= end) return byte;
    const next = this.buf[pos + 1];
    if (next < 128 && byte >= 128) {
      this.pos = pos + 2;
      const size = (byte & 127) | (next << 7);
      if (this.pos + size <= end) return size;
    }
    this.pos = pos;
    const size = this.#checked(pos, () => super.size());
    if (this.pos + size > end) throw tooLong(size, pos);
    return size;
  }

  /** A varint's low 32 bits, unsigned. */
  uint32At(pos: number): number {
    this.pos = pos + 1;
    const byte = this.buf[pos];
    if (byte < 128) return byte;
    this.pos = pos;
    return this.#checked(pos, () => super.uint32());
  }

  boolAt(pos: number): boolean {
    this.pos = pos;
    return this.#checked(pos, () => super.bool());
  }

  int64At(pos: number): bigint {
    this.pos = pos + 1;
    if (pos < this.len && this.buf[pos] < 128) return BigInt(this.buf[pos]);
    this.pos = pos;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.pos >= this.len) break;
      const byte = this.buf[this.pos++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw new OtlpDecodeError('malformed protobuf: a varint does not end', pos);
  }

  doubleAt(pos: number, end: number): number {
    this.#within(pos + 8, end);
    this.pos = pos;
    return super.double();
  }

  /** The position behind the field whose tag was just read. */
  skipField(tag: number, pos: number, end: number): number {
    const open: number[] = [];
    let current = tag;
    let at = pos;
    for (;;) {
      at = this.#skipOne(current, at, end, open);
      if (open.length === 0) return at;
      if (at >= end) throw new OtlpDecodeError('malformed protobuf: a group does not end', at);
      current = this.tagAt(at);
      at = this.pos;
    }
  }

  #skipOne(tag: number, pos: number, end: number, open: number[]): number {
    switch (tag & 7) {
      case VARINT:
        this.uint32At(pos);
        return this.#within(this.pos, end);
      case FIXED64:
        return this.#within(pos + 8, end);
      case LENGTH: {
        const size = this.sizeAt(pos, end);
        return this.pos + size;
      }
      case GROUP_START:
        if (open.length === MAX_GROUP_DEPTH) {
          throw new OtlpDecodeError(`groups nest deeper than ${MAX_GROUP_DEPTH}`, pos);
        }
        open.push(tag >>> 3);
        return pos;
      case GROUP_END:
        if (open.pop() !== tag >>> 3) {
          throw new OtlpDecodeError('malformed protobuf: the end of a group that did not begin', pos);
        }
        return pos;
      case FIXED32:
        return this.#within(pos + 4, end);
      default:
        throw new OtlpDecodeError(`malformed protobuf: wire type ${tag & 7}`, pos);
    }
  }

  #within(pos: number, end: number): number {
    if (pos > end) throw overrun(end);
    return pos;
  }

  /** Reader throws plain errors for bytes that are missing or wrong, and nothing else. */
  #checked<T>(pos: number, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw new OtlpDecodeError(`malformed protobuf: ${(error as Error).message}`, pos);
    }
  }
}

/** A field began inside of its message and ends behind it. */
export function overrun(end: number): OtlpDecodeError {
  return new OtlpDecodeError('malformed protobuf: a field ends behind its message', end);
}

function tooLong(size: number, pos: number): OtlpDecodeError {
  return new OtlpDecodeError(`malformed protobuf: ${size} bytes announced, fewer present`, pos);
}

/** The error for a field of the schema that came with another wire type. */
export function wrongWireType(message: string, tag: number, pos: number): OtlpDecodeError {
  return new OtlpDecodeError(`field ${tag >>> 3} of ${message} has wire type ${tag & 7}`, pos);
}

/** The little-endian word at `pos`. */
export function word(buf: Uint8Array, pos: number): number {
  return (buf[pos] | (buf[pos + 1] << 8) | (buf[pos + 2] << 16) | (buf[pos + 3] << 24)) >>> 0;
}

/** Copies an id of the right width to its row and answers whether a bit is set; else leaves the row. */
export function copyId(
  buf: Uint8Array,
  pos: number,
  size: number,
  into: Uint8Array,
  row: number,
  width: number,
): number {
  if (size !== width) return 0;
  const at = row * width;
  let bits = 0;
  for (let i = 0; i < width; i++) bits |= into[at + i] = buf[pos + i];
  return bits;
}
