/** Long work on the main thread in slices: the event loop answers others in between. */

/** A stall of 50 ms is seen; loops look at the clock every few thousand steps. */
const SLICE_MS = 8;

export class Breather {
  #sliceBegan = performance.now();

  /** Gives the event loop back when the slice is used up. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#sliceBegan < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceBegan = performance.now();
  }
}
