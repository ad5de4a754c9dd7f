/** Groups by several fields: dense numbers of the tuples of their codes, in order of arrival. */
import type { Block } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { Static } from '../../../../traceql/ast.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { FieldCodes, codedValues, valueAt } from './group-codes.ts';
import type { CodeFiller, CodedValues } from './group-codes.ts';
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';

/** Plain data, for another thread. */
export interface GroupValues {
  readonly count: number;
  /** By field, then code. */
  readonly values: readonly CodedValues[];
  /** By field, then group: the code of its value. */
  readonly codes: readonly Uint32Array[];
  /** There were more groups than have numbers. */
  readonly full: boolean;
}

/** Sets `groups[row]` of the selected rows; NO_CODE beyond the most groups that are kept. */
export type GroupFiller = (selected: Uint8Array, from: number, to: number, groups: Uint32Array) => void;

/** Merged in about a millisecond. */
const VALUES_A_STEP = 2048;

export class GroupTuples {
  readonly fields: readonly FieldCodes[];
  /** Link i joins what the fields before i + 1 gave with field i + 1. */
  readonly #links: readonly PairCodes[];

  /** Without fields all is one group, 0. */
  constructor(
    fields: readonly Field[],
    readonly max: number,
    arrays: 'first' | 'opaque' = 'first',
  ) {
    this.fields = fields.map((field) => new FieldCodes(field, max, arrays));
    this.#links = fields.slice(1).map(() => new PairCodes(max));
  }

  get count(): number {
    const { length } = this.fields;
    if (length === 0) return 1;
    return length === 1 ? this.fields[0].values.length : this.#links[length - 2].count;
  }

  get full(): boolean {
    return this.fields.some(({ full }) => full) || this.#links.some(({ count }) => count >= this.max);
  }

  filler(block: Block): GroupFiller {
    const fillers = this.fields.map((field) => field.filler(block));
    return (selected, from, to, groups) => this.#fill(fillers, selected, from, to, groups);
  }

  #codes = new Uint32Array(0);

  #fill(
    fillers: readonly CodeFiller[],
    selected: Uint8Array,
    from: number,
    to: number,
    groups: Uint32Array,
  ): void {
    if (fillers.length === 0) {
      groups.fill(0, from, to);
      return;
    }
    fillers[0](selected, from, to, groups);
    if (fillers.length > 1 && this.#codes.length < to) this.#codes = new Uint32Array(selected.length);
    const codes = this.#codes;
    for (let field = 1; field < fillers.length; field++) {
      fillers[field](selected, from, to, codes);
      const link = this.#links[field - 1];
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        const unknown = groups[row] === NO_CODE || codes[row] === NO_CODE;
        groups[row] = unknown ? NO_CODE : link.code(groups[row], codes[row]);
      }
    }
  }

  ofSource(row: FieldSource): number {
    return this.#ofCodes((field) => this.fields[field].ofSource(row));
  }

  /** The group of values, by field. */
  of(values: readonly Static[]): number {
    return this.#ofCodes((field) => this.fields[field].code(values[field]));
  }

  /** The group of codes of `fields`. */
  ofCodes(codes: readonly number[]): number {
    return this.#ofCodes((field) => codes[field]);
  }

  #ofCodes(codeOf: (field: number) => number): number {
    if (this.fields.length === 0) return 0;
    let group = codeOf(0);
    for (let field = 1; field < this.fields.length; field++) {
      const code = codeOf(field);
      if (group === NO_CODE || code === NO_CODE) return NO_CODE;
      group = this.#links[field - 1].code(group, code);
    }
    return group;
  }

  /** By the groups of `other`, those here. Yields about every millisecond. */
  *merge(other: GroupValues): Generator<void, Uint32Array> {
    const here: Uint32Array[] = [];
    for (const [field, values] of other.values.entries()) {
      const codes = new Uint32Array(values.strings.length);
      for (let code = 0; code < codes.length; code++) {
        codes[code] = this.fields[field].code(valueAt(values, code));
        if (code % VALUES_A_STEP === VALUES_A_STEP - 1) yield;
      }
      here.push(codes);
    }
    const groups = new Uint32Array(other.count);
    for (let group = 0; group < groups.length; group++) {
      groups[group] = this.#ofCodes((field) => here[field][other.codes[field][group]]);
      if (group % VALUES_A_STEP === VALUES_A_STEP - 1) yield;
    }
    return groups;
  }

  /** The values of a group, by field. */
  values(group: number): Static[] {
    return this.#tuple(group).map((code, field) => this.fields[field].values[code]);
  }

  #tuple(group: number): number[] {
    const codes: number[] = [];
    let rest = group;
    for (let link = this.#links.length - 1; link >= 0; link--) {
      codes.unshift(this.#links[link].second[rest]);
      rest = this.#links[link].first[rest];
    }
    return this.fields.length === 0 ? [] : [rest, ...codes];
  }

  all(): GroupValues {
    const { count } = this;
    const codes = this.fields.map(() => new Uint32Array(count));
    for (let group = 0; group < count; group++) {
      const tuple = this.#tuple(group);
      for (let field = 0; field < codes.length; field++) codes[field][group] = tuple[field];
    }
    return { count, codes, values: this.fields.map(({ values }) => codedValues(values)), full: this.full };
  }
}
