/** Pairs of small numbers as dense numbers of their own: groups of several fields, a group's buckets. */

const FIRST_SLOTS = 256;
/** From here on there are slots for all that there may be: to place 1M pairs anew would hold the thread for 50 ms. */
const LAST_DOUBLED = 1 << 17;
const MOST_PAIRS = 1 << 21;

/** What a row gets whose value has no code: see `FieldCodes`. */
export const NO_CODE = 0xffffffff;

/** Pairs with a small second number are looked up in a table of at most so many (4 MB). */
const MAX_TABLE = 1 << 20;
const MAX_TABLE_WIDTH = 4096;

/** Codes in order of arrival, from 0. Open addressing, at most half full; 20 bytes a pair. */
export class PairCodes {
  count = 0;
  /** By code. */
  first = new Uint32Array(FIRST_SLOTS / 2);
  second = new Uint32Array(FIRST_SLOTS / 2);
  /** Code + 1; 0: free. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  /** By `first * width + second`: code + 1; 0: not met. */
  #table = new Uint32Array(0);
  readonly #width: number;

  /** `max`: pairs beyond get NO_CODE. `seconds`: all seconds are below, if that is known. */
  constructor(
    readonly max: number = NO_CODE - 1,
    seconds: number = NO_CODE,
  ) {
    this.#width = seconds <= MAX_TABLE_WIDTH ? seconds : 0;
  }

  /** Sets `codes[row]` of the selected rows. */
  fill(
    firsts: Uint32Array,
    seconds: Uint32Array,
    selected: Uint8Array,
    from: number,
    to: number,
    codes: Uint32Array,
  ): void {
    const width = this.#width;
    let table: Uint32Array = this.#table;
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      const first = firsts[row];
      const second = seconds[row];
      const place = first * width + second;
      if (width > 0 && place < table.length && table[place] !== 0) {
        codes[row] = table[place] - 1;
        continue;
      }
      codes[row] = this.code(first, second);
      table = this.#learn(first, second, codes[row]);
    }
  }

  #learn(first: number, second: number, code: number): Uint32Array {
    const place = first * this.#width + second;
    if (this.#width === 0 || code === NO_CODE || place >= MAX_TABLE) return this.#table;
    if (place >= this.#table.length) {
      const table = new Uint32Array(Math.min(MAX_TABLE, Math.max(place + 1, this.#table.length * 2, 1024)));
      table.set(this.#table);
      this.#table = table;
    }
    this.#table[place] = code + 1;
    return this.#table;
  }

  code(first: number, second: number): number {
    let slot = hash(first, second) & this.#mask;
    for (;;) {
      const known = this.#slots[slot];
      if (known === 0) return this.#add(slot, first, second);
      if (this.first[known - 1] === first && this.second[known - 1] === second) return known - 1;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** NO_CODE for a pair that has none yet. */
  known(first: number, second: number): number {
    let slot = hash(first, second) & this.#mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const code = this.#slots[slot] - 1;
      if (this.first[code] === first && this.second[code] === second) return code;
    }
    return NO_CODE;
  }

  #add(slot: number, first: number, second: number): number {
    if (this.count >= this.max) return NO_CODE;
    if (this.count === this.first.length) {
      this.#grow();
      slot = this.#free(first, second);
    }
    const code = this.count++;
    this.first[code] = first;
    this.second[code] = second;
    this.#slots[slot] = code + 1;
    return code;
  }

  #free(first: number, second: number): number {
    let slot = hash(first, second) & this.#mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #grow(): void {
    const size = this.first.length * 2;
    const [first, second] = [new Uint32Array(size), new Uint32Array(size)];
    first.set(this.first);
    second.set(this.second);
    this.first = first;
    this.second = second;
    if (size * 2 <= this.#slots.length) return;
    const isLast = size * 2 > LAST_DOUBLED && this.max <= MOST_PAIRS;
    this.#slots = new Uint32Array(isLast ? 2 ** Math.ceil(Math.log2(this.max * 2)) : size * 2);
    this.#mask = this.#slots.length - 1;
    for (let code = 0; code < this.count; code++)
      this.#slots[this.#free(first[code], second[code])] = code + 1;
  }
}

function hash(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second + 0x7f4a7c15, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
