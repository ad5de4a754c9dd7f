/**
 * Counts of durations in log-linear buckets: 64 to each power of two, so that the middle of a bucket is
 * within 0.8 % of every value in it; below 64 ns each value has its own. The bits of a double give the
 * bucket without a logarithm. Plain data but for its class: `parts` crosses to another thread.
 */

const SUB_BITS = 6;
const SUB_BUCKETS = 1 << SUB_BITS;
/** Exponent field of 1.0 in a double's high word, with the first bits of the mantissa. */
const FIRST_BUCKET = 1023 << SUB_BITS;

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);
const TWO_32 = 4294967296;

/** The numbers of buckets are below this. */
export const BUCKETS = 64 * SUB_BUCKETS;

/** The bucket of a positive 64-bit integer by its words. */
export function bucketOf(high: number, low: number): number {
  double[0] = high * TWO_32 + low;
  return (doubleWords[1] >>> (20 - SUB_BITS)) - FIRST_BUCKET;
}

/** Counts by power of two; most histograms use few of the 64. */
export type HistogramParts = readonly (Uint32Array | undefined)[];

export class Histogram {
  count = 0;
  /** Values of zero and below. */
  zeros = 0;
  maxHigh = -0x80000000;
  maxLow = 0;
  readonly parts: (Uint32Array | undefined)[] = [];

  /** A signed 64-bit integer by its words. */
  add(high: number, low: number): void {
    const signedHigh = high | 0;
    this.count++;
    if (signedHigh > this.maxHigh || (signedHigh === this.maxHigh && low > this.maxLow)) {
      this.maxHigh = signedHigh;
      this.maxLow = low;
    }
    if (signedHigh < 0 || (signedHigh === 0 && low === 0)) {
      this.zeros++;
      return;
    }
    const bucket = bucketOf(signedHigh, low);
    this.part(bucket)[bucket & (SUB_BUCKETS - 1)]++;
  }

  /** The counts of the power of two to which the bucket belongs, its own at `bucket` modulo their number. */
  part(bucket: number): Uint32Array {
    return (this.parts[bucket >>> SUB_BITS] ??= new Uint32Array(SUB_BUCKETS));
  }

  merge(other: Pick<Histogram, 'count' | 'zeros' | 'maxHigh' | 'maxLow' | 'parts'>): void {
    this.count += other.count;
    this.zeros += other.zeros;
    if (other.maxHigh > this.maxHigh || (other.maxHigh === this.maxHigh && other.maxLow > this.maxLow)) {
      this.maxHigh = other.maxHigh;
      this.maxLow = other.maxLow;
    }
    other.parts.forEach((counts, power) => {
      if (!counts) return;
      const part = (this.parts[power] ??= new Uint32Array(SUB_BUCKETS));
      for (let i = 0; i < SUB_BUCKETS; i++) part[i] += counts[i];
    });
  }

  get maxNano(): bigint {
    return this.count === 0 ? 0n : (BigInt(this.maxHigh) << 32n) | BigInt(this.maxLow);
  }

  /** The value that a share `q` of the values does not exceed (nearest rank), within 0.8 %; 0 for what is below. */
  quantileNano(q: number): bigint {
    let left = Math.max(1, Math.ceil(q * this.count)) - this.zeros;
    if (left <= 0) return 0n;
    for (let power = 0; power < this.parts.length; power++) {
      const counts = this.parts[power];
      if (!counts) continue;
      for (let i = 0; i < SUB_BUCKETS; i++) {
        left -= counts[i];
        if (left <= 0) return this.#middle(power, i);
      }
    }
    return this.maxNano;
  }

  #middle(power: number, sub: number): bigint {
    const width = 2 ** power / SUB_BUCKETS;
    const from = 2 ** power + sub * width;
    // Buckets of at most one integer are exact.
    const middle = BigInt(width <= 1 ? Math.ceil(from) : Math.round(from + width / 2));
    const max = this.maxNano;
    return middle > max ? max : middle;
  }
}
