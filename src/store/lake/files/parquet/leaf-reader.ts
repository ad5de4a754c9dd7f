/** Some rows of a leaf, page by page: their levels and their values without the nulls, as shred.ts makes them. */
import { Interner } from '../../../../span/interner.ts';
import { joinBytes, joinWords } from '../../../../span/join.ts';
import { HybridReader } from './hybrid-reader.ts';
import { bitWidth } from './hybrid.ts';
import type { PageHeader } from './page-header.ts';
import { readValues, textsOfCodes, valuesOfCodes } from './page-values.ts';
import type { PageValues } from './page-values.ts';
import { countIn } from './ranges.ts';
import type { Range } from './ranges.ts';
import type { Leaf } from './schema.ts';
import type { LeafValues } from './values.ts';

export interface LeafRows {
  /** Slot by slot; absent at the top of the tree, where each row is a slot. */
  readonly repetition: Uint8Array | undefined;
  /** Slot by slot; absent where nothing can be missing. */
  readonly definition: Uint8Array | undefined;
  readonly values: LeafValues;
}

/** A page as it was before compression. */
export interface OpenPage {
  readonly header: PageHeader;
  readonly body: Uint8Array;
}

/** The slots of the rows, and which of the page's values they have. */
interface PickedLevels {
  readonly repetition?: Uint8Array;
  readonly definition?: Uint8Array;
  readonly ranges: readonly Range[];
  /** Values of the whole page. */
  readonly count: number;
  /** Where in the body they begin. */
  readonly from: number;
}

export class LeafReader {
  readonly #maxDefinition: number;
  readonly #repetition: Uint8Array[] = [];
  readonly #definition: Uint8Array[] = [];
  readonly #values: PageValues[] = [];
  readonly #texts = new Interner();

  /** `depth`: in how many lists or maps the leaf stands. `encoding`: of the data pages. */
  constructor(
    readonly leaf: Leaf,
    readonly depth: number,
    readonly encoding: number,
  ) {
    this.#maxDefinition = depth + (leaf.optional ? 1 : 0);
  }

  /** The rows `ranges` of a page of `rows`. Pages come in the file's order. */
  page({ header, body }: OpenPage, rows: number, ranges: readonly Range[]): void {
    if (header.kind !== 'data' || header.encoding !== this.encoding) {
      throw new RangeError(`a ${header.kind} page of the encoding ${header.encoding}, not ${this.encoding}`);
    }
    const levels = this.#levels(body, header.slots, rows, ranges);
    if (levels.repetition) this.#repetition.push(levels.repetition);
    if (levels.definition) this.#definition.push(levels.definition);
    const { from, count } = levels;
    const { type } = this.leaf;
    this.#values.push(readValues(type, this.encoding, { body, from, count }, levels.ranges, this.#texts));
  }

