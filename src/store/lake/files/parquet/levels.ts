/**
 * Repetition and definition levels: which rows of a leaf have no value, and where lists begin. A slot is a pair of
 * levels; it has a value if its definition level is the leaf's highest. Leaves of the same list share
 * their levels, which are encoded once.
 */
import { ByteWriter } from './bytes.ts';
import { bitWidth, writeLevels, writeRun } from './hybrid.ts';

/** What one page holds of a leaf. */
export interface LevelPage {
  readonly rows: number;
  readonly slots: number;
  /** The values of the page, as a range of the leaf's values. */
  readonly from: number;
  readonly to: number;
  /** Encoded, as they stand at the head of a data page. */
  readonly bytes: Uint8Array;
}

/** The levels of a nested leaf, slot by slot. */
export interface LevelSlots {
  /** Row r has the slots `ofRow[r] .. ofRow[r + 1]`. */
  readonly ofRow: Uint32Array;
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  /** No row has an element: all levels are 0. Most maps are so, frequent attributes have columns of their own. */
  readonly isEmpty: boolean;
}

/** One after the other makes its pages in it. */
const scratch = new ByteWriter();

export class Levels {
  /** Slots of the row group. */
  readonly slots: number;
  #pages: { readonly rows: number; readonly pages: readonly LevelPage[] } | undefined;

  private constructor(
    readonly rows: number,
    /** Absent: one slot a row. */
    readonly nested: LevelSlots | undefined,
    /** One slot a row, of which some may be null. */
    private readonly isOptional: boolean,
    /** One definition level a row; absent where all have a value. */
    private readonly present: Uint8Array | undefined,
    /** Slots that have a value. */
    readonly values: number,
  ) {
    this.slots = nested === undefined ? rows : nested.definition.length;
  }

  static required(rows: number): Levels {
    return new Levels(rows, undefined, false, undefined, rows);
  }

  /** `present`: one byte a row, 1 where there is a value; absent: all rows have one. */
  static optional(rows: number, present: Uint8Array | undefined, values: number): Levels {
    return new Levels(rows, undefined, true, present, values);
  }

  static nested(slots: LevelSlots, values: number): Levels {
    return new Levels(slots.ofRow.length - 1, slots, false, undefined, values);
  }

  /** The row group in pages of `rowsPerPage` rows; at least one page. */
  pages(rowsPerPage: number): readonly LevelPage[] {
    if (this.#pages?.rows === rowsPerPage) return this.#pages.pages;
    const pages: LevelPage[] = [];
    const out = scratch;
    let value = 0;
    for (let row = 0; row < this.rows || pages.length === 0; row += rowsPerPage) {
      const end = Math.min(this.rows, row + rowsPerPage);
      const from = this.nested?.ofRow[row] ?? row;
      const to = this.nested?.ofRow[end] ?? end;
      out.clear();
      this.#write(out, from, to);
      const values = this.#valuesIn(from, to);
      pages.push({ rows: end - row, slots: to - from, from: value, to: value + values, bytes: out.copy() });
      value += values;
    }
    this.#pages = { rows: rowsPerPage, pages };
    return pages;
  }

  #valuesIn(from: number, to: number): number {
    const levels = this.nested?.definition ?? this.present;
    if (this.values === 0) return 0;
    if (levels === undefined || this.values === this.slots) return to - from;
    if (to - from === this.slots) return this.values;
    const max = this.nested?.maxDefinition ?? 1;
    let values = 0;
    for (let slot = from; slot < to; slot++) if (levels[slot] === max) values++;
    return values;
  }

  #write(out: ByteWriter, from: number, to: number): void {
    if (this.nested !== undefined) {
      const { repetition, definition, maxRepetition, maxDefinition, isEmpty } = this.nested;
      if (isEmpty) {
        sized(out, () => writeRun(out, 0, to - from, bitWidth(maxRepetition)));
        sized(out, () => writeRun(out, 0, to - from, bitWidth(maxDefinition)));
        return;
      }
      sized(out, () => writeLevels(out, repetition, from, to, bitWidth(maxRepetition)));
      sized(out, () => writeLevels(out, definition, from, to, bitWidth(maxDefinition)));
      return;
    }
    const { isOptional, present } = this;
    if (!isOptional) return;
    sized(out, () =>
      present === undefined ? writeRun(out, 1, to - from, 1) : writeLevels(out, present, from, to, 1),
    );
  }
}

