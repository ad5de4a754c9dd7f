/**
 * How often each value of each field occurs among the spans of a selection and among the others: all attributes
 * of span and resource, and the fields that every span has, in one pass. The same for a file and a buffer.
 */
import { TYPES_BY_TAG, TYPE_TAGS, parseValueText } from '../../../../span/value.ts';
import type { AttributesVector, Block, TextDictionary } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import { field, intrinsic } from '../../../../traceql/build.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { columnOf } from '../scan/cells.ts';
import { FieldCodes, codedValues, valueAt } from './group-codes.ts';
import type { CodeFiller, CodedValues } from './group-codes.ts';
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import { Selection, filterColumns } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';
import { BucketScan } from './series-time.ts';
import type { Buckets } from './series-time.ts';
import { Texts } from '../scan/texts.ts';

/** Plain data, posted to workers. */
export interface ComparisonAsk {
  readonly selection: Filter;
  readonly buckets: Buckets;
}

/** Plain data, for another thread. Of the selection the odd sides, of the baseline the even. */
export interface ComparedField {
  readonly field: Field;
  /** By code; 0 is the missing one and never counted. */
  readonly values: CodedValues;
  /** `code * 2 + side`, side by side with bucket and count. */
  readonly keys: Uint32Array;
  readonly buckets: Uint32Array;
  readonly counts: Float64Array;
  /** Spans with values beyond those kept, of the baseline and the selection. */
  readonly others: readonly [number, number];
}

export interface ComparisonPart {
  /** Spans, by bucket: of the baseline and the selection. */
  readonly totals: readonly [Float64Array, Float64Array];
  readonly fields: readonly ComparedField[];
  readonly tooManyFields: boolean;
}

/**
 * Values told apart of each field, in each answer of a worker and in all: ids fill this, and nobody reads 5,000 of
 * them. Others count together, so of a field with more the difference is a lower bound, and so are its counts.
 */
export const MAX_VALUES = 5_000;
/** Keys that are compared: instrumentation that puts ids into keys has no end of them. */
export const MAX_FIELDS = 1_000;

const INTRINSICS: readonly Field[] = [
  intrinsic('span:name'),
  intrinsic('span:kind'),
  intrinsic('span:status'),
  intrinsic('span:statusMessage'),
  intrinsic('instrumentation:name'),
];
const INTRINSIC_COLUMNS: readonly string[] = ['name', 'kind', 'status_code', 'status_message', 'scope_name'];

export function columnsOfComparison(
  { selection, buckets }: ComparisonAsk,
  available: ColumnsAvailable,
): string[] {
  const times = buckets.count > 1 ? ['start_time_unix_nano'] : [];
  return [
    ...new Set([
      ...filterColumns(selection, available),
      ...times,
      ...INTRINSIC_COLUMNS,
      'span_attributes',
      'resource_attributes',
      ...available.promoted,
    ]),
  ];
}

/** Counts of one field. */
class FieldCounts {
  readonly codes: FieldCodes;
  /** By `code * 2 + side` and bucket; undefined where there is one bucket: then a cell is a key. */
  readonly #cells: PairCodes | undefined;
  counts = new Float64Array(64);
  readonly others: [number, number] = [0, 0];

  constructor(
    readonly field: Field,
    buckets: number,
  ) {
    this.codes = new FieldCodes(field, MAX_VALUES, 'opaque');
    this.#cells = buckets === 1 ? undefined : new PairCodes(NO_CODE - 1, buckets);
  }

  add(code: number, side: number, bucket: number, count: number): void {
    if (code === NO_CODE) {
      this.others[side] += count;
      return;
    }
    const key = code * 2 + side;
    const cell = this.#cells ? this.#cells.code(key, bucket) : key;
    if (cell >= this.counts.length) this.#widen(cell);
    this.counts[cell] += count;
  }

