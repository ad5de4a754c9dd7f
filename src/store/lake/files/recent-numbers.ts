/** Numbers met lately, as words, so that a column of few numbers is not hashed row by row. */
const RECENT = 8192;

export class RecentNumbers {
  readonly #lows = new Uint32Array(RECENT);
  readonly #highs = new Uint32Array(RECENT);
  readonly #rounds = new Uint32Array(RECENT);
  #round = 0;

  begin(): void {
    this.#round++;
  }

  /** Whether the number was asked for before; remembers it. */
  has(low: number, high: number): boolean {
    const slot = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> 19;
    if (this.#rounds[slot] === this.#round && this.#lows[slot] === low && this.#highs[slot] === high) {
      return true;
    }
    this.#rounds[slot] = this.#round;
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    return false;
  }
}
