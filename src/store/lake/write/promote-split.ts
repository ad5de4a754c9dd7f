/**
 * Attribute lists into columns for some keys and lists of the rest, in one pass over the entries. A value's
 * text is parsed once for each distinct key=value, not for each row.
 */
import { TYPE_TAGS } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { AttributesVector, TextDictionary, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { takeWords } from '../files/take.ts';
import { listsBetween, pairsBetween } from '../files/used-pairs.ts';
import type { Candidate } from './promote.ts';
import { decodeText, writeInt64 } from './text.ts';

export interface SplitLists {
  readonly columns: readonly Vector[];
  readonly rest: AttributesVector;
}

export interface SplitRows extends SplitLists {
  /** Each pair that some row has, once, chosen keys included. */
  readonly pairs: Uint32Array;
}

/** The lists of the rows `indices`; at most 254 chosen keys, each at most once in a list. */
export function splitLists(
  vector: AttributesVector,
  indices: Uint32Array,
  chosen: readonly Candidate[],
): SplitLists {
  return new ListSplitter(vector, chosen, indices.length).rows(indices);
}

/** Splits the lists of one vector, a row group at a time, in arrays that are filled anew each time. */
export class ListSplitter {
  readonly columns: readonly PromotedColumn[];
  readonly #rows: (indices: Uint32Array) => SplitRows;

  /** `maxRows`: what the longest call of `rows` asks for. */
  constructor(
    readonly vector: AttributesVector,
    chosen: readonly Candidate[],
    maxRows: number,
  ) {
    this.columns = chosen.map(({ column }) => column);
    const slotOfPair = slotsOfPairs(vector, chosen);
    const values = cellsOfPairs(vector, slotOfPair, chosen);
    const { rowIndex } = vector;
    if (rowIndex === undefined) {
      const walk = new ListWalk(vector, slotOfPair, values.codes, chosen.length, maxRows);
      this.#rows = (indices) => walk.rows(indices, this.#typed(values));
    } else this.#rows = this.#sharedRows(rowIndex, slotOfPair, values);
  }

  /** What is returned holds until the next call. */
  rows(indices: Uint32Array): SplitRows {
    return this.#rows(indices);
  }

  /** Few lists that many rows share: they are split once, and their values handed out by the rows' lists. */
  #sharedRows(
    rowIndex: Uint32Array,
    slotOfPair: Uint8Array,
    values: PairCells,
  ): (indices: Uint32Array) => SplitRows {
    const { vector } = this;
    const count = vector.offsets.length - 1;
    const lists = Uint32Array.from({ length: count }, (_, list) => list);
    const alone = { ...vector, rowIndex: undefined };
    const walk = new ListWalk(alone, slotOfPair, values.codes, this.columns.length, count);
    const cells: Uint32Array[] = [];
    const { rest } = walk.rows(lists, (found, slot) => {
      cells[slot] = found;
      return NO_VALUES;
    });
    const typed = this.#typed(values);
    return (indices) => {
      const taken = takeWords(rowIndex, indices);
      const columns = cells.map((found, slot) => typed(takeWords(found, taken), slot));
      const used = listsBetween({ ...vector, rowIndex: taken }, 0, taken.length);
      const pairs = Uint32Array.from(pairsBetween(vector, used));
      return { columns, rest: { ...rest, rowIndex: taken }, pairs };
    };
  }

  #typed(values: PairCells): TypedColumn {
    return (cells, slot) => columnOf(this.vector, values, cells, this.columns[slot].type);
  }
}

type TypedColumn = (cells: Uint32Array, slot: number) => Vector;

const NO_VALUES: Vector = { kind: 'uint8', values: new Uint8Array(0) };

/** By pair: the slot of its key + 1, or 0. */
function slotsOfPairs({ keys, keyDictionary }: AttributesVector, chosen: readonly Candidate[]): Uint8Array {
  const slotOfKey = new Uint8Array(keyDictionary.count);
  chosen.forEach(({ keyCode }, slot) => (slotOfKey[keyCode] = slot + 1));
  const slots = new Uint8Array(keys.length);
  for (let pair = 0; pair < slots.length; pair++) slots[pair] = slotOfKey[keys[pair]];
  return slots;
}

/** Rows whose lists are walked once for all that is asked of them. */
class ListWalk {
  readonly #cells: Uint32Array;
  readonly #keptOffsets: Uint32Array;
  #kept = new Uint32Array(0);
  readonly #pairs: Uint32Array;
  /** By pair: the walk in which it was met last. */
  readonly #metIn: Uint8Array;
  #walk = 0;

  /** `codeOfPair`: what a cell of a chosen key's column gets. */
  constructor(
    private readonly vector: AttributesVector,
    private readonly slotOfPair: Uint8Array,
    private readonly codeOfPair: Uint32Array,
    private readonly slots: number,
    private readonly maxRows: number,
  ) {
    this.#cells = new Uint32Array(slots * maxRows);
    this.#keptOffsets = new Uint32Array(maxRows + 1);
    this.#pairs = new Uint32Array(slotOfPair.length);
    this.#metIn = new Uint8Array(slotOfPair.length);
  }