  /** Counts each selected row that has a code above 0. */
  addRows({ sides, buckets, codes }: Rows, selected: Uint8Array, from: number, to: number): void {
    if (this.#cells) {
      for (let row = from; row < to; row++) {
        if (selected[row] !== 0 && codes[row] !== 0) this.add(codes[row], sides[row], buckets[row], 1);
      }
      return;
    }
    this.#widen(this.codes.values.length * 2);
    const { counts, others } = this;
    for (let row = from; row < to; row++) {
      const code = codes[row];
      if (selected[row] === 0 || code === 0) continue;
      if (code === NO_CODE) others[sides[row]]++;
      else counts[code * 2 + sides[row]]++;
    }
  }

  #widen(cell: number): void {
    if (cell < this.counts.length) return;
    const counts = new Float64Array(Math.max(cell + 1, this.counts.length * 2));
    counts.set(this.counts);
    this.counts = counts;
  }

  compared(): ComparedField {
    const base = { field: this.field, values: codedValues(this.codes.values), others: this.others };
    if (this.#cells) {
      const { count, first, second } = this.#cells;
      return {
        ...base,
        keys: first.slice(0, count),
        buckets: second.slice(0, count),
        counts: this.counts.slice(0, count),
      };
    }
    const keys = Uint32Array.from(this.counts.keys()).filter((key) => this.counts[key] > 0);
    return {
      ...base,
      keys,
      buckets: new Uint32Array(keys.length),
      counts: Float64Array.from(keys, (key) => this.counts[key]),
    };
  }
}

export class ComparisonScan {
  readonly #fields = new Map<string, FieldCounts>();
  readonly #totals: [Float64Array, Float64Array];
  readonly #time: BucketScan;
  #tooManyFields = false;

  constructor(readonly ask: ComparisonAsk) {
    const { count } = ask.buckets;
    this.#totals = [new Float64Array(count), new Float64Array(count)];
    this.#time = new BucketScan(ask.buckets);
  }

  begin(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    let counting: ((selected: Uint8Array, from: number, to: number) => void) | undefined;
    return (selected, from, to) => (counting ??= this.#counting(block))(selected, from, to);
  }

  #counting(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    const selection = new Selection(block, this.ask.selection);
    const rows: Rows = {
      sides: new Uint8Array(block.rows),
      buckets: new Uint32Array(block.rows),
      codes: new Uint32Array(block.rows),
    };
    const columns = this.#columns(block);
    const maps = this.#maps(block);
    return (selected, from, to) => {
      rows.sides.set(selection.select(from, to).subarray(from, to), from);
      this.#total(block, rows, selected, from, to);
      for (const { counts, fill } of columns) {
        fill(selected, from, to, rows.codes);
        counts.addRows(rows, selected, from, to);
      }
      for (const map of maps) map.count(rows, selected, from, to);
    };
  }

