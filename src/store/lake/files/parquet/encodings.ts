/** Which encodings suit the values of a leaf. Where it is not clear beforehand the column chunk tries them. */
import type { TextDictionary } from '../../../../span/vector.ts';
import type { ByteWriter } from './bytes.ts';
import { writeDelta } from './delta.ts';
import { codedWords, sortedByText } from './dictionary.ts';
import type { Coded, TextCoder } from './dictionary.ts';
import { bitWidth, writeHybrid, writeRun } from './hybrid.ts';
import type { LeafType } from './schema.ts';
import type { LeafValues } from './values.ts';

/** By the numbers of the Parquet specification. */
export const ENCODINGS = { plain: 0, rle: 3, deltaBinaryPacked: 5, rleDictionary: 8 } as const;

export interface DictionaryEncoder {
  readonly count: number;
  write(out: ByteWriter): void;
}

export interface ValueEncoder {
  /** Tells the encoders of a leaf apart, in whichever row group. */
  readonly way: 'plain' | 'delta' | 'codes' | 'whole bytes';
  readonly encoding: (typeof ENCODINGS)['plain' | 'deltaBinaryPacked' | 'rleDictionary'];
  /** The distinct values, PLAIN. */
  readonly dictionary?: DictionaryEncoder;
  /** Bytes a value, where they may be many. */
  readonly meanBytes?: number;
  /** The values `from .. to` as the body of a data page. */
  write(out: ByteWriter, from: number, to: number): void;
}

/** A dictionary of up to this share of the values is taken without trying anything else. */
const CLEARLY_FEW = 1 / 16;
/** What `writeHybrid` can pack. */
const MAX_CODES = 2 ** 24;

export interface Choice {
  /** The likeliest first. */
  readonly encoders: readonly ValueEncoder[];
  /** The codes that a leaf of texts uses, each once. */
  readonly distinctTexts?: Uint32Array;
}

export function encodersOf(type: LeafType, values: LeafValues, coder: TextCoder): Choice {
  switch (values.kind) {
    case 'bool':
      return { encoders: [plainBits(values.values)] };
    case 'text': {
      const distinctTexts = coder.distinct(values.codes, values.dictionary);
      return { encoders: textEncoders(distinctTexts, values.codes, values.dictionary, coder), distinctTexts };
    }
    case 'fixed':
      return { encoders: fixedEncoders(values.bytes, values.width) };
    case 'words':
      return { encoders: wordEncoders(type, values.words, values.width) };
  }
}

function textEncoders(
  distinct: Uint32Array,
  codes: Uint32Array,
  dictionary: TextDictionary,
  coder: TextCoder,
): ValueEncoder[] {
  if (!paysDictionary(distinct, codes, dictionary)) return [plainTexts(codes, dictionary)];
  const sorted = sortedByText(distinct, dictionary);
  const write = (out: ByteWriter) => writeTexts(out, sorted, 0, sorted.length, dictionary);
  return codeEncoders({ codes: coder.placesIn(sorted, codes), distinct: sorted }, write);
}

function paysDictionary(distinct: Uint32Array, codes: Uint32Array, dictionary: TextDictionary): boolean {
  if (codes.length === 0 || distinct.length > MAX_CODES) return false;
  if (distinct.length <= codes.length * CLEARLY_FEW) return true;
  const codeBytes = (codes.length * bitWidth(distinct.length - 1)) / 8;
  return textBytes(distinct, dictionary) + codeBytes < textBytes(codes, dictionary);
}

/** PLAIN: each text with its length before it. */
function textBytes(codes: Uint32Array, { offsets }: TextDictionary): number {
  let bytes = codes.length * 4;
  for (let i = 0; i < codes.length; i++) bytes += offsets[codes[i] + 1] - offsets[codes[i]];
  return bytes;
}

/**
 * With as few bits as the codes need, or with whole bytes, of which zstd sees which are frequent: the services
 * of neighbouring spans take 0.53 B packed in 5 bits and 0.45 B in 8. Which is smaller shows only when it is tried.
 */
function codeEncoders({ codes, distinct }: Coded, write: (out: ByteWriter) => void): ValueEncoder[] {
  const width = bitWidth(distinct.length - 1);
  const dictionary = { count: distinct.length, write };
  const aligned = Math.ceil(width / 8) * 8;
  return (aligned === width ? [width] : [width, aligned]).map((bits) => ({
    way: bits === aligned ? 'whole bytes' : 'codes',
    encoding: ENCODINGS.rleDictionary,
    dictionary,
    write(out, from, to) {
      out.byte(bits);
      if (bits === 0) writeRun(out, 0, to - from, 0);
      else writeHybrid(out, codes, from, to, bits);
    },
  }));
}

function fixedEncoders(bytes: Uint8Array, width: 8 | 16): ValueEncoder[] {
  const plain = plainFixed(bytes, width);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  const coded = words.length === 0 ? undefined : codedWords(words, width / 4);
  if (coded === undefined) return [plain];
  return [...codeEncoders(coded, (out) => writeWords(out, coded.distinct, words, width / 4)), plain];
}

function wordEncoders(type: LeafType, words: Uint32Array, width: 1 | 2): ValueEncoder[] {
  const count = words.length / width;
  const coded = count === 0 ? undefined : codedWords(words, width);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const plain = plainFixed(bytes, width * 4);
  const others = type === 'int64' ? [plain, delta(words)] : [plain];
  if (coded === undefined) return others;
  const byCode = codeEncoders(coded, (out) => writeWords(out, coded.distinct, words, width));
  return coded.distinct.length <= Math.max(1, count * CLEARLY_FEW) ? byCode : [...byCode, ...others];
}

function delta(words: Uint32Array): ValueEncoder {
  return {
    way: 'delta',
    encoding: ENCODINGS.deltaBinaryPacked,
    write: (out, from, to) => writeDelta(out, words, from, to),
  };
}

function plainFixed(bytes: Uint8Array, width: number): ValueEncoder {
  return {
    way: 'plain',
    encoding: ENCODINGS.plain,
    write: (out, from, to) => out.raw(bytes.subarray(from * width, to * width)),
  };
}

function plainBits(values: Uint8Array): ValueEncoder {
  return {
    way: 'plain',
    encoding: ENCODINGS.plain,
    write(out, from, to) {
      for (let first = from; first < to; first += 8) {
        let bits = 0;
        for (let i = first; i < Math.min(to, first + 8); i++) bits |= values[i] << (i - first);
        out.byte(bits);
      }
    },
  };
}

function plainTexts(codes: Uint32Array, dictionary: TextDictionary): ValueEncoder {
  return {
    way: 'plain',
    encoding: ENCODINGS.plain,
    meanBytes: textBytes(codes, dictionary) / Math.max(1, codes.length),
    write: (out, from, to) => writeTexts(out, codes, from, to, dictionary),
  };
}

function writeTexts(
  out: ByteWriter,
  codes: Uint32Array,
  from: number,
  to: number,
  { offsets, bytes }: TextDictionary,
): void {
  for (let i = from; i < to; i++) {
    const first = offsets[codes[i]];
    const end = offsets[codes[i] + 1];
    out.uint32(end - first);
    out.range(bytes, first, end);
  }
}

function writeWords(out: ByteWriter, distinct: Uint32Array, words: Uint32Array, width: number): void {
  for (let i = 0; i < distinct.length; i++) {
    for (let at = distinct[i] * width; at < (distinct[i] + 1) * width; at++) out.uint32(words[at]);
  }
}
