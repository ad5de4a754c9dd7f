/** DELTA_BINARY_PACKED read back: each value is the one before and a difference, so a page is walked from its begin. */
import { countIn } from './ranges.ts';
import type { Range } from './ranges.ts';

/** Ours are 128 values in 4 parts. */
const MAX_BLOCK_VALUES = 4096;

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
    const last = ranges[ranges.length - 1]?.to ?? 0;
    const all = new Uint32Array(last * 2);
    if (last > 0) {
      all[0] = this.#low;
      all[1] = this.#high;
    }
    for (let value = 1; value < last;) value = this.#block(all, value, last);
    const out = new Uint32Array(countIn(ranges) * 2);
    let at = 0;
    for (const { from, to } of ranges) {
      out.set(all.subarray(from * 2, to * 2), at);
      at += (to - from) * 2;
    }
    return out;
  }

  /** Fills `all` from value `first` on. Gives the value behind the block, or `last`. */
  #block(all: Uint32Array, first: number, last: number): number {
    const min = this.#zigzag();
    const widths = this.at;
    this.#skip(this.#miniblocks);
    const values = this.#blockValues / this.#miniblocks;
    let value = first;
    for (let mini = 0; mini < this.#miniblocks && value < last; mini++) {
      const width = this.bytes[widths + mini];
      if (width > 64) throw new RangeError(`differences of ${width} bits`);
      const start = this.at;
      this.#skip((values * width) / 8);
      const end = Math.min(last, value + values);
      this.#miniblock(all, value, end, start, width, min);
      value = end;
    }
    return value;
  }

  #miniblock(all: Uint32Array, from: number, to: number, start: number, width: number, min: Word64): void {
    const { bytes } = this;
    const lowWidth = Math.min(32, width);
    const highWidth = width - lowWidth;
    let low = this.#low;
    let high = this.#high;
    for (let i = from, bit = start * 8; i < to; i++, bit += width) {
      const sum = low + bitsAt(bytes, bit, lowWidth) + min.low;
      const highBits = highWidth === 0 ? 0 : bitsAt(bytes, bit + 32, highWidth);
      low = sum % TWO_32;
      high = (high + highBits + min.high + (sum - low) / TWO_32) % TWO_32;
      all[i * 2] = low;
      all[i * 2 + 1] = high;
    }
    this.#low = low;
    this.#high = high;
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
