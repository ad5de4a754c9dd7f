/**
 * Attributes of OTLP/JSON by the bytes in which they came. Senders write a key in one way, and one key
 * behind the same other, so attributes are guessed: the *shape* of one, all but the bytes of its scalar, is
 * compared with the shapes that followed the one before it earlier, and only the scalar is looked up.
 */
import { grown } from './grow.ts';
import { mixWord, standsAt, stopInText, ByteArena } from './words.ts';

/** Shapes kept for what follows another; one that proves right moves up by one place. */
const GUESSES = 4;
const FIRST_SHAPES = 32;
/** Attributes with further keys are known by all their bytes. So many shapes take about 2 MiB. */
const MAX_SHAPES = 16_384;
const MAX_SHAPE_BYTES = 1024;

/** Pair + 1 (0: free), hash, first byte in the arena, shape and length: 16 bytes, so one line of the cache. */
const SLOT = 4;
const SLOT_SHIFT = 2;
const FIRST_SLOTS = 128;
/** Longer values (prompts, stack traces) rarely repeat, and would stand twice in memory. */
const MAX_VALUE_BYTES = 1023;
const LENGTH_BITS = 10;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Differs per process, so that nobody can send values that all fall into one slot. */
const HASH_SEED = crypto.getRandomValues(new Int32Array(1))[0];

/** What stands before the first attribute of a list; also, no shape. */
export const NO_SHAPE = 0;

/** How a value may be read that nobody met before, when its bytes are as plain as the shape promises. */
export enum ValueKind {
  /** Between quotes: a double, base64. */
  quoted,
  text,
  quotedInt,
  /** Without quotes: true, null. What follows has none either. */
  bare,
  bareInt,
  bareDouble,
}

export class JsonShapes {
  /** What the last look-up found: the shape, its scalar, and where the attribute ends; -1 where it is not plain. */
  shape: number = NO_SHAPE;
  valueStart = 0;
  valueEnd = 0;
  end = -1;
  /** Are backslashes among the scalar's bytes? */
  escaped = false;
  #hash = 0;

  /** By shape, the first is NO_SHAPE. Heads stand before the scalar with its first quote, tails behind. */
  #count = 1;
  #heads = new Int32Array(FIRST_SHAPES);
  #headBytes = new Int32Array(FIRST_SHAPES);
  #tails = new Int32Array(FIRST_SHAPES);
  #tailBytes = new Int32Array(FIRST_SHAPES);
  #next = new Int32Array(FIRST_SHAPES * GUESSES);
  /** By shape: the code of its key, and how its values are read. */
  keys: Uint32Array = new Uint32Array(FIRST_SHAPES);
  readonly kinds: ValueKind[] = [ValueKind.bare];

  readonly #arena = new ByteArena();
  /** Scalars by shape and bytes, and heads as those of NO_SHAPE. Linear probing, at most half full. */
  #slots = new Int32Array(FIRST_SLOTS * SLOT);
  #mask = FIRST_SLOTS - 1;
  #entries = 0;

  get byteLength(): number {
    return this.#arena.count + this.#entries * SLOT * 2 * 4 + this.#count * (16 + GUESSES * 4 + 5);
  }

