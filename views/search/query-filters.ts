/**
 * The filter form and the query bar show one query: this takes a query apart into the form's fields and
 * what the form has no field for, and puts them together again.
 */
import { formatDurationExact, parseDuration } from '../../src/span/time.ts';
import type { BinaryExpression, FieldExpression, Query, Static } from '../../src/traceql/ast.ts';
import {
  and,
  attributeEquals,
  combine,
  comparison,
  fromFilters,
  intrinsic,
  MATCH_ALL,
} from '../../src/traceql/build.ts';
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../src/traceql/keywords.ts';
import { printExpression } from '../../src/traceql/print.ts';
import { conditionOf, expectCondition } from '../../src/traceql/query.ts';

export interface FilterFields {
  readonly service: string;
  readonly operation: string;
  readonly status: string;
  readonly kind: string;
  /** A duration; `>` or `<` before it leaves the duration itself out. */
  readonly minDuration: string;
  readonly maxDuration: string;
  readonly attributes: readonly { readonly key: string; readonly value: string }[];
  /** The other conditions as TraceQL, without braces; '' when there are none. */
  readonly rest: string;
  /** A query that is more than one selector, as TraceQL: the form narrows it and shows none of it. Else ''. */
  readonly whole: string;
}

export const NO_FILTERS: FilterFields = {
  service: '',
  operation: '',
  status: '',
  kind: '',
  minDuration: '',
  maxDuration: '',
  attributes: [],
  rest: '',
  whole: '',
};

/** A field of the form that holds something it cannot mean. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
}

type MutableFields = { -readonly [Name in keyof FilterFields]: FilterFields[Name] };

/** Each field is filled at most once: a second condition on the same field stays in the rest. */
export function filtersOf(query: Query): FilterFields {
  const fields: MutableFields = { ...NO_FILTERS };
  const asked = conditionOf(query);
  if (asked === undefined) return { ...fields, whole: query.text };
  const rest = conjuncts(asked).filter((condition) => !take(condition, fields));
  const remaining = and(...rest);
  return { ...fields, rest: remaining ? printExpression(remaining) : '' };
}

/** The parts of `a && b && c`. */
export function conjuncts(condition: FieldExpression | null): FieldExpression[] {
  const found: FieldExpression[] = [];
  const pending = condition ? [condition] : [];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.kind === 'binary' && next.operator === '&&') pending.push(next.right, next.left);
    else found.push(next);
  }
  return found;
}

/** True when a field of the form now says what `condition` says. */
function take(condition: FieldExpression, fields: MutableFields): boolean {
  if (condition.kind !== 'binary') return false;
  if (condition.operator === '||') return takeAttribute(condition.left, condition, fields);
  const { left, operator, right } = condition;
  if (right.kind !== 'literal') return false;
  if (left.kind === 'intrinsic' && !left.parent)
    return takeIntrinsic(left.name, operator, right.value, fields);
  if (left.kind !== 'attribute' || operator !== '=' || left.parent) return false;
  const isService = left.scope === 'resource' && left.key === 'service.name' && right.value.type === 'string';
  if (isService && right.value.value !== '' && fields.service === '') {
    fields.service = right.value.value;
    return true;
  }
  return takeAttribute(condition, condition, fields);
}

function takeIntrinsic(
  name: string,
  operator: BinaryExpression['operator'],
  value: Static,
  fields: MutableFields,
): boolean {
  const set = (
    field: 'operation' | 'status' | 'kind' | 'minDuration' | 'maxDuration',
    text: string,
  ): boolean => {
    if (fields[field] !== '' || text === '') return false;
    fields[field] = text;
    return true;
  };
  if (name === 'span:name' && operator === '=' && value.type === 'string')
    return set('operation', value.value);
  if (name === 'span:status' && operator === '=' && value.type === 'status')
    return set('status', value.value);
  if (name === 'span:kind' && operator === '=' && value.type === 'kind') return set('kind', value.value);
  if (name !== 'span:duration' || value.type !== 'duration') return false;
  const text = formatDurationExact(value.value);
  switch (operator) {
    case '>=':
      return set('minDuration', text);
    case '>':
      return set('minDuration', `>${text}`);
    case '<=':
      return set('maxDuration', text);
    case '<':
      return set('maxDuration', `<${text}`);
    default:
      return false;
  }
}

/** `whole` is an attribute filter if it is exactly what the form would make of `first`'s key and text. */
function takeAttribute(first: FieldExpression, whole: FieldExpression, fields: MutableFields): boolean {
  if (first.kind !== 'binary' || first.left.kind !== 'attribute' || first.right.kind !== 'literal')
    return false;
  const { scope, key } = first.left;
  const literal = first.right.value;
  if (
    literal.type !== 'string' ||
    key.includes('=') ||
    key.trim() !== key ||
    literal.value.trim() !== literal.value
  ) {
    return false;
  }
  const made = attributeEquals(first.left, literal.value);
  if (printExpression(made) !== printExpression(whole)) return false;
  fields.attributes = [
    ...fields.attributes,
    { key: scope === 'any' ? `.${key}` : `${scope}.${key}`, value: literal.value },
  ];
  return true;
}

/** What a submitted form means. Throws FilterError, or TraceqlError for `rest`. */
export function queryOfForm(params: URLSearchParams, parse: (text: string) => Query): Query {
  const text = (name: string): string => (params.get(name) ?? '').trim();
  const rest = text('rest');
  const condition = fromFilters({
    service: text('service'),
    operation: text('operation'),
    status: keyword('status', text('status'), STATUS_KEYWORDS),
    kind: keyword('kind', text('kind'), KIND_KEYWORDS),
    attributes: params.getAll('attr').flatMap(attributeOf),
  });
  const durations = and(
    durationBound('minimum', '>', text('minDuration')),
    durationBound('maximum', '<', text('maxDuration')),
  );
  const others = rest === '' ? null : expectCondition(parse(`{ ${rest} }`));
  return combine(MATCH_ALL, and(condition, durations, others));
}

function keyword<K extends string>(name: string, text: string, known: readonly K[]): K | undefined {
  if (text === '') return undefined;
  const found = known.find((one) => one === text);
  if (!found) throw new FilterError(`${name} is one of ${known.join(', ')}, not "${text}"`);
  return found;
}

/** `300ms` belongs to the range, `>300ms` leaves it out; `>=300ms` says what `300ms` means. */
function durationBound(name: string, side: '>' | '<', text: string): FieldExpression | null {
  if (text === '') return null;
  const bare = text.startsWith(side) ? text.slice(1) : text;
  const isOpen = bare !== text && !bare.startsWith('=');
  const value = parseDuration(bare.replace(/^=/, ''));
  if (value === null)
    throw new FilterError(`the ${name} duration reads like 300ms, 1.2s or 2m, not "${text}"`);
  const operator = isOpen ? side : (`${side}=` as const);
  return comparison(intrinsic('span:duration'), operator, { type: 'duration', value });
}

function attributeOf(text: string): { key: string; value: string }[] {
  if (text.trim() === '') return [];
  const at = text.indexOf('=');
  if (at <= 0) throw new FilterError(`an attribute filter reads like http.route=/cart, not "${text}"`);
  return [{ key: text.slice(0, at).trim(), value: text.slice(at + 1).trim() }];
}
