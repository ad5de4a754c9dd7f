/** Values of several fields in one pass: the same for a file, in a reader worker, and a buffer. */
import type { Block } from '../../../../span/vector.ts';
import type { Static } from '../../../../traceql/ast.ts';
import { BlockRow } from '../scan/block-row.ts';
import { columnOf } from '../scan/cells.ts';
import { columnsOfField } from '../scan/fields.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import { FieldCodes, codedValues, staticKey, valueAt } from './group-codes.ts';
import type { CodedValues } from './group-codes.ts';
import { entryOf } from './group-codes-map.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { gather, keptField, listRows } from './kept-codes.ts';
import type { KeptField } from './kept-codes.ts';
import { SCAN_PAGE_ROWS } from '../scan/column-row-group.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase } from '../workers/jobs.ts';
import type { Filter } from '../scan/scan.ts';
import { isZero } from '../scan/texts.ts';
import type { ValueField } from './values.ts';

/** Plain data, posted to workers. */
export interface FacetAsk {
  readonly field: ValueField;
  /** Only spans without a parent have the field: it is one of their trace. */
  readonly rootsOnly: boolean;
}

export interface FacetsJob extends JobBase {
  readonly kind: 'facets';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly facets: readonly FacetAsk[];
  /** Of the columns, those of the facets. */
  readonly reads: readonly string[];
}

/** Plain data, for another thread. */
export interface FacetPart {
  /** By code; 0 is the missing one. */
  readonly values: CodedValues;
  readonly counts: Float64Array;
  readonly full: boolean;
}

export interface FacetsPart {
  readonly rows: number;
  readonly facets: readonly FacetPart[];
}

/** Distinct values that are counted of each field, as for one field (value-counts.ts). */
export const MAX_FACET_VALUES = 100_000;

export function columnsOfFacet({ field, rootsOnly }: FacetAsk, available: ColumnsAvailable): string[] {
  const columns = columnsOfField({ ...field, parent: false, position: 0 }, available);
  return rootsOnly ? [...columns, 'parent_span_id'] : columns;
}

/** A facet whose column is kept as codes, in one row group. */
interface KeptFacet {
  readonly field: KeptField;
  /** By the column's code: see `entryOf`. */
  readonly known: Uint32Array;
}

/** Merging so many takes about a millisecond. */
const VALUES_A_STEP = 8192;

export class FacetCounts {
  readonly codes: FieldCodes;
  counts = new Float64Array(64);

  constructor(readonly ask: FacetAsk) {
    this.codes = new FieldCodes({ ...ask.field, parent: false, position: 0 }, MAX_FACET_VALUES, 'opaque');
  }

  add(code: number, count: number): void {
    if (code === NO_CODE) return;
    if (code >= this.counts.length) {
      const counts = new Float64Array(Math.max(code + 1, this.counts.length * 2));
      counts.set(this.counts);
      this.counts = counts;
    }
    this.counts[code] += count;
  }

  begin(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    const count = this.#isOfChildren() ? this.#children(block) : this.#single(block);
    if (!this.ask.rootsOnly) return count;
    const roots = new Uint8Array(block.rows);
    return (selected, from, to) => {
      const { bytes } = columnOf(block, 'parent_span_id', 'fixed');
      for (let row = from; row < to; row++)
        roots[row] = selected[row] !== 0 && isZero(bytes, row * 8, 8) ? 1 : 0;
      let others = 0;
      for (let row = from; row < to; row++) others += selected[row] - roots[row];
      this.add(0, others);
      count(roots, from, to);
    };
  }

  /** Undefined where rows are to be read one by one. */
  keptIn(source: ColumnSource): KeptFacet | undefined {
    if (this.ask.rootsOnly || source.rows === 0) return undefined;
    const field = keptField(this.codes.field, source);
    return field && { field, known: new Uint32Array(field.coded.missing + 1) };
  }

  addKept(
    source: ColumnSource,
    { field, known }: KeptFacet,
    list: Uint32Array,
    count: number,
    from: number,
    to: number,
  ): void {
    const { column, coded, staticsOf } = field;
    source.loadKept(column, from, to);
    if (this.#gathered.length < count) this.#gathered = new Uint32Array(to - from);
    const codes = this.#gathered;
    gather(coded.codes, list, count, codes);
    for (let i = 0; i < count; i++) {
      let entry = known[codes[i]];
      if (entry === 0) {
        const code = this.codes.codeOf(staticsOf(codes[i]));
        this.add(code, 0);
        known[codes[i]] = entry = entryOf(code);
      }
      if (entry !== NO_CODE) this.counts[entry - 1]++;
    }
  }

  #gathered = new Uint32Array(0);

  #isOfChildren(): boolean {
    const { field } = this.ask;
    if (field.kind === 'intrinsic') return /^(event|link):/.test(field.name);
    return field.scope === 'event' || field.scope === 'link';
  }