  /**
   * The pair of the attribute at `source[at]` that comes behind one of the shape `previous`, or -1. Then
   * `shape` tells whether its shape was guessed, and `end`, when not -1, that `add` may follow.
   */
  find(source: DataView, at: number, previous: number): number {
    const own = this.#arena.view;
    const next = this.#next;
    const first = previous * GUESSES;
    for (let guess = first; guess < first + GUESSES; guess++) {
      const shape = next[guess];
      if (shape === NO_SHAPE) break;
      if (!standsAt(own, this.#heads[shape], this.#headBytes[shape], source, at)) continue;
      if (guess > first) {
        next[guess] = next[guess - 1];
        next[guess - 1] = shape;
      }
      return this.findValue(source, at, shape);
    }
    this.shape = NO_SHAPE;
    this.end = -1;
    return -1;
  }

  /** The same for an attribute whose head is known to be that of `shape`. */
  findValue(source: DataView, at: number, shape: number): number {
    const start = at + this.#headBytes[shape];
    this.shape = shape;
    this.valueStart = start;
    this.end = -1;
    const isBare = this.kinds[shape] >= ValueKind.bare;
    const to = isBare ? this.#scanBare(source, start, shape) : this.#scanQuoted(source, start, shape);
    if (to < 0) return -1;
    const own = this.#arena.view;
    if (!standsAt(own, this.#tails[shape], this.#tailBytes[shape], source, to)) return -1;
    this.valueEnd = to;
    this.end = to + this.#tailBytes[shape];
    return this.#lookUp(this.#hash, source, start, to - start, shape);
  }

  /** The scalar that the last look-up left means `pair`. */
  add(source: DataView, pair: number): void {
    this.#insert(this.#hash, source, this.valueStart, this.valueEnd, this.shape, pair);
  }

  /** The shape whose head is `source[at .. valueStart)`, or NO_SHAPE. */
  shapeOf(source: DataView, at: number, valueStart: number): number {
    const length = valueStart - at;
    if (length > MAX_SHAPE_BYTES - 1) return NO_SHAPE;
    return this.#lookUp(hashOf(source, at, valueStart), source, at, length, NO_SHAPE) + 1;
  }

  /** Whether there is room for one more, with so many bytes before and behind its scalar. */
  canLearn(headBytes: number, tailBytes: number): boolean {
    return headBytes < MAX_SHAPE_BYTES && tailBytes < MAX_SHAPE_BYTES && this.#count < MAX_SHAPES;
  }

  /** A new shape, from an attribute that has it. */
  learn(
    source: DataView,
    at: number,
    valueStart: number,
    valueEnd: number,
    end: number,
    key: number,
    kind: ValueKind,
  ): number {
    const shape = this.#count;
    if (shape === this.keys.length) this.#growShapes();
    this.#insert(hashOf(source, at, valueStart), source, at, valueStart, NO_SHAPE, shape - 1);
    this.#heads[shape] = this.#arena.count - (valueStart - at);
    this.#headBytes[shape] = valueStart - at;
    this.#tails[shape] = this.#arena.add(source, valueEnd, end);
    this.#tailBytes[shape] = end - valueEnd;
    this.keys[shape] = key;
    this.kinds.push(kind);
    this.#count++;
    this.shape = shape;
    return shape;
  }

  /** From now on, `shape` is guessed behind `previous`. */
  follow(previous: number, shape: number): void {
    const next = this.#next;
    const last = previous * GUESSES + GUESSES - 1;
    let guess = previous * GUESSES;
    while (guess < last && next[guess] !== NO_SHAPE) guess++;
    next[guess] = shape;
  }

  /** The position of the quote behind the text at `start`, with its hash left; -1 when it is no plain text. */
  #scanQuoted(source: DataView, start: number, shape: number): number {
    let hash = HASH_SEED ^ shape;
    let pos = start;
    this.escaped = false;
    for (const last = Math.min(start + MAX_VALUE_BYTES - 4, source.byteLength - 4); pos <= last;) {
      const word = source.getInt32(pos, true);
      const stop = stopInText(word);
      if (stop === 4) {
        hash = mixWord(hash, word);
        pos += 4;
        continue;
      }
      hash = mixWord(hash, word & ((1 << (stop * 8)) - 1));
      pos += stop;
      const byte = source.getUint8(pos);
      if (byte === QUOTE) {
        this.#hash = hash ^ (hash >>> 13);
        return pos;
      }
      if (byte !== BACKSLASH) return -1;
      this.escaped = true;
      pos += 2;
    }
    return -1;
  }

  /** The same for a number or literal: up to a bracket or white space. */
  #scanBare(source: DataView, start: number, shape: number): number {
    let hash = HASH_SEED ^ shape;
    for (let pos = start, last = Math.min(start + 64, source.byteLength - 4); pos <= last; pos += 4) {
      const word = source.getInt32(pos, true);
      const bracket = word ^ 0x7d7d7d7d;
      const found = (((bracket - 0x01010101) & ~bracket) | ((word - 0x21212121) & ~word)) & 0x80808080;
      if (found !== 0) {
        const stop = (31 - Math.clz32(found & -found)) >>> 3;
        hash = mixWord(hash, word & ((1 << (stop * 8)) - 1));
        this.#hash = hash ^ (hash >>> 13);
        return pos + stop;
      }
      hash = mixWord(hash, word);
    }
    return -1;
  }

  #lookUp(hash: number, source: DataView, at: number, length: number, shape: number): number {
    const slots = this.#slots;
    const wrap = (this.#mask << SLOT_SHIFT) | 3;
    const label = (shape << LENGTH_BITS) | length;
    for (let slot = (hash << SLOT_SHIFT) & wrap; slots[slot] !== 0; slot = (slot + SLOT) & wrap) {
      if (slots[slot + 1] !== hash || slots[slot + 3] !== label) continue;
      if (standsAt(this.#arena.view, slots[slot + 2], length, source, at)) return slots[slot] - 1;
    }
    return -1;
  }

  #insert(hash: number, source: DataView, from: number, to: number, shape: number, pair: number): void {
    if (this.#entries * 2 > this.#mask) this.#rehash();
    this.#place(pair + 1, hash, this.#arena.add(source, from, to), (shape << LENGTH_BITS) | (to - from));
    this.#entries++;
  }

  #place(entry: number, hash: number, byteAt: number, label: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * SLOT] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * SLOT] = entry;
    this.#slots[slot * SLOT + 1] = hash;
    this.#slots[slot * SLOT + 2] = byteAt;
    this.#slots[slot * SLOT + 3] = label;
  }

  #rehash(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(before.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < before.length; at += SLOT) {
      if (before[at] !== 0) this.#place(before[at], before[at + 1], before[at + 2], before[at + 3]);
    }
  }

  #growShapes(): void {
    const needed = this.keys.length + 1;
    this.#heads = grown(this.#heads, needed);
    this.#headBytes = grown(this.#headBytes, needed);
    this.#tails = grown(this.#tails, needed);
    this.#tailBytes = grown(this.#tailBytes, needed);
    this.#next = grown(this.#next, needed * GUESSES);
    this.keys = grown(this.keys, needed);
  }
}

function hashOf(source: DataView, from: number, to: number): number {
  let hash = HASH_SEED;
  for (let pos = from; pos < to; pos++) hash = mixWord(hash, source.getUint8(pos));
  return hash ^ (hash >>> 13);
}
