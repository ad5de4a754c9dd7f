/**
 * Test support: what a run of an oracle was worth. Random queries that answer nothing, or lack a part of the
 * language, prove little.
 */
import { expect } from 'bun:test';
import type { Query } from '../../../../traceql/ast.ts';

/** A pair of a query and data, once it agreed. */
export interface Pair {
  readonly query: Query;
  readonly isInSql: boolean;
  readonly isEmpty: boolean;
}

export interface Worth {
  readonly pairs: number;
  readonly maxEmpty: number;
  readonly parts: readonly string[];
}

export class Tally {
  #pairs = 0;
  #inSql = 0;
  #empty = 0;
  /** As `partsOf` calls them. */
  readonly #asked = new Set<string>();
  readonly #answered = new Set<string>();

  add({ query, isInSql, isEmpty }: Pair): void {
    this.#pairs++;
    if (isInSql) this.#inSql++;
    if (isEmpty) this.#empty++;
    for (const part of partsOf(query)) {
      this.#asked.add(part);
      if (!isEmpty) this.#answered.add(part);
    }
  }

  /**
   * `pairs`: on average. `maxEmpty`: a share. `parts`: what all has to come, as `partsOf` calls it; chance may
   * leave a tenth of them without an answer.
   */
  expectWorth({ pairs, maxEmpty, parts }: Worth): void {
    expect(this.#pairs).toBeGreaterThan(pairs / 2);
    expect(this.#inSql / this.#pairs).toBeGreaterThan(0.9);
    expect(this.#empty / this.#pairs).toBeLessThan(maxEmpty);
    expect(parts.filter((part) => !this.#asked.has(part))).toEqual([]);
    const unanswered = parts.filter((part) => !this.#answered.has(part));
    if (unanswered.length > parts.length / 10) expect(unanswered).toEqual([]);
  }
}

/**
 * The nodes of a query, each by its kind and what tells it from others of the kind: `binary >=`, `attribute event`,
 * `intrinsic span:name`, `literal bool`, `operation &>>`, `aggregate max`, `by`, `rate`.
 */
export function partsOf({ expression }: Query): Set<string> {
  const parts = new Set<string>();
  const visit = (node: object): void => {
    const own = new Map<string, unknown>(Object.entries(node));
    const words = ['kind', 'operator', 'name', 'scope', 'type'].map((key) => own.get(key));
    const name = words.filter((word) => typeof word === 'string').join(' ');
    if (own.has('kind') && own.get('kind') !== 'literal') parts.add(name);
    else if (own.has('type')) parts.add(`literal ${name}`);
    for (const child of own.values()) if (typeof child === 'object' && child !== null) visit(child);
  };
  visit(expression);
  return parts;
}
