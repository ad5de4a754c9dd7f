/**
 * Thrift's compact protocol, as much of it as Parquet's headers and footer need. Structs are written
 * field by field, with ascending field ids.
 */
import type { ByteWriter } from './bytes.ts';

export const THRIFT = {
  true: 1,
  false: 2,
  int32: 5,
  int64: 6,
  binary: 8,
  list: 9,
  struct: 12,
} as const;

const BYTE = 3;
const encoder = new TextEncoder();

export class ThriftWriter {
  /** The last field id of each open struct, the innermost last. */
  readonly #last: number[] = [];

  constructor(readonly out: ByteWriter) {}

  /** A struct that stands alone or in a list. */
  struct(write: () => void): void {
    this.#last.push(0);
    write();
    this.#last.pop();
    this.out.byte(0);
  }

  structField(id: number, write: () => void): void {
    this.#header(id, THRIFT.struct);
    this.struct(write);
  }

  /** A struct without fields: how a union says which of its cases it is. */
  emptyField(id: number): void {
    this.structField(id, () => undefined);
  }

  boolField(id: number, value: boolean): void {
    this.#header(id, value ? THRIFT.true : THRIFT.false);
  }

  byteField(id: number, value: number): void {
    this.#header(id, BYTE);
    this.out.byte(value);
  }

  int32Field(id: number, value: number): void {
    this.#header(id, THRIFT.int32);
    this.int(value);
  }

  /** `value` is from 0 to 2^52: sizes and offsets. */
  int64Field(id: number, value: number): void {
    this.#header(id, THRIFT.int64);
    this.int(value);
  }

  binaryField(id: number, bytes: Uint8Array): void {
    this.#header(id, THRIFT.binary);
    this.#binary(bytes);
  }

  textField(id: number, text: string): void {
    this.binaryField(id, encoder.encode(text));
  }

  listField<T>(
    id: number,
    type: (typeof THRIFT)['int32' | 'binary' | 'struct'],
    items: readonly T[],
    write: (item: T) => void,
  ): void {
    this.#header(id, THRIFT.list);
    if (items.length < 15) this.out.byte((items.length << 4) | type);
    else {
      this.out.byte(0xf0 | type);
      this.out.varint(items.length);
    }
    for (const item of items) write(item);
  }

  /** An element of a list. Zigzag; what is negative is a checksum. */
  int(value: number): void {
    this.out.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** An element of a list. */
  text(text: string): void {
    this.#binary(encoder.encode(text));
  }

  #binary(bytes: Uint8Array): void {
    this.out.varint(bytes.length);
    this.out.raw(bytes);
  }

  #header(id: number, type: number): void {
    const last = this.#last.length - 1;
    const step = id - this.#last[last];
    if (step < 1 || step > 15) throw new Error(`Thrift field ${id} after ${this.#last[last]}`);
    this.out.byte((step << 4) | type);
    this.#last[last] = id;
  }
}
