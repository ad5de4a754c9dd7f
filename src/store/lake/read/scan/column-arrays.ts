/** Memory of vectors that live as long as the scan of a row group, used again for the next: fresh pages cost 0.5 ns a byte. */

/** Sizes are whole multiples of it, so that row groups of nearly the same length share. */
const STEP_BYTES = 1 << 17;
/** Kept for later: what a question over ten columns of a row group needs. */
const MAX_KEPT_BYTES = 8 << 20;

export class ArrayPool {
  readonly #free = new Map<number, ArrayBuffer[]>();
  #keptBytes = 0;

  /** At least so many bytes, of any content. */
  take(bytes: number): ArrayBuffer {
    const size = Math.ceil(Math.max(1, bytes) / STEP_BYTES) * STEP_BYTES;
    const free = this.#free.get(size)?.pop();
    if (free === undefined) return new ArrayBuffer(size);
    this.#keptBytes -= size;
    return free;
  }

  give(buffer: ArrayBuffer): void {
    const size = buffer.byteLength;
    if (this.#keptBytes + size > MAX_KEPT_BYTES) return;
    this.#keptBytes += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
  }
}
