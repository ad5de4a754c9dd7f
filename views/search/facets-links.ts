/**
 * Values of facets as conditions, and the queries that add or drop one: facets, the list of conditions and the
 * query bar all say what the one query says.
 */
import type { ValueCount } from '../../src/store/span-store.ts';
import type {
  AttributeField,
  ComparisonOperator,
  FieldExpression,
  IntrinsicField,
  Query,
  Static,
} from '../../src/traceql/ast.ts';
import { and, combine, comparison, intrinsic, MATCH_ALL } from '../../src/traceql/build.ts';
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../src/traceql/keywords.ts';
import { printExpression, printQuery } from '../../src/traceql/print.ts';
import { conditionOf } from '../../src/traceql/query.ts';
import { conjuncts } from './query-filters.ts';

type Field = AttributeField | IntrinsicField;

/** A longer address fails in too many proxies. */
const MAX_QUERY_LENGTH = 1500;

/** A value as TraceQL compares it; undefined for one that it can't name. */
export function staticOf(
  field: Field,
  { type, value }: Pick<ValueCount, 'type' | 'value'>,
): Static | undefined {
  switch (type) {
    case 'string':
      return { type: 'string', value };
    case 'bool':
      return { type: 'bool', value: value === 'true' };
    case 'int':
      return { type: 'int', value: BigInt(value) };
    case 'double':
      return Number.isFinite(Number(value)) ? { type: 'float', value: Number(value) } : undefined;
    case 'duration':
      return { type: 'duration', value: BigInt(value) };
    case 'keyword':
      return keywordOf(field, value);
  }
}

function keywordOf(field: Field, text: string): Static | undefined {
  if (field.kind !== 'intrinsic') return undefined;
  if (field.name === 'span:status') {
    const value = STATUS_KEYWORDS.find((known) => known === text);
    return value && { type: 'status', value };
  }
  const value = KIND_KEYWORDS.find((known) => known === text);
  return value && { type: 'kind', value };
}

/** `field = value`, or with another operator. */
export function valueCondition(
  field: Field,
  value: Pick<ValueCount, 'type' | 'value'>,
  operator: ComparisonOperator = '=',
): FieldExpression | undefined {
  const literal = staticOf(field, value);
  return literal && comparison(field, operator, literal);
}

export interface Condition {
  readonly text: string;
  /** The query without it; '' is every span. */
  readonly without: string;
}

/** What a search asks, and its texts with one condition more or less. */
export class QueryEdits {
  readonly #parts: readonly FieldExpression[] | undefined;
  readonly #texts: readonly string[];

  constructor(readonly query: Query) {
    const condition = conditionOf(query);
    this.#parts = condition === undefined ? undefined : conjuncts(condition);
    this.#texts = (this.#parts ?? []).map((part) => printExpression(part));
  }

  /** Of a query that is one selector; none of any other. */
  get conditions(): readonly Condition[] {
    return this.#texts.map((text, i) => ({ text, without: this.#without(new Set([i])) }));
  }

  /** Attributes that are asked for by value, as TraceQL writes them; `.key` where no scope is given. */
  get attributes(): readonly string[] {
    return (this.#parts ?? []).flatMap((part) => {
      const first = part.kind === 'binary' && part.operator === '||' ? part.left : part;
      if (first.kind !== 'binary' || first.left.kind !== 'attribute' || first.left.parent) return [];
      const { scope, key } = first.left;
      return [scope === 'any' ? `.${key}` : `${scope}.${key}`];
    });
  }

  /** '' when the address would get too long. */
  with(...added: readonly FieldExpression[]): string {
    const text = this.#parts
      ? textOf([...this.#parts, ...added])
      : printQuery(combine(this.query, and(...added)));
    return text.length > MAX_QUERY_LENGTH ? '' : text;
  }

  /** The query without conditions that say just this; undefined when none does. */
  without(...dropped: readonly FieldExpression[]): string | undefined {
    const found = dropped.map((condition) => this.#indexOf(condition));
    return found.includes(-1) ? undefined : this.#without(new Set(found));
  }

  /** Conditions on the duration alone give way to these: of two lower ends only one can count. */
  withDuration(least: bigint | undefined, below: bigint | undefined): string {
    const others = (this.#parts ?? []).filter((part) => !isDuration(part));
    const bounds = durationBounds(least, below);
    if (!this.#parts) return bounds.length === 0 ? printQuery(this.query) : this.with(...bounds);
    return textOf([...others, ...bounds]);
  }

  #indexOf(condition: FieldExpression): number {
    const text = printExpression(condition);
    const exact = this.#texts.indexOf(text);
    if (exact >= 0 || condition.kind !== 'binary' || condition.left.kind !== 'attribute') return exact;
    const unscoped: AttributeField = { ...condition.left, scope: 'any' };
    const anywhere = printExpression({ ...condition, left: unscoped });
    return this.#texts.findIndex((one) => one === anywhere || one.startsWith(`${anywhere} || `));
  }

  #without(indexes: ReadonlySet<number>): string {
    return textOf((this.#parts ?? []).filter((_, i) => !indexes.has(i)));
  }
}

/** `least <= duration < below`. */
export function durationBounds(least: bigint | undefined, below: bigint | undefined): FieldExpression[] {
  const bound = (operator: '>=' | '<', value: bigint | undefined): FieldExpression[] =>
    value === undefined
      ? []
      : [comparison(intrinsic('span:duration'), operator, { type: 'duration', value })];
  return [...bound('>=', least), ...bound('<', below)];
}

function isDuration(part: FieldExpression): boolean {
  return (
    part.kind === 'binary' &&
    part.left.kind === 'intrinsic' &&
    part.left.name === 'span:duration' &&
    part.right.kind === 'literal' &&
    /^[<>]=?$/.test(part.operator)
  );
}

function textOf(parts: readonly FieldExpression[]): string {
  const condition = and(...parts);
  return condition ? `{ ${printExpression(condition)} }` : '';
}

/** Every span where nothing is asked, as the address has it. */
export function addressText(query: Query): string {
  return query === MATCH_ALL || conditionOf(query) === null ? '' : query.text;
}
