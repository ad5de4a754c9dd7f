/** DELTA_BINARY_PACKED read back: each value is the one before and a difference, so a page is walked from its begin. */
import { countIn } from './ranges.ts';
import type { Range } from './ranges.ts';

/** Ours are 128 values in 4 parts. */
export const MAX_BLOCK_VALUES = 4096;

const TWO_32 = 2 ** 32;

/** The values of `ranges`, two words each, out of `count` that begin at `from`. */
export function readDelta(
  bytes: Uint8Array,
  from: number,
  count: number,
  ranges: readonly Range[],
): Uint32Array {
  return new DeltaReader(bytes, from, count).read(ranges);
}

class DeltaReader {
  readonly #blockValues: number;
  readonly #miniblocks: number;
  #low = 0;
  #high = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    readonly count: number,
  ) {
    this.#blockValues = this.#varint().low;
    this.#miniblocks = this.#varint().low;
    const total = this.#varint().low;
    const values = this.#blockValues / this.#miniblocks;
    if (this.#blockValues > MAX_BLOCK_VALUES || !Number.isInteger(values / 32) || values === 0) {
      throw new RangeError(`blocks of ${this.#blockValues} differences in ${this.#miniblocks} parts`);
    }
    if (total !== count) throw new RangeError(`${total} values for ${count}`);
    const first = this.#zigzag();
    this.#low = first.low;
    this.#high = first.high;
  }

  read(ranges: readonly Range[]): Uint32Array {
    const out = new Uint32Array(countIn(ranges) * 2);
    const last = ranges[ranges.length - 1]?.to ?? 0;
    let at = 0;
    let range = 0;
    // Takes what is wanted of `count` values, of which the first is value `first` of the page.
    const pick = (first: number, values: Uint32Array, count: number) => {
      for (; range < ranges.length; range++) {
        const from = Math.max(first, ranges[range].from);
        const to = Math.min(first + count, ranges[range].to);
        if (from < to) {
          out.set(values.subarray((from - first) * 2, (to - first) * 2), at);
          at += (to - from) * 2;
        }
        if (ranges[range].to > first + count) return;
      }
    };
    pick(0, Uint32Array.of(this.#low, this.#high), 1);
    const part = new Uint32Array((this.#blockValues / this.#miniblocks) * 2);
    for (let value = 1; value < last; value += this.#blockValues) {
      const min = this.#zigzag();
      const widths = this.at;
      this.#skip(this.#miniblocks);
      for (let mini = 0; mini < this.#miniblocks; mini++) {
        const first = value + (mini * part.length) / 2;
        if (first >= last) break;
        const count = Math.min(part.length / 2, this.count - first);
        const start = this.#packed(this.bytes[widths + mini], part.length / 2);
        const isWanted = ranges[range].from < first + count;
        this.#miniblock(isWanted ? part : undefined, count, start, this.bytes[widths + mini], min);
        if (isWanted) pick(first, part, count);
      }
    }
    return out;
  }

  /** Where the packed values of the next part begin; steps over them. */
  #packed(width: number, values: number): number {
    if (width > 64) throw new RangeError(`differences of ${width} bits`);
    const start = this.at;
    this.#skip((values * width) / 8);
    return start;
  }

  /** Adds the differences of a part. Without `out` only what they come to: that is all that later values need. */
  #miniblock(out: Uint32Array | undefined, count: number, start: number, width: number, min: Word64): void {
    const { bytes } = this;
    const lowWidth = Math.min(32, width);
    const highWidth = width - lowWidth;
    if (out === undefined) {
      let lows = 0;
      let highs = 0;
      for (let i = 0, bit = start * 8; i < count; i++, bit += width) {
        lows += bitsAt(bytes, bit, lowWidth);
        if (highWidth > 0) highs += bitsAt(bytes, bit + 32, highWidth);
      }
      this.#add(lows + min.low * count, highs + min.high * count);
      return;
    }
    for (let i = 0, bit = start * 8; i < count; i++, bit += width) {
      const high = highWidth === 0 ? 0 : bitsAt(bytes, bit + 32, highWidth);
      this.#add(bitsAt(bytes, bit, lowWidth) + min.low, high + min.high);
      out[i * 2] = this.#low;
      out[i * 2 + 1] = this.#high;
    }
  }

  /** Both up to 2^52; wraps at 64 bits, as the specification asks. */
  #add(low: number, high: number): void {
    const sum = this.#low + low;
    this.#low = sum % TWO_32;
    this.#high = (this.#high + high + (sum - this.#low) / TWO_32) % TWO_32;
  }

  #skip(count: number): void {
    if (count > this.bytes.length - this.at) {
      throw new RangeError(`${count} bytes at ${this.at}, where ${this.bytes.length - this.at} are left`);
    }
    this.at += count;
  }

  #zigzag(): Word64 {
    const { low, high } = this.#varint();
    const sign = -(low & 1);
    return {
      low: (((low >>> 1) | (high << 31)) ^ sign) >>> 0,
      high: ((high >>> 1) ^ sign) >>> 0,
    };
  }

  /** Of 64 bits. */
  #varint(): Word64 {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      this.#skip(1);
      const byte = this.bytes[this.at - 1];
      const part = byte & 0x7f;
      if (shift < 32) low |= part << shift;
      if (shift > 25) high |= shift < 32 ? part >>> (32 - shift) : part << (shift - 32);
      if (byte < 0x80) return { low: low >>> 0, high: high >>> 0 };
    }
    throw new RangeError(`too long a number before ${this.at}`);
  }
}

/** Unsigned. */
interface Word64 {
  readonly low: number;
  readonly high: number;
}

/** `width` bits, up to 32, from that bit of the bytes on. */
function bitsAt(bytes: Uint8Array, bit: number, width: number): number {
  if (width === 0) return 0;
  const at = Math.floor(bit / 8);
  const shift = bit % 8;
  const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  const low = shift === 0 ? four : (four >>> shift) | (bytes[at + 4] << (32 - shift));
  return (width === 32 ? low : low & (2 ** width - 1)) >>> 0;
}