  /** A duration counts with its power of two: nobody chooses one nanosecond. */
  #single(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    const { field } = this.ask;
    if (field.kind === 'intrinsic' && field.name === 'span:duration') return this.#durations(block);
    const codes = new Uint32Array(block.rows);
    const fill = this.codes.filler(block);
    return (selected, from, to) => {
      fill(selected, from, to, codes);
      let most = 0;
      for (let row = from; row < to; row++) {
        if (selected[row] !== 0 && codes[row] !== NO_CODE && codes[row] > most) most = codes[row];
      }
      this.add(most, 0);
      const { counts } = this;
      for (let row = from; row < to; row++) {
        if (selected[row] !== 0 && codes[row] !== NO_CODE) counts[codes[row]]++;
      }
    };
  }

  #durations(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    /** By power of two: code + 1. */
    const known = new Uint32Array(65);
    return (selected, from, to) => {
      const { words } = columnOf(block, 'duration_nano', 'int64');
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        const high = words[row * 2 + 1];
        const low = words[row * 2];
        const bits = (high | 0) < 0 ? 0 : high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
        if (known[bits] === 0) {
          const value = bits === 0 ? 0n : 1n << BigInt(bits - 1);
          known[bits] = this.codes.code({ type: 'duration', value }) + 1;
        }
        this.add(known[bits] - 1, 1);
      }
    };
  }

  /** A span counts once for each distinct value among its events or links. */
  #children(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    const { field } = this.ask;
    const span = new BlockRow(block);
    return (selected, from, to) => {
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        span.row = row;
        const values =
          field.kind === 'intrinsic'
            ? span.intrinsic(field.name, false)
            : span.attribute(field.scope === 'any' ? 'span' : field.scope, field.key, false);
        if (values.length === 0) this.add(0, 1);
        const distinct = new Map(values.map((value) => [staticKey(value), value]));
        for (const value of distinct.values()) this.add(this.codes.code(value), 1);
      }
    };
  }

  *merge({ values, counts, full }: FacetPart): Generator<void> {
    this.codes.full ||= full;
    for (let code = 0; code < counts.length; code++) {
      if (counts[code] > 0) this.add(code === 0 ? 0 : this.codes.code(valueAt(values, code)), counts[code]);
      if (code % VALUES_A_STEP === VALUES_A_STEP - 1) yield;
    }
  }

  get values(): readonly Static[] {
    return this.codes.values;
  }

  part(): FacetPart {
    const { values, full } = this.codes;
    this.add(values.length - 1, 0);
    return { values: codedValues(values), counts: this.counts.slice(0, values.length), full };
  }
}

export class FacetsScan {
  #rows = 0;
  readonly #facets: readonly FacetCounts[];

  constructor(facets: readonly FacetAsk[]) {
    this.#facets = facets.map((ask) => new FacetCounts(ask));
  }

  /**
   * Rows of a file, whose columns are kept as codes: those of `names` are to be had. Facets that need more than
   * codes read their columns as vectors.
   */
  beginSource(
    source: ColumnSource,
    names: readonly string[],
  ): (selected: Uint8Array, from: number, to: number) => void {
    const counted = this.#facets.map((facet) => ({ facet, kept: facet.keptIn(source) }));
    let list = new Uint32Array(Math.min(source.rows, SCAN_PAGE_ROWS));
    const others = counted.flatMap(({ facet, kept }) => (kept ? [] : [facet]));
    let counting: ((selected: Uint8Array, from: number, to: number) => void)[] | undefined;
    return (selected, from, to) => {
      // A file of another writer comes as one page.
      if (list.length < to - from) list = new Uint32Array(to - from);
      const count = listRows(selected, from, to, list);
      this.#rows += count;
      for (const { facet, kept } of counted) if (kept) facet.addKept(source, kept, list, count, from, to);
      if (others.length === 0) return;
      source.load(names, from, to);
      counting ??= others.map((facet) => facet.begin(source.block(names)));
      for (const add of counting) add(selected, from, to);
    };
  }

  begin(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    let counting: ((selected: Uint8Array, from: number, to: number) => void)[] | undefined;
    return (selected, from, to) => {
      counting ??= this.#facets.map((facet) => facet.begin(block));
      for (let row = from; row < to; row++) this.#rows += selected[row];
      for (const count of counting) count(selected, from, to);
    };
  }

  /** Yields now and then. */
  *merge({ rows, facets }: FacetsPart): Generator<void> {
    this.#rows += rows;
    for (const [i, facet] of facets.entries()) {
      yield* this.#facets[i].merge(facet);
      yield;
    }
  }

  get rows(): number {
    return this.#rows;
  }

  get facets(): readonly FacetCounts[] {
    return this.#facets;
  }

  part(): FacetsPart {
    return { rows: this.#rows, facets: this.#facets.map((facet) => facet.part()) };
  }
}

export async function run(job: FacetsJob, jobRun: JobRun): Promise<FacetsPart> {
  const scan = new FacetsScan(job.facets);
  for (const rowGroup of job.rowGroups) {
    let use: ReturnType<FacetsScan['beginSource']> | undefined;
    await jobRun.visit(rowGroup, job.filter, job.reads, 'ascending', (source, selected, from, to) => {
      use ??= scan.beginSource(source, job.reads);
      use(selected, from, to);
    });
  }
  return scan.part();
}
