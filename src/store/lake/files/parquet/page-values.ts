/** Some of the values of a data page, and what the codes among them mean. */
import type { Interner } from '../../../../span/interner.ts';
import { joinBytes } from '../../../../span/join.ts';
import type { TextDictionary } from '../../../../span/vector.ts';
import { readDelta } from './delta-reader.ts';
import { ENCODINGS } from './encodings.ts';
import { HybridReader } from './hybrid-reader.ts';
import { countIn } from './ranges.ts';
import type { Range } from './ranges.ts';
import type { LeafType } from './schema.ts';

/** Values of a page. Codes are those of the chunk's dictionary page, or of an interner for texts that have none. */
export type PageValues =
  | { readonly kind: 'codes'; readonly codes: Uint32Array }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Bytes of a value that is PLAIN; texts and booleans have no fixed length. */
export const PLAIN_BYTES = { uint8: 4, uint32: 4, int64: 8, double: 8, id8: 8, id16: 16 } as const;

/**
 * The values of `ranges` out of the `count` that begin at `from` of a page's body. Throws RangeError when they
 * don't fit into it.
 */
export function readValues(
  type: LeafType,
  encoding: number,
  page: { readonly body: Uint8Array; readonly from: number; readonly count: number },
  ranges: readonly Range[],
  texts: Interner,
): PageValues {
  const { body, from, count } = page;
  if (ranges.length === 0) return NO_VALUES[encoding === ENCODINGS.rleDictionary ? 'codes' : kindOf(type)];
  switch (encoding) {
    case ENCODINGS.rleDictionary:
      return { kind: 'codes', codes: readCodes(body, from, ranges) };
    case ENCODINGS.deltaBinaryPacked: {
      if (type !== 'int64') throw new RangeError(`differences of a ${type}`);
      return { kind: 'bytes', bytes: bytesOf(readDelta(body, from, count, ranges)) };
    }
    case ENCODINGS.plain:
      if (type === 'text') return { kind: 'codes', codes: internTexts(body, from, count, ranges, texts) };
      if (type === 'bool') return { kind: 'bytes', bytes: readBits(body, from, count, ranges) };
      return { kind: 'bytes', bytes: pickFixed(body, from, count, PLAIN_BYTES[type], ranges) };
    default:
      throw new RangeError(`the unknown encoding ${encoding}`);
  }
}

const NO_VALUES = {
  codes: { kind: 'codes', codes: new Uint32Array(0) },
  bytes: { kind: 'bytes', bytes: new Uint8Array(0) },
} as const;

function kindOf(type: LeafType): 'codes' | 'bytes' {
  return type === 'text' ? 'codes' : 'bytes';
}

function readCodes(body: Uint8Array, from: number, ranges: readonly Range[]): Uint32Array {
  if (from >= body.length) throw new RangeError('a page without the width of its codes');
  const reader = new HybridReader(body, from + 1, body.length, body[from]);
  const codes = new Uint32Array(countIn(ranges));
  let value = 0;
  let at = 0;
  for (const range of ranges) {
    reader.skip(range.from - value);
    reader.read(codes, at, range.to - range.from);
    at += range.to - range.from;
    value = range.to;
  }
  return codes;
}

function readBits(body: Uint8Array, from: number, count: number, ranges: readonly Range[]): Uint8Array {
  if (from + Math.ceil(count / 8) !== body.length) throw wrongLength(count, body.length - from);
  const out = new Uint8Array(countIn(ranges));
  let at = 0;
  for (const range of ranges) {
    for (let i = range.from; i < range.to; i++) out[at++] = (body[from + (i >>> 3)] >>> (i & 7)) & 1;
  }
  return out;
}

function pickFixed(
  body: Uint8Array,
  from: number,
  count: number,
  width: number,
  ranges: readonly Range[],
): Uint8Array {
  if (from + count * width !== body.length) throw wrongLength(count, body.length - from);
  const out = new Uint8Array(countIn(ranges) * width);
  let at = 0;
  for (const range of ranges) {
    out.set(body.subarray(from + range.from * width, from + range.to * width), at);
    at += (range.to - range.from) * width;
  }
  return out;
}

/** Steps over the texts before a range by their lengths. */
function internTexts(
  body: Uint8Array,
  from: number,
  count: number,
  ranges: readonly Range[],
  texts: Interner,
): Uint32Array {
  const codes = new Uint32Array(countIn(ranges));
  const walk = new TextWalk(body, from);
  let value = 0;
  let at = 0;
  for (const range of ranges) {
    if (range.to > count) throw wrongLength(count, body.length - from);
    for (; value < range.from; value++) walk.next();
    for (; value < range.to; value++) {
      const start = walk.next();
      codes[at++] = texts.intern(body, start, walk.at);
    }
  }
  return codes;
}

/** PLAIN texts, each behind its length. */
class TextWalk {
  readonly #view: DataView;

