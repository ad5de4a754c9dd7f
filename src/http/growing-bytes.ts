/**
 * Bytes put together from pieces, in one buffer that grows fourfold: memory follows what came, not what was announced,
 * since pages that nobody wrote to take none. Of smaller buffers that were outgrown the allocator keeps some a while:
 * growing twofold held half as much again at a body of the largest size.
 */

/** The first buffer, for what may not go on. */
const FIRST_BYTES = 8 * 1024;
/** The next one: what goes on is mostly an exporter's batch, which then has one buffer. */
const BATCH_BYTES = 512 * 1024;

export class GrowingBytes {
  length = 0;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** `mostBytes`: the length at the end, or a bound of it. */
  constructor(private readonly mostBytes: number) {}

  /** Throws RangeError beyond the bound. */
  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  /** What was put together. Nothing can be added any more. */
  taken(): Uint8Array {
    return this.#bytes.length === this.length ? this.#bytes : this.#bytes.subarray(0, this.length);
  }

  /** Gives the memory back now, not when the collector comes. */
  free(): void {
    if (!this.#bytes.buffer.detached) this.#bytes.buffer.transfer(0);
    this.#bytes = new Uint8Array(0);
    this.length = 0;
  }

  #grow(length: number): void {
    if (length > this.mostBytes) throw new RangeError(`${length} bytes are more than ${this.mostBytes}`);
    const wanted =
      length <= FIRST_BYTES ? FIRST_BYTES : Math.max(BATCH_BYTES, 4 * this.#bytes.length, length);
    // Not filled with zeros first: nobody sees what was not added.
    const larger = Buffer.allocUnsafeSlow(Math.min(this.mostBytes, wanted));
    larger.set(this.#bytes.subarray(0, this.length));
    if (this.length > 0) this.#bytes.buffer.transfer(0);
    this.#bytes = larger;
  }
}
