/**
 * How often each value of each field occurs among the spans of a selection and among the others: all attributes
 * of span and resource, and the fields that every span has, in one pass. The same for a file and a buffer.
 */
import type { Block } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import { field, intrinsic } from '../../../../traceql/build.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { columnOf } from '../scan/cells.ts';
import { FieldCounts, MAX_COMPARED_CELLS } from './comparison-fields.ts';
import type { ComparedField, FieldFigures, Room } from './comparison-fields.ts';
import { MapCounts } from './comparison-maps.ts';
import { codedValues, valueAt } from './group-codes.ts';
import type { CodeFiller, CodedValues } from './group-codes.ts';
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

/** Plain data, posted to workers. */
export interface ComparisonAsk {
  readonly selection: Filter;
  readonly buckets: Buckets;
}

/** Plain data, for another thread. */
export interface ComparisonPart {
  /** Spans, by bucket: of the baseline and the selection. */
  readonly totals: readonly [Float64Array, Float64Array];
  readonly fields: readonly (FieldFigures & { readonly values: CodedValues })[];
  readonly tooManyFields: boolean;
  readonly tooManyCells: boolean;
}

/** Keys that are compared: instrumentation that puts ids into keys has no end of them. */
export const MAX_FIELDS = 1_000;

/** Merged in about a millisecond. */
const VALUES_A_STEP = 2048;
const CELLS_A_STEP = 8192;

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

export class ComparisonScan {
  readonly #fields = new Map<string, FieldCounts>();
  readonly #totals: [Float64Array, Float64Array];
  readonly #time: BucketScan;
  readonly #kept: { readonly kept: KeptCounts; readonly counts: FieldCounts }[] = [];
  readonly #room: Room = { cells: 0 };
  #tooManyFields = false;
  #tooManyCells = false;

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
    this.#fields.set(text, (counts = new FieldCounts(asked, this.ask.buckets.count, this.#room)));
    return counts;
  }

  get tooManyFields(): boolean {
    return this.#tooManyFields;
  }

  get tooManyCells(): boolean {
    return this.#tooManyCells || this.#room.cells >= MAX_COMPARED_CELLS;
  }

  /** Yields about every millisecond; parts may be merged side by side. */
  *merge(part: ComparisonPart): Generator<void> {
    this.#tooManyFields ||= part.tooManyFields;
    this.#tooManyCells ||= part.tooManyCells;
    part.totals.forEach((totals, side) => totals.forEach((count, i) => (this.#totals[side][i] += count)));
    for (const { field: asked, values, keys, buckets, counts, others } of part.fields) {
      const into = this.#field(asked);
      if (!into) continue;
      const codes = new Uint32Array(values.strings.length);
      for (let code = 0; code < codes.length; code++) {
        codes[code] = into.codes.code(valueAt(values, code));
        if (code % VALUES_A_STEP === VALUES_A_STEP - 1) yield;
      }
      for (let i = 0; i < keys.length; i++) {
        into.add(codes[keys[i] >>> 1], keys[i] & 1, buckets[i], counts[i]);
        if (i % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
      }
      into.others[0] += others[0];
      into.others[1] += others[1];
      yield;
    }
  }

  /** Spans, by bucket: of the baseline and the selection. */
  get totals(): ComparisonPart['totals'] {
    return this.#totals;
  }

  /** One by one: each takes up to a millisecond. */
  *fields(): Generator<ComparedField> {
    for (const counts of this.#fields.values()) yield counts.compared();
  }

  part(): ComparisonPart {
    return {
      totals: this.#totals,
      fields: [...this.fields()].map((field) => ({ ...field, values: codedValues(field.values) })),
      tooManyFields: this.#tooManyFields,
      tooManyCells: this.tooManyCells,
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
