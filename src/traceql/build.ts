/** Trees made by the program: facets, forms, plain filters. Their nodes have position 0. */
import type {
  AttributeField,
  AttributeFieldScope,
  BinaryExpression,
  ComparisonOperator,
  FieldExpression,
  Intrinsic,
  IntrinsicField,
  KindKeyword,
  Literal,
  LogicalOperator,
  MetricsExpression,
  Query,
  SpansetExpression,
  SpansetFilter,
  Static,
  StatusKeyword,
} from './ast.ts';
import { INTRINSICS, MAX_INT, MIN_INT, SCOPES } from './keywords.ts';
import { parseQuery } from './parse.ts';
import { printQuery } from './print.ts';
import { isMetrics } from './query.ts';

/** `{}`: every span. */
export const MATCH_ALL: Query = {
  text: '{}',
  expression: { kind: 'filter', condition: null, position: 0 },
  hints: [],
};

export function field(scope: AttributeFieldScope, key: string): AttributeField {
  return { kind: 'attribute', scope, parent: false, key, position: 0 };
}

export function intrinsic(name: Intrinsic): IntrinsicField {
  return { kind: 'intrinsic', name, parent: false, position: 0 };
}

/** A plain string, boolean or bigint stands for the literal of that type. */
export function comparison(
  left: FieldExpression,
  operator: ComparisonOperator,
  value: Static | string | boolean | bigint,
): BinaryExpression {
  return {
    kind: 'binary',
    operator,
    left,
    right: { kind: 'literal', value: literalOf(value), position: 0 },
    position: 0,
  };
}

function literalOf(value: Static | string | boolean | bigint): Static {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'boolean') return { type: 'bool', value };
  return typeof value === 'bigint' ? { type: 'int', value } : value;
}

/** The conjunction; nulls, which match everything, fall out. Null when nothing is left. */
export function and(...conditions: readonly (FieldExpression | null)[]): FieldExpression | null {
  return join('&&', conditions);
}

/** The disjunction of what is not null; null when nothing is left. */
export function or(...conditions: readonly (FieldExpression | null)[]): FieldExpression | null {
  return join('||', conditions);
}

function join(
  operator: LogicalOperator,
  conditions: readonly (FieldExpression | null)[],
): FieldExpression | null {
  let joined: FieldExpression | null = null;
  for (const condition of conditions) {
    for (const right of condition === null ? [] : operands(operator, condition)) {
      joined = joined === null ? right : { kind: 'binary', operator, left: joined, right, position: 0 };
    }
  }
  return joined;
}

/** The operands of a chain of one operator: `a && b && c` has three, and prints without parentheses. */
function operands(operator: LogicalOperator, chain: FieldExpression): readonly FieldExpression[] {
  const found: FieldExpression[] = [];
  let rest = chain;
  while (rest.kind === 'binary' && rest.operator === operator) {
    found.push(rest.right);
    rest = rest.left;
  }
  return [rest, ...found.reverse()];
}

/** The plain filters of the API and of the search form. Empty texts are no filters. */
export interface Filters {
  readonly service?: string;
  readonly operation?: string;
  readonly status?: StatusKeyword;
  readonly kind?: KindKeyword;
  /** Nanoseconds; both belong to the range. */
  readonly minDuration?: bigint;
  readonly maxDuration?: bigint;
  /** A key may begin with its scope (`span.http.route`); without one it is `.key`. */
  readonly attributes?: readonly { readonly key: string; readonly value: string }[];
}

export function fromFilters(filters: Filters): FieldExpression | null {
  const { service = '', operation = '', status, kind, minDuration, maxDuration, attributes = [] } = filters;
  return and(
    service === '' ? null : comparison(field('resource', 'service.name'), '=', service),
    operation === '' ? null : comparison(intrinsic('span:name'), '=', operation),
    status === undefined
      ? null
      : comparison(intrinsic('span:status'), '=', { type: 'status', value: status }),
    kind === undefined ? null : comparison(intrinsic('span:kind'), '=', { type: 'kind', value: kind }),
    durationFilter('>=', minDuration),
    durationFilter('<=', maxDuration),
    ...attributes.map(({ key, value }) => attributeEquals(attributeFromText(key), value)),
  );
}