  #total(block: Block, { sides, buckets }: Rows, selected: Uint8Array, from: number, to: number): void {
    if (this.ask.buckets.count > 1) {
      const { words } = columnOf(block, 'start_time_unix_nano', 'int64');
      for (let row = from; row < to; row++) if (selected[row] !== 0) buckets[row] = this.#time.at(words, row);
    }
    for (let row = from; row < to; row++) if (selected[row] !== 0) this.#totals[sides[row]][buckets[row]]++;
  }

  #columns(block: Block): { counts: FieldCounts; fill: CodeFiller }[] {
    const found: { counts: FieldCounts; fill: CodeFiller }[] = [];
    const add = (asked: Field): void => {
      const counts = this.#field(asked);
      if (counts) found.push({ counts, fill: counts.codes.filler(block) });
    };
    for (const each of INTRINSICS) add(each);
    for (const name of block.columns.keys()) {
      const promoted = /^(span|resource)\.(.*)$/s.exec(name);
      if (promoted) add(field(promoted[1] === 'span' ? 'span' : 'resource', promoted[2]));
    }
    return found;
  }

  #maps(block: Block): MapCounts[] {
    return (['span', 'resource'] as const).flatMap((scope) => {
      const vector = block.columns.get(`${scope}_attributes`);
      if (vector?.kind !== 'attributes') return [];
      return [new MapCounts(vector, (key) => this.#field(field(scope, key)))];
    });
  }

  /** Undefined where there are too many. */
  #field(asked: Field): FieldCounts | undefined {
    const text = printExpression(asked);
    let counts = this.#fields.get(text);
    if (counts) return counts;
    if (this.#fields.size >= MAX_FIELDS) {
      this.#tooManyFields = true;
      return undefined;
    }
    this.#fields.set(text, (counts = new FieldCounts(asked, this.ask.buckets.count)));
    return counts;
  }

  /** Yields now and then. */
  *merge(part: ComparisonPart): Generator<void> {
    this.#tooManyFields ||= part.tooManyFields;
    part.totals.forEach((totals, side) => totals.forEach((count, i) => (this.#totals[side][i] += count)));
    for (const { field: asked, values, keys, buckets, counts, others } of part.fields) {
      const into = this.#field(asked);
      if (!into) continue;
      const codes = Uint32Array.from(values.strings, (_, code) => into.codes.code(valueAt(values, code)));
      for (let i = 0; i < keys.length; i++)
        into.add(codes[keys[i] >>> 1], keys[i] & 1, buckets[i], counts[i]);
      into.others[0] += others[0];
      into.others[1] += others[1];
      yield;
    }
  }

  part(): ComparisonPart {
    return {
      totals: this.#totals,
      fields: [...this.#fields.values()].map((counts) => counts.compared()),
      tooManyFields: this.#tooManyFields,
    };
  }
}

interface Rows {
  /** 1: of the selection. */
  readonly sides: Uint8Array;
  readonly buckets: Uint32Array;
  readonly codes: Uint32Array;
}

/** All keys of a map of attributes: each distinct key, type and value is looked up once for a block. */
class MapCounts {
  readonly #slots = new PairCodes();
  readonly #counts: (FieldCounts | undefined)[] = [];
  #codes = new Uint32Array(64);
  readonly #keys: Texts;
  readonly #values: Texts;

  constructor(
    readonly vector: AttributesVector,
    readonly fieldOf: (key: string) => FieldCounts | undefined,
  ) {
    const dictionaries: readonly TextDictionary[] = [vector.keyDictionary, vector.valueDictionary];
    [this.#keys, this.#values] = dictionaries.map((dictionary) => new Texts(dictionary));
  }

  count({ sides, buckets }: Rows, selected: Uint8Array, from: number, to: number): void {
    const { offsets, rowIndex, pairs, keys, types, values } = this.vector;
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      const list = rowIndex ? rowIndex[row] : row;
      const end = offsets[list + 1];
      for (let entry = offsets[list]; entry < end; entry++) {
        const at = pairs ? pairs[entry] : entry;
        const slot = this.#slots.code(keys[at] * TYPES_BY_TAG.length + types[at], values[at]);
        if (slot >= this.#counts.length) this.#learn(slot, keys[at], types[at], values[at]);
        if (this.#codes[slot] !== 0) this.#counts[slot]?.add(this.#codes[slot], sides[row], buckets[row], 1);
      }
    }
  }

  #learn(slot: number, key: number, tag: number, value: number): void {
    const counts = tag === TYPE_TAGS.empty ? undefined : this.fieldOf(this.#keys.get(key));
    this.#counts.push(counts);
    if (slot >= this.#codes.length) {
      const codes = new Uint32Array(this.#codes.length * 2);
      codes.set(this.#codes);
      this.#codes = codes;
    }
    if (!counts) return;
    const statics = staticsOf(parseValueText(TYPES_BY_TAG[tag], this.#values.get(value)));
    this.#codes[slot] = counts.codes.codeOf(statics);
  }
}
