/** Counts of a field's values in a row group by the codes of its column: values are made once, behind its last row. */
import type { FieldCodes } from './group-codes.ts';
import { codeOfEntry, entryOf } from './group-codes-map.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { gather } from './kept-codes.ts';
import type { KeptField } from './kept-codes.ts';

/** Rows of a page; sides and buckets stand beside the list. */
export interface ListedRows {
  readonly list: Uint32Array;
  count: number;
  /** 1: of the selection. */
  readonly sides: Uint8Array;
  readonly buckets: Uint32Array;
}

/** Where counts go. */
interface Counts {
  readonly codes: FieldCodes;
  add(code: number, side: number, bucket: number, count: number): void;
}

/**
 * Of a column with more values in a row group than are told apart the most frequent are looked up, some thousand:
 * each costs the making of a text, and what occurs once or twice is nothing that anybody compares.
 */
const MAX_FREQUENT = 1_000;
/** Frequencies are told apart up to here. */
const MAX_FREQUENCY = 4096;

export class KeptCounts {
  /** By `code * 2 + side`. */
  readonly #counts: Uint32Array;
  /** By code, where there are buckets: see `entryOf`. */
  readonly #codes: Uint32Array;
  #scratch = new Uint32Array(0);

  constructor(
    readonly field: KeptField,
    readonly hasBuckets: boolean,
  ) {
    const { missing } = field.coded;
    this.#counts = new Uint32Array(hasBuckets ? 0 : (missing + 1) * 2);
    this.#codes = new Uint32Array(hasBuckets ? missing + 1 : 0);
  }

  add(
    source: ColumnSource,
    { list, count, sides, buckets }: ListedRows,
    from: number,
    to: number,
    into: Counts,
  ) {
    const { column, coded } = this.field;
    source.loadKept(column, from, to);
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(to - from);
    const codes = this.#scratch;
    gather(coded.codes, list, count, codes);
    if (!this.hasBuckets) {
      const counts = this.#counts;
      for (let i = 0; i < count; i++) counts[codes[i] * 2 + sides[i]]++;
      return;
    }
    for (let i = 0; i < count; i++) {
      const known = this.#codes[codes[i]];
      const code = known === 0 ? this.#learn(codes[i], into) : codeOfEntry(known);
      if (code !== 0) into.add(code, sides[i], buckets[i], 1);
    }
  }

  #learn(code: number, { codes }: Counts): number {
    const own = codes.codeOf(this.field.staticsOf(code));
    this.#codes[code] = entryOf(own);
    return own;
  }

  flush(into: Counts): void {
    const counts = this.#counts;
    const least = this.#leastFrequency(into.codes.max);
    for (let code = 0; code * 2 < counts.length; code++) {
      const [baseline, selected] = [counts[code * 2], counts[code * 2 + 1]];
      const both = baseline + selected;
      if (both === 0) continue;
      const isMissing = code === this.field.coded.missing;
      const own = both < least && !isMissing ? NO_CODE : into.codes.codeOf(this.field.staticsOf(code));
      if (own === 0) continue;
      if (baseline > 0) into.add(own, 0, 0, baseline);
      if (selected > 0) into.add(own, 1, 0, selected);
    }
  }

  /** How often a value must occur to be looked up. */
  #leastFrequency(most: number): number {
    const counts = this.#counts;
    const byFrequency = new Uint32Array(MAX_FREQUENCY + 1);
    let distinct = 0;
    for (let at = 0; at < counts.length; at += 2) {
      const both = counts[at] + counts[at + 1];
      if (both === 0) continue;
      byFrequency[Math.min(both, MAX_FREQUENCY)]++;
      distinct++;
    }
    if (distinct <= most) return 0;
    let least = MAX_FREQUENCY;
    for (let kept = 0; least > 1; least--) {
      kept += byFrequency[least];
      if (kept > MAX_FREQUENT) break;
    }
    return least + 1;
  }
}
