/** Which of several filters, in order, is the first that a span of a trace matches. */
import type { Block } from '../../../../span/vector.ts';
import { columnOf } from '../scan/cells.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import { Selection, filterColumns } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';

/** No span of the trace matches a filter. Filters are at most 50. */
export const NO_RULE = 255;

/** By trace, in the order of the rows. */
export interface TraceRules {
  readonly count: number;
  /** 16 bytes an entry. */
  readonly traceIds: Uint8Array;
  /** The index of the first filter that matches, or NO_RULE. */
  readonly rules: Uint8Array;
  readonly rows: Uint32Array;
}

export function ruleColumns(filters: readonly Filter[], available: ColumnsAvailable): string[] {
  const columns = filters.flatMap((filter) => filterColumns(filter, available));
  return [...new Set(['trace_id', 'start_time_unix_nano', ...columns])];
}

const FIRST_CAPACITY = 1024;

export class TraceRulesScan {
  #count = 0;
  #ids = new Uint8Array(FIRST_CAPACITY * 16);
  #rules = new Uint8Array(FIRST_CAPACITY);
  #rows = new Uint32Array(FIRST_CAPACITY);

  constructor(readonly filters: readonly Filter[]) {}

  /** Rows of the same trace that stand together become one entry, also across blocks. */
  add(block: Block): void {
    const ruleOf = firstRules(block, this.filters);
    const ids = columnOf(block, 'trace_id', 'fixed').bytes;
    for (let row = 0; row < block.rows; row++) {
      const known = row === 0 ? this.#isLast(ids) : sameId(ids, row, ids, row - 1);
      if (!known) this.#open(ids, row);
      const entry = this.#count - 1;
      this.#rows[entry]++;
      if (ruleOf[row] < this.#rules[entry]) this.#rules[entry] = ruleOf[row];
    }
  }

  #isLast(ids: Uint8Array): boolean {
    return this.#count > 0 && sameId(ids, 0, this.#ids, this.#count - 1);
  }

  #open(ids: Uint8Array, row: number): void {
    if (this.#count === this.#rules.length) this.#grow();
    const entry = this.#count++;
    for (let i = 0; i < 16; i++) this.#ids[entry * 16 + i] = ids[row * 16 + i];
    this.#rules[entry] = NO_RULE;
  }

  #grow(): void {
    const capacity = this.#rules.length * 2;
    const [ids, rules, rows] = [this.#ids, this.#rules, this.#rows];
    this.#ids = new Uint8Array(capacity * 16);
    this.#ids.set(ids);
    this.#rules = new Uint8Array(capacity);
    this.#rules.set(rules);
    this.#rows = new Uint32Array(capacity);
    this.#rows.set(rows);
  }

  result(): TraceRules {
    const count = this.#count;
    return {
      count,
      traceIds: this.#ids.slice(0, count * 16),
      rules: this.#rules.slice(0, count),
      rows: this.#rows.slice(0, count),
    };
  }
}

/** By row of the block. */
function firstRules(block: Block, filters: readonly Filter[]): Uint8Array {
  const rules = new Uint8Array(block.rows).fill(NO_RULE);
  filters.forEach((filter, index) => {
    const selected = new Selection(block, filter).select(0, block.rows);
    for (let row = 0; row < block.rows; row++) {
      if (selected[row] === 1 && rules[row] === NO_RULE) rules[row] = index;
    }
  });
  return rules;
}

function sameId(ids: Uint8Array, at: number, others: Uint8Array, other: number): boolean {
  for (let i = 0; i < 16; i++) if (ids[at * 16 + i] !== others[other * 16 + i]) return false;
  return true;
}