  /** `at`: the end of the text that came last. */
  constructor(
    readonly body: Uint8Array,
    public at: number,
  ) {
    this.#view = new DataView(body.buffer, body.byteOffset, body.length);
  }

  /** Where the next text begins; it ends at `at`. */
  next(): number {
    // The view throws RangeError when less than four bytes are left.
    const length = this.#view.getUint32(this.at, true);
    const start = this.at + 4;
    if (length > this.body.length - start) {
      throw new RangeError(`a text of ${length} bytes at ${start} of ${this.body.length}`);
    }
    this.at = start + length;
    return start;
  }
}

/** What the codes stand for, `width` bytes each. `body`: the dictionary page's. */
export function valuesOfCodes(
  codes: Uint32Array,
  body: Uint8Array,
  count: number,
  type: Exclude<LeafType, 'text' | 'bool'>,
): Uint8Array {
  const width = PLAIN_BYTES[type];
  if (body.length !== count * width) throw wrongLength(count, body.length);
  const out = new Uint8Array(codes.length * width);
  for (let i = 0; i < codes.length; i++) {
    const first = codes[i] * width;
    if (codes[i] >= count) throw new RangeError(`the code ${codes[i]} of ${count}`);
    for (let j = 0; j < width; j++) out[i * width + j] = body[first + j];
  }
  return out;
}

/** The texts that the codes use, and the codes renamed to theirs: of a page of 600 KB mostly ten. */
export function textsOfCodes(
  codes: Uint32Array,
  body: Uint8Array,
  count: number,
): { codes: Uint32Array; dictionary: TextDictionary } {
  // Most of them are used then, and renaming would cost more than what is left out.
  if (codes.length >= count) return { codes, dictionary: allTexts(body, count) };
  const used = new Uint32Array(new Set(codes)).sort();
  if (used.length > 0 && used[used.length - 1] >= count) {
    throw new RangeError(`the code ${used[used.length - 1]} of ${count}`);
  }
  const walk = new TextWalk(body, 0);
  const starts = new Uint32Array(used.length);
  const offsets = new Uint32Array(used.length + 1);
  const renamed = new Map<number, number>();
  for (let code = 0, i = 0; i < used.length; code++) {
    const start = walk.next();
    if (code < used[i]) continue;
    renamed.set(code, i);
    starts[i] = start;
    offsets[++i] = offsets[i - 1] + walk.at - start;
  }
  const bytes = new Uint8Array(offsets[used.length]);
  for (let i = 0; i < used.length; i++) {
    bytes.set(body.subarray(starts[i], starts[i] + offsets[i + 1] - offsets[i]), offsets[i]);
  }
  return {
    codes: codes.map((code) => renamed.get(code) ?? 0),
    dictionary: { count: used.length, offsets, bytes },
  };
}

/** The same out of a dictionary that was read before. */
export function textsOf(
  codes: Uint32Array,
  { count, offsets, bytes }: TextDictionary,
): { codes: Uint32Array; dictionary: TextDictionary } {
  const used = new Uint32Array(new Set(codes)).sort();
  if (used.length > 0 && used[used.length - 1] >= count) {
    throw new RangeError(`the code ${used[used.length - 1]} of ${count}`);
  }
  const ends = new Uint32Array(used.length + 1);
  const parts: Uint8Array[] = [];
  const renamed = new Map<number, number>();
  for (let i = 0; i < used.length; i++) {
    const part = bytes.subarray(offsets[used[i]], offsets[used[i] + 1]);
    parts.push(part);
    renamed.set(used[i], i);
    ends[i + 1] = ends[i] + part.length;
  }
  return {
    codes: codes.map((code) => renamed.get(code) ?? 0),
    dictionary: { count: used.length, offsets: ends, bytes: joinBytes(parts) },
  };
}

/** Shorter texts are copied byte by byte: a call costs as much as so many. */
const SHORT_TEXT = 24;

/** A dictionary page of texts without their lengths. */
export function allTexts(body: Uint8Array, count: number): TextDictionary {
  if (body.length < count * 4) throw wrongLength(count, body.length);
  const offsets = new Uint32Array(count + 1);
  const bytes = new Uint8Array(body.length - count * 4);
  const walk = new TextWalk(body, 0);
  let at = 0;
  for (let code = 0; code < count; code++) {
    const start = walk.next();
    const end = walk.at;
    if (end - start > SHORT_TEXT) {
      bytes.set(body.subarray(start, end), at);
      at += end - start;
    } else for (let i = start; i < end; i++) bytes[at++] = body[i];
    offsets[code + 1] = at;
  }
  if (walk.at !== body.length) throw wrongLength(count, body.length);
  return { count, offsets, bytes };
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function wrongLength(count: number, bytes: number): RangeError {
  return new RangeError(`${count} values in ${bytes} bytes`);
}
