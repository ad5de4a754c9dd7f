/** Some rows of a leaf, page by page: their levels and their values without the nulls, as shred.ts makes them. */
import { Interner } from '../../../../span/interner.ts';
import { joinBytes, joinWords } from '../../../../span/join.ts';
import { HybridReader } from './hybrid-reader.ts';
import { bitWidth } from './hybrid.ts';
import type { PageHeader } from './page-header.ts';
import { readValues, textsOf, textsOfCodes, valuesOfCodes } from './page-values.ts';
import type { PageValues } from './page-values.ts';
import { countIn } from './ranges.ts';
import type { Range } from './ranges.ts';
import type { Leaf, LeafType } from './schema.ts';
import type { TextDictionary } from '../../../../span/vector.ts';
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

/** Of a list's leaves most have the same levels, encoded alike: they are read once for a page of all of them. */
export class LevelsMemo {
  readonly #known: {
    readonly bytes: Buffer;
    readonly slots: number;
    readonly rows: number;
    readonly ranges: string;
    /** Of the levels: how deep they go. */
    readonly kind: number;
    readonly levels: PickedLevels;
  }[] = [];

  find(
    body: Uint8Array,
    slots: number,
    rows: number,
    ranges: readonly Range[],
    kind: number,
  ): PickedLevels | undefined {
    const places = placesOf(ranges);
    return this.#known.find(
      (known) =>
        known.slots === slots &&
        known.rows === rows &&
        known.kind === kind &&
        known.ranges === places &&
        known.bytes.equals(body.subarray(0, known.bytes.length)),
    )?.levels;
  }

  add(
    body: Uint8Array,
    slots: number,
    rows: number,
    ranges: readonly Range[],
    kind: number,
    levels: PickedLevels,
  ): void {
    // A copy: what was read may be read over.
    const bytes = Buffer.from(body.subarray(0, levels.from));
    this.#known.push({ bytes, slots, rows, ranges: placesOf(ranges), kind, levels });
  }
}

