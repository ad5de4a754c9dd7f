/** Parquet's RLE / bit-packing hybrid read back, from any place on: what is skipped is not unpacked. */

/** Bits that are set in a byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>>= 1) ones += rest & 1;
  return ones;
});

/** What `writeHybrid` can pack; more does not fit into the 32 bits of a shift. */
const MAX_WIDTH = 24;

export class HybridReader {
  /** Values left of the run that `#at` stands in. */
  #left = 0;
  #isPacked = false;
  /** Of a run that is not packed. */
  #value = 0;
  /** Of a packed run: the byte where it begins, and the values of it that are read. */
  #start = 0;
  #done = 0;

  /** The values stand in `bytes[at .. end)`. */
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number,
    private readonly width: number,
  ) {
    if (width > MAX_WIDTH) throw new RangeError(`values of ${width} bits`);
    if (at > end || end > bytes.length) throw new RangeError(`${at} to ${end} of ${bytes.length} bytes`);
  }

  skip(count: number): void {
    for (let rest = count; rest > 0;) rest -= this.#take(rest);
  }

  /** The next `count` values, to `out[from ..]`. */
  read(out: Uint32Array | Uint8Array, from: number, count: number): void {
    for (let filled = 0; filled < count;) {
      const taken = this.#take(count - filled);
      const first = from + filled;
      if (this.#isPacked) this.#unpack(out, first, first + taken);
      else out.fill(this.#value, first, first + taken);
      filled += taken;
    }
  }

  /** The value of the next `count`, stepping over them, if they are one run of it; else undefined, and nothing is read. */
  constant(count: number): number | undefined {
    if (count === 0) return undefined;
    if (this.#left === 0) this.#nextRun();
    if (this.#isPacked || this.#left < count) return undefined;
    this.#take(count);
    return this.#value;
  }

  /**
   * The runs of the next `count` values: `from` counts them, `taken` is the run's length, `value` what it repeats;
   * of a packed run the byte where it begins is `start`, else that is -1. Only before anything else is read.
   */
  runs(count: number, use: (from: number, taken: number, value: number, start: number) => void): void {
    for (let from = 0; from < count;) {
      const taken = this.#take(count - from);
      use(from, taken, this.#value, this.#isPacked ? this.#start : -1);
      from += taken;
    }
  }

  /** How many of the next `count` values are 1; of values of one bit. */
  ones(count: number): number {
    let ones = 0;
    for (let rest = count; rest > 0;) {
      const taken = this.#take(rest);
      ones += this.#isPacked ? this.#onesPacked(this.#done - taken, this.#done) : this.#value * taken;
      rest -= taken;
    }
    return ones;
  }

  /** Throws RangeError unless only the zeros that fill up a packed group are left. */
  expectEnd(): void {
    const isFull = this.at === this.end && this.#left < (this.#isPacked ? 8 : 1);
    const rest = new Uint8Array(isFull ? this.#left : 0);
    this.read(rest, 0, rest.length);
    if (!isFull || rest.some((value) => value !== 0)) throw new RangeError('more levels than the page has');
  }

  /** Begins the next run if need be; takes up to `count` values of it. */
  #take(count: number): number {
    if (this.#left === 0) this.#nextRun();
    const taken = Math.min(count, this.#left);
    this.#left -= taken;
    this.#done += taken;
    return taken;
  }

  #nextRun(): void {
    const header = this.#varint();
    const { width } = this;
    this.#isPacked = (header & 1) === 1;
    const count = header >>> 1;
    const bytes = this.#isPacked ? count * width : (width + 7) >>> 3;
    if (count === 0) throw new RangeError('a run of nothing');
    if (bytes > this.end - this.at) throw new RangeError(`a run of ${bytes} bytes at ${this.at}`);
    this.#left = this.#isPacked ? count * 8 : count;
    this.#start = this.at;
    this.#done = 0;
    this.at += bytes;
    if (this.#isPacked) return;
    this.#value = 0;
    for (let i = 0; i < bytes; i++) this.#value |= this.bytes[this.#start + i] << (8 * i);
    if (this.#value >>> width !== 0) throw new RangeError(`${this.#value} in ${width} bits`);
  }

  /** Up to 31 bits. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.end) throw new RangeError(`the runs end at ${this.end}`);
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80 && value < 2 ** 31) return value;
    }
    throw new RangeError(`too long a run before ${this.at}`);
  }

  /** The values that were taken last. */
  #unpack(out: Uint32Array | Uint8Array, from: number, to: number): void {
    const { bytes, width } = this;
    const mask = 2 ** width - 1;
    const bit = (this.#done - (to - from)) * width;
    let at = this.#start + (bit >>> 3);
    // Of the first byte the bits of earlier values are dropped.
    let pending = width === 0 ? 0 : bytes[at++] >>> (bit & 7);
    let bits = 8 - (bit & 7);
    for (let i = from; i < to; i++) {
      while (bits < width) {
        pending |= bytes[at++] << bits;
        bits += 8;
      }
      out[i] = pending & mask;
      pending >>>= width;
      bits -= width;
    }
  }

  #onesPacked(from: number, to: number): number {
    const { bytes } = this;
    let first = this.#start + (from >>> 3);
    const last = this.#start + (to >>> 3);
    const before = ONES[bytes[first] & ((1 << (from & 7)) - 1)];
    let ones = 0;
    for (; first < last; first++) ones += ONES[bytes[first]];
    const partial = to & 7;
    if (partial > 0) ones += ONES[bytes[last] & ((1 << partial) - 1)];
    return ones - before;
  }
}