/** With its length before it, as data pages of version 1 have levels. */
function sized(out: ByteWriter, write: () => void): void {
  const at = out.length;
  out.uint32(0);
  write();
  out.putUint32(at, out.length - at - 4);
}

/** The slots of a list that stands in each row: an empty list has one slot without a value. */
export function listSlots(offsets: Uint32Array, from: number, to: number): LevelSlots {
  const ofRow = new Uint32Array(to - from + 1);
  if (offsets[from] === offsets[to]) {
    for (let row = 0; row < ofRow.length; row++) ofRow[row] = row;
    const zeros = new Uint8Array(to - from);
    const levels = { repetition: zeros, definition: zeros, maxRepetition: 1, maxDefinition: 1 };
    return { ofRow, ...levels, isEmpty: true };
  }
  for (let row = from; row < to; row++) {
    ofRow[row - from + 1] = ofRow[row - from] + Math.max(1, offsets[row + 1] - offsets[row]);
  }
  const repetition = new Uint8Array(ofRow[to - from]);
  const definition = new Uint8Array(ofRow[to - from]);
  for (let row = from, slot = 0; row < to; row++) {
    const count = offsets[row + 1] - offsets[row];
    for (let i = 0; i < count; i++) {
      repetition[slot] = i === 0 ? 0 : 1;
      definition[slot++] = 1;
    }
    if (count === 0) slot++;
  }
  return { ofRow, repetition, definition, maxRepetition: 1, maxDefinition: 1, isEmpty: false };
}

/** The slots of a list that stands in each element of another. Element e has `offsets[e + 1] - offsets[e]`. */
export function innerSlots(outer: LevelSlots, offsets: Uint32Array): LevelSlots {
  const depth = outer.maxDefinition;
  if (outer.isEmpty) {
    return { ...outer, maxRepetition: outer.maxRepetition + 1, maxDefinition: depth + 1 };
  }
  const slotOf = new Uint32Array(outer.definition.length + 1);
  for (let slot = 0, element = 0; slot < outer.definition.length; slot++) {
    let count = 0;
    if (outer.definition[slot] === depth) {
      count = offsets[element + 1] - offsets[element];
      element++;
    }
    slotOf[slot + 1] = slotOf[slot] + Math.max(1, count);
  }
  const slots = slotOf[outer.definition.length];
  const repetition = new Uint8Array(slots);
  const definition = new Uint8Array(slots);
  for (let slot = 0, element = 0; slot < outer.definition.length; slot++) {
    const first = slotOf[slot];
    repetition[first] = outer.repetition[slot];
    definition[first] = outer.definition[slot];
    if (outer.definition[slot] !== depth) continue;
    const count = offsets[element + 1] - offsets[element];
    element++;
    definition.fill(depth + 1, first, first + count);
    if (count > 1) repetition.fill(outer.maxRepetition + 1, first + 1, first + count);
  }
  const ofRow = new Uint32Array(outer.ofRow.length);
  for (let row = 0; row < ofRow.length; row++) ofRow[row] = slotOf[outer.ofRow[row]];
  return {
    ofRow,
    repetition,
    definition,
    maxRepetition: outer.maxRepetition + 1,
    maxDefinition: depth + 1,
    isEmpty: false,
  };
}

/** The slots of a leaf of list elements that may be null. `present`: one byte an element. */
export function optionalSlots(outer: LevelSlots, present: Uint8Array): LevelSlots {
  if (outer.isEmpty) return { ...outer, maxDefinition: outer.maxDefinition + 1 };
  const definition = outer.definition.slice();
  for (let slot = 0, element = 0; slot < definition.length; slot++) {
    if (definition[slot] === outer.maxDefinition) definition[slot] += present[element++];
  }
  return { ...outer, definition, maxDefinition: outer.maxDefinition + 1 };
}