  /** `typed` makes a column of a slot's cells, NULL_CODE where a row lacks the key. */
  rows(indices: Uint32Array, typed: TypedColumn): SplitRows {
    const { vector, maxRows, slots } = this;
    const rows = indices.length;
    this.#begin(indices);
    const { kept, pairs } = this.#split(indices);
    const columns = Array.from({ length: slots }, (_, slot) =>
      typed(this.#cells.subarray(slot * maxRows, slot * maxRows + rows), slot),
    );
    const offsets = this.#keptOffsets.subarray(0, rows + 1);
    // The old entries are the pair table of the rest.
    const rest = { ...vector, offsets, pairs: this.#kept.subarray(0, kept) };
    return { columns, rest, pairs: this.#pairs.subarray(0, pairs) };
  }

  #begin(indices: Uint32Array): void {
    const { offsets } = this.vector;
    let entries = 0;
    for (let i = 0; i < indices.length; i++) entries += offsets[indices[i] + 1] - offsets[indices[i]];
    if (entries > this.#kept.length) this.#kept = new Uint32Array(entries);
    this.#cells.fill(NULL_CODE);
    if (++this.#walk < 256) return;
    this.#walk = 1;
    this.#metIn.fill(0);
  }

  #split(indices: Uint32Array): { kept: number; pairs: number } {
    const { offsets, pairs } = this.vector;
    const { slotOfPair, codeOfPair, maxRows } = this;
    const cells = this.#cells;
    const kept = this.#kept;
    const keptOffsets = this.#keptOffsets;
    const metIn = this.#metIn;
    const met = this.#pairs;
    const walk = this.#walk;
    let keptCount = 0;
    let metCount = 0;
    for (let row = 0; row < indices.length; row++) {
      const list = indices[row];
      const end = offsets[list + 1];
      for (let entry = offsets[list]; entry < end; entry++) {
        const pair = pairs === undefined ? entry : pairs[entry];
        if (metIn[pair] !== walk) {
          metIn[pair] = walk;
          met[metCount++] = pair;
        }
        const slot = slotOfPair[pair];
        if (slot === 0) kept[keptCount++] = pair;
        else cells[(slot - 1) * maxRows + row] = codeOfPair[pair];
      }
      keptOffsets[row + 1] = keptCount;
    }
    return { kept: keptCount, pairs: metCount };
  }
}

/** What rows with a pair get: of texts their code, of others the pair, by which `numbers` have the value. */
interface PairCells {
  readonly codes: Uint32Array;
  readonly numbers: ParsedValues;
}

/** By pair, of chosen keys with numbers; `words` low word first. Pairs of other keys have zeros. */
interface ParsedValues {
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly bools: Uint8Array;
}

function cellsOfPairs(
  vector: AttributesVector,
  slotOfPair: Uint8Array,
  chosen: readonly Candidate[],
): PairCells {
  const { types, values, valueDictionary } = vector;
  const sizeFor = (type: PromotedColumn['type']) =>
    chosen.some(({ column }) => column.type === type) ? slotOfPair.length : 0;
  const codes = new Uint32Array(slotOfPair.length);
  const words = new Uint32Array(sizeFor('int') * 2);
  const doubles = new Float64Array(sizeFor('double'));
  const bools = new Uint8Array(sizeFor('bool'));
  for (let pair = 0; pair < slotOfPair.length; pair++) {
    if (slotOfPair[pair] === 0) continue;
    codes[pair] = pair;
    switch (types[pair]) {
      case TYPE_TAGS.string:
        codes[pair] = values[pair];
        break;
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
  return { codes, numbers: { words, doubles, bools } };
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

/** `cells`: by row what PairCells has for its pair, or NULL_CODE. */
function columnOf(
  vector: AttributesVector,
  { numbers }: PairCells,
  cells: Uint32Array,
  type: PromotedColumn['type'],
): Vector {
  const rows = cells.length;
  if (type === 'string') return { kind: 'text', codes: cells, dictionary: vector.valueDictionary };
  const valid = new Uint8Array((rows + 7) >>> 3);
  for (let row = 0; row < rows; row++) if (cells[row] !== NULL_CODE) valid[row >>> 3] |= 1 << (row & 7);
  switch (type) {
    case 'int': {
      const words = new Uint32Array(rows * 2);
      for (let row = 0; row < rows; row++) {
        const pair = cells[row];
        if (pair === NULL_CODE) continue;
        words[row * 2] = numbers.words[pair * 2];
        words[row * 2 + 1] = numbers.words[pair * 2 + 1];
      }
      return { kind: 'int64', words, valid };
    }
    case 'double': {
      const values = new Float64Array(rows);
      for (let row = 0; row < rows; row++)
        if (cells[row] !== NULL_CODE) values[row] = numbers.doubles[cells[row]];
      return { kind: 'float64', values, valid };
    }
    case 'bool': {
      const values = new Uint8Array(rows);
      for (let row = 0; row < rows; row++)
        if (cells[row] !== NULL_CODE) values[row] = numbers.bools[cells[row]];
      return { kind: 'bool', values, valid };
    }
  }
}