  rows(dictionary: OpenPage | undefined): LeafRows {
    return {
      repetition: this.depth > 0 ? joinBytes(this.#repetition) : undefined,
      definition: this.#maxDefinition > 0 ? joinBytes(this.#definition) : undefined,
      values: this.#joined(dictionary),
    };
  }

  #levels(body: Uint8Array, slots: number, rows: number, ranges: readonly Range[]): PickedLevels {
    if (this.depth > 0) return this.#nestedLevels(body, slots, rows, ranges);
    if (slots !== rows) throw new RangeError(`${slots} values in a page of ${rows} rows`);
    if (this.#maxDefinition === 0) return { ranges, count: rows, from: 0 };
    const { reader, end } = levelsAt(body, 0, 1);
    const definition = new Uint8Array(countIn(ranges));
    const values: Range[] = [];
    let [row, value, at] = [0, 0, 0];
    for (const range of ranges) {
      value += reader.ones(range.from - row);
      const first = at;
      at += range.to - range.from;
      reader.read(definition, first, at - first);
      const from = value;
      for (let i = first; i < at; i++) value += definition[i];
      if (value > from) values.push({ from, to: value });
      row = range.to;
    }
    value += reader.ones(rows - row);
    return { definition, ranges: values, count: value, from: end };
  }

  #nestedLevels(body: Uint8Array, slots: number, rows: number, ranges: readonly Range[]): PickedLevels {
    // A run can say a billion slots in five bytes; a page of ours has a million rows of few entries at most.
    if (slots > MAX_SLOTS) throw new RangeError(`a page of ${slots} slots`);
    const repetition = allLevels(body, 0, slots, this.depth);
    const definition = allLevels(body, repetition.end, slots, this.#maxDefinition);
    const picked = slotRanges(repetition.levels, rows, ranges);
    const { values, count } = valueRanges(definition.levels, this.#maxDefinition, picked);
    return {
      repetition: pick(repetition.levels, picked),
      definition: pick(definition.levels, picked),
      ranges: values,
      count,
      from: definition.end,
    };
  }

  #joined(dictionary: OpenPage | undefined): LeafValues {
    const { type } = this.leaf;
    const codes = joinWords(this.#values.flatMap((part) => (part.kind === 'codes' ? [part.codes] : [])));
    if (type === 'text') {
      if (dictionary === undefined) return { kind: 'text', codes, dictionary: this.#texts.dictionary() };
      return { kind: 'text', ...textsOfCodes(codes, dictionary.body, dictionary.header.slots) };
    }
    const plain = this.#values.flatMap((part) => (part.kind === 'bytes' ? [part.bytes] : []));
    if (type === 'bool') return { kind: 'bool', values: joinBytes(plain) };
    const bytes =
      dictionary === undefined
        ? joinBytes(plain)
        : valuesOfCodes(codes, dictionary.body, dictionary.header.slots, type);
    if (type === 'id8' || type === 'id16') return { kind: 'fixed', width: type === 'id8' ? 8 : 16, bytes };
    // A copy where the memory is not aligned.
    const words = new Uint32Array(bytes.byteOffset % 8 === 0 ? bytes.buffer : bytes.slice().buffer);
    const from = bytes.byteOffset % 8 === 0 ? bytes.byteOffset / 4 : 0;
    const width = type === 'int64' || type === 'double' ? 2 : 1;
    return { kind: 'words', width, words: words.subarray(from, from + bytes.length / 4) };
  }
}

const MAX_SLOTS = 2 ** 26;

/** Levels stand behind their length. */
function levelsAt(body: Uint8Array, at: number, max: number): { reader: HybridReader; end: number } {
  if (body.length - at < 4) throw new RangeError(`no levels at ${at} of ${body.length} bytes`);
  const length = new DataView(body.buffer, body.byteOffset).getUint32(at, true);
  const end = at + 4 + length;
  return { reader: new HybridReader(body, at + 4, end, bitWidth(max)), end };
}

function allLevels(
  body: Uint8Array,
  at: number,
  slots: number,
  max: number,
): { levels: Uint8Array; end: number } {
  const { reader, end } = levelsAt(body, at, max);
  const levels = new Uint8Array(slots);
  reader.read(levels, 0, slots);
  reader.expectEnd();
  return { levels, end };
}

/** Where the rows of the ranges stand among the slots of a page. */
function slotRanges(repetition: Uint8Array, rows: number, ranges: readonly Range[]): Range[] {
  const slots: Range[] = [];
  let row = -1;
  let next = 0;
  let from = 0;
  for (let slot = 0; slot < repetition.length; slot++) {
    if (repetition[slot] !== 0) continue;
    row++;
    if (row === ranges[next]?.to) {
      slots.push({ from, to: slot });
      next++;
    }
    if (next < ranges.length && row === ranges[next].from) from = slot;
  }
  if (row + 1 !== rows || repetition[0] !== 0) {
    throw new RangeError(`levels of ${row + 1} rows in a page of ${rows}`);
  }
  if (next < ranges.length) slots.push({ from, to: repetition.length });
  return slots;
}

/** Which values of the page stand in the slots, and how many it has. */
function valueRanges(
  definition: Uint8Array,
  max: number,
  slots: readonly Range[],
): { values: Range[]; count: number } {
  const values: Range[] = [];
  let count = 0;
  let slot = 0;
  for (const { from, to } of slots) {
    for (; slot < from; slot++) if (definition[slot] === max) count++;
    const first = count;
    for (; slot < to; slot++) if (definition[slot] === max) count++;
    if (count > first) values.push({ from: first, to: count });
  }
  for (; slot < definition.length; slot++) if (definition[slot] === max) count++;
  return { values, count };
}

function pick(levels: Uint8Array, slots: readonly Range[]): Uint8Array {
  return joinBytes(slots.map(({ from, to }) => levels.subarray(from, to)));
}
