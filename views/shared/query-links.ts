/** Addresses of searches made from what a page shows: "spans with the same value". */
import type { AttributeFieldScope, FieldExpression, GroupField } from '../../src/traceql/ast.ts';
import type { Attribute } from '../../src/span/span.ts';
import { and, comparison, field, intrinsic } from '../../src/traceql/build.ts';
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../src/traceql/keywords.ts';
import { printExpression } from '../../src/traceql/print.ts';

export type FilterScope = Exclude<AttributeFieldScope, 'any'>;

/** A longer address fails in too many proxies; such a value is no filter that anyone would read. */
const MAX_QUERY_LENGTH = 1500;

/** '' for a value that TraceQL cannot compare: bytes, arrays, lists, empty ones, NaN and infinity. */
export function attributeHref(scope: FilterScope, { key, value }: Attribute): string {
  if (key === '') return '';
  const left = field(scope, key);
  switch (value.type) {
    case 'string':
    case 'bool':
    case 'int':
      return queryHref(comparison(left, '=', value.value));
    case 'double':
      if (!Number.isFinite(value.value)) return '';
      return queryHref(comparison(left, '=', { type: 'float', value: value.value }));
    case 'bytes':
    case 'array':
    case 'kvlist':
    case 'empty':
      return '';
  }
}

export function kindHref(keyword: string): string {
  const value = KIND_KEYWORDS.find((known) => known === keyword);
  return value ? queryHref(comparison(intrinsic('span:kind'), '=', { type: 'kind', value })) : '';
}

export function statusHref(keyword: string): string {
  const value = STATUS_KEYWORDS.find((known) => known === keyword);
  return value ? queryHref(comparison(intrinsic('span:status'), '=', { type: 'status', value })) : '';
}

export interface FigureFilter {
  readonly service: string;
  /** '' is every operation. */
  readonly operation: string;
  /** TraceQL's keyword. */
  readonly kind?: string;
  readonly errorsOnly?: boolean;
  /** Nanoseconds. */
  readonly minDuration?: bigint;
}

/** The traces behind a figure of the services' tables. */
export function figureHref(filter: FigureFilter, params: Readonly<Record<string, string>>): string {
  const { service, operation, errorsOnly, minDuration } = filter;
  const kind = KIND_KEYWORDS.find((known) => known === filter.kind);
  const condition = and(
    service === ''
      ? missing(field('resource', 'service.name'))
      : comparison(field('resource', 'service.name'), '=', service),
    operation === '' ? null : comparison(intrinsic('span:name'), '=', operation),
    kind === undefined ? null : comparison(intrinsic('span:kind'), '=', { type: 'kind', value: kind }),
    errorsOnly ? comparison(intrinsic('span:status'), '=', { type: 'status', value: 'error' }) : null,
    minDuration === undefined
      ? null
      : comparison(intrinsic('span:duration'), '>=', { type: 'duration', value: minDuration }),
  );
  return condition ? queryHref(condition, params) : '';
}

/** True of spans without the field. TraceQL takes no `= nil` for those that senders always should have. */
export function missing(left: GroupField): FieldExpression {
  const nil = { type: 'nil' } as const;
  const optional = left.kind === 'attribute' && !(left.scope === 'resource' && left.key === 'service.name');
  if (optional) return comparison(left, '=', nil);
  return { kind: 'unary', operator: '!', operand: comparison(left, '!=', nil), position: 0 };
}

function queryHref(condition: FieldExpression, params: Readonly<Record<string, string>> = {}): string {
  const q = `{ ${printExpression(condition)} }`;
  if (q.length > MAX_QUERY_LENGTH) return '';
  return `/search?${new URLSearchParams({ q, ...params })}`;
}
