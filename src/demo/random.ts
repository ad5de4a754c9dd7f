/** Random numbers under a seed: the same seed gives the same traffic, byte for byte. */

/** sfc32 (PractRand's small fast counter): 128 bits of state, enough for ids that must not repeat. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, salt: bigint) {
    this.#a = seed | 0;
    this.#b = Number(BigInt.asIntN(32, salt));
    this.#c = Number(BigInt.asIntN(32, salt >> 32n));
    for (let round = 0; round < 15; round++) this.uint32();
  }

  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** From 0 up to, not including, 1. */
  unit(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.unit() * list.length)];
  }

  /** Skewed towards 0, as popularity is: a few products sell most. */
  popular(count: number): number {
    return Math.floor(this.unit() ** 3 * count);
  }

  /** Log-normal around `median`: durations have a long tail, and sigma 0.5 puts p99 at 3.2 medians. */
  logNormal(median: number, sigma: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()));
    return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.unit()));
  }

  /** The gap to the next of independent arrivals. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  /** `bytes` (a multiple of 4) of lower-case hex, never all zero: OTLP refuses such an id. */
  hex(bytes: number): string {
    let text = '';
    for (let at = 0; at < bytes; at += 4) text += this.uint32().toString(16).padStart(8, '0');
    return /^0+$/.test(text) ? this.hex(bytes) : text;
  }
}