function placesOf(ranges: readonly Range[]): string {
  return ranges.map(({ from, to }) => `${from}-${to}`).join(' ');
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
    private readonly levels = new LevelsMemo(),
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

  /** `texts`: the dictionary of texts, where it was read before. */
  rows(dictionary: OpenPage | undefined, texts?: TextDictionary): LeafRows {
    return {
      repetition: this.depth > 0 ? joinBytes(this.#repetition) : undefined,
      definition: this.#maxDefinition > 0 ? joinBytes(this.#definition) : undefined,
      values: this.#joined(dictionary, texts),
    };
  }

  #levels(body: Uint8Array, slots: number, rows: number, ranges: readonly Range[]): PickedLevels {
    if (this.depth > 0) return this.#nestedLevels(body, slots, rows, ranges);
    if (slots !== rows) throw new RangeError(`${slots} values in a page of ${rows} rows`);
    if (this.#maxDefinition === 0) return { ranges, count: rows, from: 0 };
    const { reader, end } = levelsAt(body, 0, 1);
    return { ...pickDefinition(reader, slots, 1, ranges), from: end };
  }

  #nestedLevels(body: Uint8Array, slots: number, rows: number, ranges: readonly Range[]): PickedLevels {
    // A run can say a billion slots in five bytes.
    if (slots > MAX_SLOTS) throw new RangeError(`a page of ${slots} slots`);
    const max = this.#maxDefinition;
    const kind = this.depth * 16 + max;
    const known = this.levels.find(body, slots, rows, ranges, kind);
    if (known !== undefined) return known;
    const { reader, end } = levelsAt(body, 0, this.depth);
    const { slotRanges, repetition } = pickRepetition(reader, slots, rows, ranges);
    reader.expectEnd();
    const definition = levelsAt(body, end, max);
    const picked = pickDefinition(definition.reader, slots, max, slotRanges);
    definition.reader.expectEnd();
    const levels = { ...picked, repetition, from: definition.end };
    this.levels.add(body, slots, rows, ranges, kind, levels);
    return levels;
  }

  #joined(dictionary: OpenPage | undefined, texts: TextDictionary | undefined): LeafValues {
    const { type } = this.leaf;
    const codes = joinWords(this.#values.flatMap((part) => (part.kind === 'codes' ? [part.codes] : [])));
    if (type === 'text') {
      if (texts !== undefined) return { kind: 'text', ...textsOf(codes, texts) };
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

/** The rows of a leaf that has a value in none, each row one slot. */
export function rowsWithoutValues({ type, optional }: Leaf, depth: number, rows: number): LeafRows {
  return {
    repetition: depth > 0 ? new Uint8Array(rows) : undefined,
    definition: depth > 0 || optional ? new Uint8Array(rows) : undefined,
    values: noValues(type),
  };
}

function noValues(type: LeafType): LeafValues {
  switch (type) {
    case 'text': {
      const dictionary = { count: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) };
      return { kind: 'text', codes: new Uint32Array(0), dictionary };
    }
    case 'bool':
      return { kind: 'bool', values: new Uint8Array(0) };
    case 'id8':
      return { kind: 'fixed', width: 8, bytes: new Uint8Array(0) };
    case 'id16':
      return { kind: 'fixed', width: 16, bytes: new Uint8Array(0) };
    case 'int64':
    case 'double':
      return { kind: 'words', width: 2, words: new Uint32Array(0) };
    case 'uint8':
    case 'uint32':
      return { kind: 'words', width: 1, words: new Uint32Array(0) };
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

/** Where the rows of the ranges stand among the slots of a page, and their levels. */
function pickRepetition(
  reader: HybridReader,
  slots: number,
  rows: number,
  ranges: readonly Range[],
): { slotRanges: readonly Range[]; repetition: Uint8Array } {
  // No list has a second element; mostly all of them are empty.
  if (slots === rows && reader.constant(slots) === 0) {
    return { slotRanges: ranges, repetition: new Uint8Array(countIn(ranges)) };
  }
  const levels = new Uint8Array(slots);
  reader.read(levels, 0, slots);
  const bounds = ranges.flatMap(({ from, to }) => [from, to]);
  const slotOf: number[] = [];
  let row = -1;
  let bound = bounds[0];
  for (let slot = 0; slot < slots; slot++) {
    if (levels[slot] !== 0) continue;
    if (++row !== bound) continue;
    slotOf.push(slot);
    bound = bounds[slotOf.length];
  }
  if (row + 1 !== rows || levels[0] !== 0) {
    throw new RangeError(`levels of ${row + 1} rows in a page of ${rows}`);
  }
  // The last range may end where the page does.
  if (slotOf.length < bounds.length) slotOf.push(slots);
  const slotRanges = ranges.map((_, i) => ({ from: slotOf[i * 2], to: slotOf[i * 2 + 1] }));
  return { slotRanges, repetition: joinBytes(slotRanges.map(({ from, to }) => levels.subarray(from, to))) };
}

/** The levels of those slots, which values of the page stand in them, and how many it has. */
function pickDefinition(
  reader: HybridReader,
  slots: number,
  max: number,
  picked: readonly Range[],
): Required<Pick<PickedLevels, 'definition' | 'ranges' | 'count'>> {
  const definition = new Uint8Array(countIn(picked));
  const constant = reader.constant(slots);
  if (constant !== undefined) {
    definition.fill(constant);
    return constant === max
      ? { definition, ranges: picked, count: slots }
      : { definition, ranges: [], count: 0 };
  }
  // Of one bit: counted in whole bytes where no level is wanted.
  const levels = max === 1 ? undefined : new Uint8Array(slots);
  if (levels) reader.read(levels, 0, slots);
  const valuesIn = (from: number, to: number) =>
    levels ? countOf(levels, max, from, to) : reader.ones(to - from);
  const ranges: Range[] = [];
  let [slot, value, at] = [0, 0, 0];
  for (const { from, to } of picked) {
    value += valuesIn(slot, from);
    const first = value;
    if (levels) definition.set(levels.subarray(from, to), at);
    else reader.read(definition, at, to - from);
    value += countOf(definition, max, at, at + to - from);
    if (value > first) ranges.push({ from: first, to: value });
    at += to - from;
    slot = to;
  }
  return { definition, ranges, count: value + valuesIn(slot, slots) };
}

function countOf(levels: Uint8Array, max: number, from: number, to: number): number {
  let count = 0;
  for (let slot = from; slot < to; slot++) if (levels[slot] === max) count++;
  return count;
}