function durationFilter(operator: '>=' | '<=', nanos: bigint | undefined): FieldExpression | null {
  if (nanos === undefined) return null;
  return comparison(intrinsic('span:duration'), operator, { type: 'duration', value: nanos });
}

/** Equal to the text, or to the number or boolean that it reads as: a script can't say which it means. */
export function attributeEquals(attribute: AttributeField, text: string): FieldExpression {
  const asText = comparison(attribute, '=', text);
  const other = scalarOf(text);
  if (other === null) return asText;
  return {
    kind: 'binary',
    operator: '||',
    left: asText,
    right: comparison(attribute, '=', other),
    position: 0,
  };
}

function scalarOf(text: string): Static | null {
  if (text === 'true' || text === 'false') return { type: 'bool', value: text === 'true' };
  if (/^-?\d{1,19}$/.test(text)) {
    const value = BigInt(text);
    if (value >= MIN_INT && value <= MAX_INT) return { type: 'int', value };
  }
  if (!/^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) || !Number.isFinite(Number(text))) return null;
  return { type: 'float', value: Number(text) };
}

/** `span.http.route`, `resource.x`, `.x`; anything else is the key of an unscoped attribute. */
export function attributeFromText(text: string): AttributeField {
  const dot = text.indexOf('.');
  const scope = text.slice(0, Math.max(dot, 0));
  if (dot === 0 && text.length > 1) return field('any', text.slice(1));
  if (isScope(scope) && dot + 1 < text.length) return field(scope, text.slice(dot + 1));
  return field('any', text);
}

function isScope(text: string): text is Exclude<AttributeFieldScope, 'any'> {
  return SCOPES.has(text);
}

/** A field as a script names it: an intrinsic (`name`, `span:status`), else as `attributeFromText`. */
export function fieldFromText(text: string): AttributeField | IntrinsicField {
  const name = INTRINSICS.get(text);
  return name === undefined ? attributeFromText(text) : intrinsic(name);
}

/**
 * `query`, narrowed to spans for which `condition` holds too: inside of its braces if it is one selector,
 * else as a stage at the end of its pipeline, or before its metrics function. What it gives is a part of
 * what `query` gives. The text is the canonical one, and positions count into it.
 */
export function combine(query: Query, condition: FieldExpression | null): Query {
  if (condition === null) return query;
  return parseQuery(printQuery({ ...query, expression: narrow(query.expression, condition) }));
}

function narrow(
  expression: SpansetExpression | MetricsExpression,
  condition: FieldExpression,
): SpansetExpression | MetricsExpression {
  return isMetrics(expression) ? narrowMetrics(expression, condition) : narrowSpansets(expression, condition);
}

function narrowSpansets(expression: SpansetExpression, condition: FieldExpression): SpansetExpression {
  const stages = expression.kind === 'pipeline' ? expression.stages : [expression];
  const last = stages[stages.length - 1];
  const before = last.kind === 'filter' ? stages.slice(0, -1) : stages;
  const both = last.kind === 'filter' ? and(last.condition, condition) : condition;
  const filter: SpansetFilter = { kind: 'filter', condition: both, position: 0 };
  if (before.length === 0) return filter;
  return { kind: 'pipeline', stages: [...before, filter], position: 0 };
}

function narrowMetrics(expression: MetricsExpression, condition: FieldExpression): MetricsExpression {
  if (expression.kind === 'metrics') {
    return { ...expression, source: narrowSpansets(expression.source, condition) };
  }
  const side = (operand: MetricsExpression | Literal): MetricsExpression | Literal =>
    operand.kind === 'literal' ? operand : narrowMetrics(operand, condition);
  return { ...expression, left: side(expression.left), right: side(expression.right) };
}

/** The query that a request means: its `q`, blank for every span, and its plain filters. Throws TraceqlError. */
export function queryFromText(q: string, filters: Filters = {}): Query {
  return combine(q.trim() === '' ? MATCH_ALL : parseQuery(q), fromFilters(filters));
}

/** The condition alone, as a query. */
export function queryOf(condition: FieldExpression | null): Query {
  return combine(MATCH_ALL, condition);
}
