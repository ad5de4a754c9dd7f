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
import { KeptCounts } from './comparison-kept.ts';
import type { ListedRows } from './comparison-kept.ts';
import { keptField, listRows } from './kept-codes.ts';
import { SCAN_PAGE_ROWS } from '../scan/column-row-group.ts';
import { BlockSource } from '../scan/column-source.ts';
import type { ColumnSource } from '../scan/column-source.ts';
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
 * them. Others count together (of a row group with more, all but the most frequent): of a field with more the
 * difference is a lower bound, and so are its counts.
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

const START: readonly string[] = ['start_time_unix_nano'];

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

  /** Counts each listed row that has a code above 0. */
  addRows({ list, count, sides, buckets }: ListedRows, codes: Uint32Array): void {
    if (this.#cells) {
      for (let i = 0; i < count; i++) {
        const code = codes[list[i]];
        if (code !== 0) this.add(code, sides[i], buckets[i], 1);
      }
      return;
    }
    this.#widen(this.codes.values.length * 2);
    const { counts, others } = this;
    for (let i = 0; i < count; i++) {
      const code = codes[list[i]];
      if (code === 0) continue;
      if (code === NO_CODE) others[sides[i]]++;
      else counts[code * 2 + sides[i]]++;
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
  readonly #kept: { readonly kept: KeptCounts; readonly counts: FieldCounts }[] = [];
  #tooManyFields = false;

  constructor(readonly ask: ComparisonAsk) {
    const { count } = ask.buckets;
    this.#totals = [new Float64Array(count), new Float64Array(count)];
    this.#time = new BucketScan(ask.buckets);
  }

  begin(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    return this.beginSource(new BlockSource(block), [...block.columns.keys()]);
  }

  /** `names`: the columns that are compared. Call `end` behind the last rows. */
  beginSource(
    source: ColumnSource,
    names: readonly string[],
  ): (selected: Uint8Array, from: number, to: number) => void {
    let counting: ((selected: Uint8Array, from: number, to: number) => void) | undefined;
    return (selected, from, to) => (counting ??= this.#counting(source, names))(selected, from, to);
  }

  /** What was counted of a row group by its own codes becomes counts of values. */
  end(): void {
    for (const { kept, counts } of this.#kept.splice(0)) kept.flush(counts);
  }

  #counting(
    source: ColumnSource,
    names: readonly string[],
  ): (selected: Uint8Array, from: number, to: number) => void {
    const selection = new Selection(source, this.ask.selection);
    const most = Math.min(source.rows, SCAN_PAGE_ROWS);
    let rows = listOf(most);
    let codes = new Uint32Array(0);
    const columns = this.#columns(source, names);
    const maps = this.#maps(source);
    return (selected, from, to) => {
      if (rows.list.length < to - from) rows = listOf(to - from);
      rows.count = listRows(selected, from, to, rows.list);
      const sides = selection.select(from, to);
      for (let i = 0; i < rows.count; i++) rows.sides[i] = sides[rows.list[i]];
      this.#total(source, rows, from, to);
      for (const { counts, kept, name, filler } of columns) {
        if (kept) {
          kept.add(source, rows, from, to, counts);
          continue;
        }
        source.load([name], from, to);
        if (codes.length < to) codes = new Uint32Array(source.rows);
        filler()(selected, from, to, codes);
        counts.addRows(rows, codes);
      }
      for (const map of maps) map.count(rows);
    };
  }

  #total(source: ColumnSource, { list, count, sides, buckets }: ListedRows, from: number, to: number): void {
    if (this.ask.buckets.count > 1) {
      source.load(START, from, to);
      const { words } = columnOf(source.block(START), START[0], 'int64');
      for (let i = 0; i < count; i++) buckets[i] = this.#time.at(words, list[i]);
    }
    for (let i = 0; i < count; i++) this.#totals[sides[i]][buckets[i]]++;
  }

  #columns(source: ColumnSource, names: readonly string[]): ComparedColumn[] {
    const found: ComparedColumn[] = [];
    const add = (asked: Field, name: string): void => {
      const counts = this.#field(asked);
      if (!counts) return;
      const field = keptField(asked, source);
      const kept = field && new KeptCounts(field, this.ask.buckets.count > 1);
      if (kept) this.#kept.push({ kept, counts });
      let fill: CodeFiller | undefined;
      const filler = () => (fill ??= counts.codes.filler(source.block([name])));
      found.push({ counts, kept, name, filler });
    };
    INTRINSICS.forEach((each, i) => add(each, INTRINSIC_COLUMNS[i]));
    for (const name of names) {
      const promoted = /^(span|resource)\.(.*)$/s.exec(name);
      if (promoted && source.has(name))
        add(field(promoted[1] === 'span' ? 'span' : 'resource', promoted[2]), name);
    }
    return found;
  }

  #maps(source: ColumnSource): MapCounts[] {
    return (['span', 'resource'] as const).flatMap((scope) => {
      const vector = source.vector(`${scope}_attributes`);
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

interface ComparedColumn {
  readonly counts: FieldCounts;
  readonly kept: KeptCounts | undefined;
  readonly name: string;
  /** For columns that are not kept as codes. */
  readonly filler: () => CodeFiller;
}

function listOf(rows: number): ListedRows {
  const [list, buckets] = [new Uint32Array(rows), new Uint32Array(rows)];
  return { list, buckets, sides: new Uint8Array(rows), count: 0 };
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

  count({ list: rows, count, sides, buckets }: ListedRows): void {
    const { offsets, rowIndex, pairs, keys, types, values } = this.vector;
    for (let i = 0; i < count; i++) {
      const list = rowIndex ? rowIndex[rows[i]] : rows[i];
      const end = offsets[list + 1];
      for (let entry = offsets[list]; entry < end; entry++) {
        const at = pairs ? pairs[entry] : entry;
        const slot = this.#slots.code(keys[at] * TYPES_BY_TAG.length + types[at], values[at]);
        if (slot >= this.#counts.length) this.#learn(slot, keys[at], types[at], values[at]);
        if (this.#codes[slot] !== 0) this.#counts[slot]?.add(this.#codes[slot], sides[i], buckets[i], 1);
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
