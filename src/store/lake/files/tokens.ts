/**
 * Tokens: what a filter knows of an attribute, as 64-bit hashes in two words. A span has, of each of its
 * attributes, the token of the key and one of each value that TraceQL's `=` can find: strings, bools,
 * numbers, and those among an array's elements. Numbers that are equal have one token whatever their type,
 * since TraceQL compares them by value.
 *
 *   key    K1 = murmur3(key, letter of the scope), K2 = murmur3(key, letter of the scope + 256)
 *   value  V1 = murmur3(bytes, letter of the kind), V2 = murmur3(bytes, letter of the kind + 256)
 *   token  a = finish(K1 * 0x9e3779b1 + V1), b = finish(K2 * 0x85ebca6b + V2)
 *
 * Kinds and their bytes: `s` UTF-8; `b` one byte, 0 or 1; `i` a whole number of 64 bits, little endian,
 * doubles included; `d` the bits of another double; `p` (the key is present) none. A NaN equals nothing.
 */
import type { FileAttributeKey } from './file-entry.ts';
import { finishHash, murmur3, murmur3Words } from './bloom.ts';

export type TokenScope = FileAttributeKey['scope'];

export interface KeyHash {
  readonly a: number;
  readonly b: number;
}

export interface Token extends KeyHash {
  readonly key: KeyHash;
  /** True for the token of the key alone, which stands in every filter. */
  readonly isPresence: boolean;
}

const SCOPE_LETTERS: Readonly<Record<TokenScope, string>> = {
  span: 's',
  resource: 'r',
  event: 'e',
  link: 'l',
  instrumentation: 'i',
};

const SECOND = 256;
const STRING = 's'.charCodeAt(0);
const BOOL = 'b'.charCodeAt(0);
const INT = 'i'.charCodeAt(0);
const DOUBLE = 'd'.charCodeAt(0);
const PRESENCE = 'p'.charCodeAt(0);
const NOTHING = new Uint8Array(0);
const TWO_32 = 4294967296;

const encoder = new TextEncoder();

export function keyHash(scope: TokenScope, key: Uint8Array, from = 0, to = key.length): KeyHash {
  const letter = SCOPE_LETTERS[scope].charCodeAt(0);
  return { a: murmur3(key, from, to, letter), b: murmur3(key, from, to, letter + SECOND) };
}

export function keyHashOf(scope: TokenScope, key: string): KeyHash {
  return keyHash(scope, encoder.encode(key));
}

/** A value's half of a token, one at a time: a loop over values makes no objects. */
export class ValueHash {
  a = 0;
  b = 0;
  readonly #double = new Float64Array(1);
  readonly #words = new Uint32Array(this.#double.buffer);

  setString(bytes: Uint8Array, from: number, to: number): void {
    this.a = murmur3(bytes, from, to, STRING);
    this.b = murmur3(bytes, from, to, STRING + SECOND);
  }

  setBool(value: boolean): void {
    const byte = Uint8Array.of(value ? 1 : 0);
    this.a = murmur3(byte, 0, 1, BOOL);
    this.b = murmur3(byte, 0, 1, BOOL + SECOND);
  }

  /** A signed 64-bit integer. */
  setInt(low: number, high: number): void {
    this.a = murmur3Words(low, high, INT);
    this.b = murmur3Words(low, high, INT + SECOND);
  }

  /** False for NaN, which equals nothing. */
  setDouble(value: number): boolean {
    if (Number.isNaN(value)) return false;
    if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
      const high = Math.floor(value / TWO_32);
      this.setInt(value - high * TWO_32, high);
      return true;
    }
    this.#double[0] = value;
    const [low, high] = this.#words;
    this.a = murmur3Words(low, high, DOUBLE);
    this.b = murmur3Words(low, high, DOUBLE + SECOND);
    return true;
  }

  setBigInt(value: bigint): void {
    this.setInt(Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
  }

  setPresence(): void {
    this.a = murmur3(NOTHING, 0, 0, PRESENCE);
    this.b = murmur3(NOTHING, 0, 0, PRESENCE + SECOND);
  }

  tokenA(keyA: number): number {
    return finishHash((Math.imul(keyA, 0x9e3779b1) + this.a) | 0);
  }

  tokenB(keyB: number): number {
    return finishHash((Math.imul(keyB, 0x85ebca6b) + this.b) | 0);
  }
}

/** The token of a question's value; a bigint and a number are numbers. Undefined for what equals nothing. */
export function valueToken(key: KeyHash, value: string | boolean | bigint | number): Token | undefined {
  const hash = new ValueHash();
  if (typeof value === 'string') {
    const bytes = encoder.encode(value);
    hash.setString(bytes, 0, bytes.length);
  } else if (typeof value === 'boolean') {
    hash.setBool(value);
  } else if (typeof value === 'bigint') {
    hash.setBigInt(value);
  } else if (!hash.setDouble(value)) {
    return undefined;
  }
  return { key, a: hash.tokenA(key.a), b: hash.tokenB(key.b), isPresence: false };
}

export function presenceToken(key: KeyHash): Token {
  const hash = new ValueHash();
  hash.setPresence();
  return { key, a: hash.tokenA(key.a), b: hash.tokenB(key.b), isPresence: true };
}
