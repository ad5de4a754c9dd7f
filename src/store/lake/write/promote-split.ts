/**
 * Attribute lists into columns for some keys and lists of the rest, in one pass over the entries. A value's
 * text is parsed once for each distinct key=value, not for each row.
 */
import { TYPE_TAGS } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { AttributesVector, TextDictionary, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { takeWords } from '../files/take.ts';
import type { Candidate } from './promote.ts';
import { decodeText, writeInt64 } from './text.ts';

export interface SplitLists {
  readonly columns: readonly Vector[];
  readonly rest: AttributesVector;
}

/** The lists of the rows `indices`; at most 254 chosen keys, each at most once in a list. */
export function splitLists(
  vector: AttributesVector,
  indices: Uint32Array,
  chosen: readonly Candidate[],
): SplitLists {
  const { rowIndex } = vector;
  const slotOfPair = slotsOfPairs(vector, chosen);
  const values = parsedValues(vector, slotOfPair, chosen);
  const typed = (pairs: Uint32Array, slot: number) =>
    columnOf(vector, values, pairs, chosen[slot].column.type);
  if (rowIndex === undefined) {
    const { rest, found } = split(vector, indices, slotOfPair, chosen.length);
    return { columns: found.map(typed), rest };
  }
  // Few lists that many rows share: they are split, and their values handed out by the rows' lists.
  const lists = Uint32Array.from({ length: vector.offsets.length - 1 }, (_, list) => list);
  const taken = takeWords(rowIndex, indices);
  const { rest, found } = split({ ...vector, rowIndex: undefined }, lists, slotOfPair, chosen.length);
  const ofRows = found.map((pairs) => takeWords(pairs, taken));
  return { columns: ofRows.map(typed), rest: { ...rest, rowIndex: taken } };
}

/** By pair: the slot of its key + 1, or 0. */
function slotsOfPairs({ keys, keyDictionary }: AttributesVector, chosen: readonly Candidate[]): Uint8Array {
  const slotOfKey = new Uint8Array(keyDictionary.count);
  chosen.forEach(({ keyCode }, slot) => (slotOfKey[keyCode] = slot + 1));
  const slots = new Uint8Array(keys.length);
  for (let pair = 0; pair < slots.length; pair++) slots[pair] = slotOfKey[keys[pair]];
  return slots;
}

/** `found`: for each slot the pair + 1 of each row. The old entries are the pair table of the rest. */
function split(
  vector: AttributesVector,
  indices: Uint32Array,
  slotOfPair: Uint8Array,
  slots: number,
): { rest: AttributesVector; found: Uint32Array[] } {
  const { offsets, pairs } = vector;
  const rows = indices.length;
  let entries = 0;
  for (let row = 0; row < rows; row++) entries += offsets[indices[row] + 1] - offsets[indices[row]];
  const found = new Uint32Array(slots * rows);
  const kept = new Uint32Array(entries);
  const keptOffsets = new Uint32Array(rows + 1);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const end = offsets[indices[row] + 1];
    for (let entry = offsets[indices[row]]; entry < end; entry++) {
      const pair = pairs === undefined ? entry : pairs[entry];
      const slot = slotOfPair[pair];
      if (slot === 0) kept[count++] = pair;
      else found[(slot - 1) * rows + row] = pair + 1;
    }
    keptOffsets[row + 1] = count;
  }
  const rest = { ...vector, offsets: keptOffsets, pairs: kept.slice(0, count) };
  return {
    rest,
    found: Array.from({ length: slots }, (_, slot) => found.subarray(slot * rows, (slot + 1) * rows)),
  };
}

/** By pair, of chosen keys with numbers; `words` low word first. Pairs of other keys have zeros. */
interface ParsedValues {
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly bools: Uint8Array;
}

function parsedValues(
  vector: AttributesVector,
  slotOfPair: Uint8Array,
  chosen: readonly Candidate[],
): ParsedValues {
  const { types, values, valueDictionary } = vector;
  const sizeFor = (type: PromotedColumn['type']) =>
    chosen.some(({ column }) => column.type === type) ? slotOfPair.length : 0;
  const words = new Uint32Array(sizeFor('int') * 2);
  const doubles = new Float64Array(sizeFor('double'));
  const bools = new Uint8Array(sizeFor('bool'));
  for (let pair = 0; pair < slotOfPair.length; pair++) {
    if (slotOfPair[pair] === 0) continue;
    switch (types[pair]) {
      case TYPE_TAGS.int:
        parseInt64(valueDictionary, values[pair], words, pair);
        break;
      case TYPE_TAGS.double:
        doubles[pair] = Number(decodeText(valueDictionary, values[pair]));
        break;
      case TYPE_TAGS.bool:
        // 'true' or 'false'.
        bools[pair] =
          valueDictionary.offsets[values[pair] + 1] - valueDictionary.offsets[values[pair]] === 4 ? 1 : 0;
        break;
    }
  }
  return { words, doubles, bools };
}

/** A number of so many digits is exact. */
const MAX_EXACT_DIGITS = 15;
const MINUS = 45;
const ZERO = 48;

/** A decimal integer as two words. Short ones without a text and a BigInt, which cost 300 ns. */
function parseInt64(dictionary: TextDictionary, code: number, words: Uint32Array, at: number): void {
  const { bytes, offsets } = dictionary;
  const end = offsets[code + 1];
  const isNegative = bytes[offsets[code]] === MINUS;
  const start = offsets[code] + (isNegative ? 1 : 0);
  if (end - start > MAX_EXACT_DIGITS) {
    writeInt64(decodeText(dictionary, code), words, at);
    return;
  }
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + bytes[i] - ZERO;
  const signed = isNegative ? -value : value;
  words[at * 2] = signed;
  words[at * 2 + 1] = Math.floor(signed / 2 ** 32);
}

/** `pairs`: pair + 1 of each row, 0 for a null. */
function columnOf(
  vector: AttributesVector,
  parsed: ParsedValues,
  pairs: Uint32Array,
  type: PromotedColumn['type'],
): Vector {
  const rows = pairs.length;
  if (type === 'string') {
    const codes = new Uint32Array(rows);
    const { values } = vector;
    for (let row = 0; row < rows; row++) codes[row] = pairs[row] === 0 ? NULL_CODE : values[pairs[row] - 1];
    return { kind: 'text', codes, dictionary: vector.valueDictionary };
  }
  const valid = new Uint8Array((rows + 7) >>> 3);
  for (let row = 0; row < rows; row++) if (pairs[row] !== 0) valid[row >>> 3] |= 1 << (row & 7);
  switch (type) {
    case 'int': {
      const words = new Uint32Array(rows * 2);
      for (let row = 0; row < rows; row++) {
        if (pairs[row] === 0) continue;
        words[row * 2] = parsed.words[pairs[row] * 2 - 2];
        words[row * 2 + 1] = parsed.words[pairs[row] * 2 - 1];
      }
      return { kind: 'int64', words, valid };
    }
    case 'double': {
      const values = new Float64Array(rows);
      for (let row = 0; row < rows; row++) if (pairs[row] !== 0) values[row] = parsed.doubles[pairs[row] - 1];
      return { kind: 'float64', values, valid };
    }
    case 'bool': {
      const values = new Uint8Array(rows);
      for (let row = 0; row < rows; row++) if (pairs[row] !== 0) values[row] = parsed.bools[pairs[row] - 1];
      return { kind: 'bool', values, valid };
    }
  }
}
