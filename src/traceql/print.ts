/**
 * A tree as text, in one canonical form: parsed again it gives the same tree, but for positions. Two
 * queries that print alike mean the same, so the text serves as an identity too.
 */
import { formatDurationExact } from '../span/time.ts';
import type {
  Aggregate,
  ArithmeticOperator,
  AttributeField,
  BinaryExpression,
  FieldExpression,
  GroupField,
  Literal,
  MetricsAggregate,
  MetricsExpression,
  MetricsStage,
  Query,
  ScalarExpression,
  SpansetExpression,
  SpansetFilter,
  SpansetOperator,
  SpansetStage,
  Static,
  UnaryExpression,
} from './ast.ts';
import { isLogical, precedence, spansetPrecedence } from './expression.ts';
import { INTRINSICS, intrinsicText, MAX_INT, MIN_INT } from './keywords.ts';
import { isMetrics } from './query.ts';

export function printQuery({ expression, hints }: Query): string {
  const text = isMetrics(expression) ? printMetrics(expression) : printSpansets(expression);
  if (hints.length === 0) return text;
  const printed = hints.map(({ key, value }) => `${key} = ${printStatic(value)}`);
  return `${text} with (${printed.join(', ')})`;
}

export function printSpansets(expression: SpansetExpression): string {
  switch (expression.kind) {
    case 'filter':
      return printSelector(expression);
    case 'operation': {
      const { operator, left, right } = expression;
      return `${printOperand(operator, left, 'left')} ${operator} ${printOperand(operator, right, 'right')}`;
    }
    case 'pipeline':
      return expression.stages.map(printStage).join(' | ');
    case 'scalar filter': {
      const { operator, left, right } = expression;
      return `${printScalar(left)} ${operator} ${printScalar(right)}`;
    }
  }
}

function printSelector({ condition }: SpansetFilter): string {
  return condition === null ? '{}' : `{ ${printExpression(condition)} }`;
}

function printOperand(operator: SpansetOperator, child: SpansetExpression, side: 'left' | 'right'): string {
  const text = printSpansets(child);
  if (child.kind === 'filter') return text;
  if (child.kind !== 'operation') return `(${text})`;
  const difference = spansetPrecedence(child.operator) - spansetPrecedence(operator);
  // "A || B && C" is read from left to right, which nobody expects.
  const mixes = difference === 0 && spansetPrecedence(operator) === 1 && child.operator !== operator;
  return mixes || difference < 0 || (difference === 0 && side === 'right') ? `(${text})` : text;
}

function printStage(stage: SpansetStage): string {
  switch (stage.kind) {
    case 'by':
      return `by(${printExpression(stage.expression)})`;
    case 'coalesce':
      return 'coalesce()';
    case 'select':
      return `select(${stage.fields.map(printExpression).join(', ')})`;
    case 'pipeline':
      return `(${printSpansets(stage)})`;
    case 'filter':
    case 'operation':
    case 'scalar filter':
      return printSpansets(stage);
  }
}

function printScalar(expression: ScalarExpression): string {
  switch (expression.kind) {
    case 'literal':
      return printStatic(expression.value);
    case 'aggregate':
      return printAggregate(expression);
    case 'scalar pipeline':
      return `(${printSpansets(expression.source)} | ${printAggregate(expression.aggregate)})`;
    case 'calculation': {
      const { operator, left, right } = expression;
      return `${printTerm(operator, left, 'left')} ${operator} ${printTerm(operator, right, 'right')}`;
    }
  }
}

function printAggregate({ name, operand }: Aggregate): string {
  return `${name}(${operand === null ? '' : printExpression(operand)})`;
}

function printTerm(operator: ArithmeticOperator, child: ScalarExpression, side: 'left' | 'right'): string {
  const text = printScalar(child);
  return child.kind === 'calculation' && regroups(operator, child.operator, side) ? `(${text})` : text;
}

/** True if a calculation within another, on this side of it, is read otherwise without its parentheses. */
function regroups(outer: ArithmeticOperator, inner: ArithmeticOperator, side: 'left' | 'right'): boolean {
  const difference = precedence(inner) - precedence(outer);
  return difference === 0 ? (side === 'left') === (outer === '^') : difference < 0;
}

export function printMetrics(expression: MetricsExpression): string {
  if (expression.kind === 'metrics') {
    const { source, aggregate, stages } = expression;
    return `${printSpansets(source)} | ${printMetricsAggregate(aggregate)}${printMetricsStages(stages)}`;
  }
  const { operator, left, right, stages } = expression;
  const calculation = `${printMetricsTerm(operator, left, 'left')} ${operator} ${printMetricsTerm(operator, right, 'right')}`;
  return calculation + printMetricsStages(stages);
}

function printMetricsTerm(
  operator: ArithmeticOperator,
  child: MetricsExpression | Literal,
  side: 'left' | 'right',
): string {
  if (child.kind === 'literal') return printStatic(child.value);
  const text = printMetrics(child);
  const bare =
    child.kind === 'metrics calculation' &&
    child.stages.length === 0 &&
    !regroups(operator, child.operator, side);
  return bare ? text : `(${text})`;
}

function printMetricsAggregate(aggregate: MetricsAggregate): string {
  const { kind } = aggregate;
  switch (kind) {
    case 'rate':
    case 'count_over_time':
      return `${kind}()${printBy(aggregate.by)}`;
    case 'sum_over_time':
    case 'avg_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'histogram_over_time':
      return `${kind}(${printExpression(aggregate.operand)})${printBy(aggregate.by)}`;
    case 'quantile_over_time': {
      const { operand, quantiles, by } = aggregate;
      return `${kind}(${[printExpression(operand), ...quantiles.map(printNumber)].join(', ')})${printBy(by)}`;
    }
    case 'compare': {
      const { selection, topN, startUnixNano, endUnixNano } = aggregate;
      const times = startUnixNano === undefined ? '' : `, ${startUnixNano}, ${endUnixNano ?? 0n}`;
      return `compare(${printSelector(selection)}, ${topN}${times})`;
    }
  }
}

function printBy(fields: readonly GroupField[]): string {
  return fields.length === 0 ? '' : ` by (${fields.map(printExpression).join(', ')})`;
}

function printMetricsStages(stages: readonly MetricsStage[]): string {
  return stages.map(printMetricsStage).join('');
}

function printMetricsStage(stage: MetricsStage): string {
  if (stage.kind === 'filter') return ` ${stage.operator} ${printNumber(stage.value)}`;
  return ` | ${stage.kind}(${stage.count})`;
}

/** Whole numbers as integers, which every double up to 2^53 is exactly. */
function printNumber(value: number): string {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : printFloat(value);
}

export function printExpression(expression: FieldExpression): string {
  switch (expression.kind) {
    case 'literal':
      return printStatic(expression.value);
    case 'intrinsic':
      return (expression.parent ? 'parent.' : '') + intrinsicText(expression.name);
    case 'attribute':
      return printAttribute(expression);
    case 'unary':
      return printUnary(expression);
    case 'binary':
      return printBinary(expression);
  }
}

function printUnary({ operator, operand }: UnaryExpression): string {
  const text = printExpression(operand);
  return operator + (operand.kind === 'binary' ? `(${text})` : text);
}

function printBinary({ operator, left, right }: BinaryExpression): string {
  const leftText = needsParentheses(operator, left, 'left')
    ? `(${printExpression(left)})`
    : printExpression(left);
  const rightText = needsParentheses(operator, right, 'right')
    ? `(${printExpression(right)})`
    : printExpression(right);
  return `${leftText} ${operator} ${rightText}`;
}

function needsParentheses(
  operator: BinaryExpression['operator'],
  child: FieldExpression,
  side: 'left' | 'right',
): boolean {
  // A prefix operator, also the sign of a number, reaches over a tighter operator behind it.
  if (child.kind === 'unary' || isNegative(child)) return precedence(operator) > precedence('+');
  if (child.kind !== 'binary') return false;
  // "a || b && c" needs none, and yet nobody reads it as TraceQL does.
  if (isLogical(operator) && isLogical(child.operator) && operator !== child.operator) return true;
  const difference = precedence(child.operator) - precedence(operator);
  if (difference !== 0) return difference < 0;
  return (side === 'left') === (operator === '^');
}

function isNegative(expression: FieldExpression): boolean {
  return expression.kind === 'literal' && printStatic(expression.value).startsWith('-');
}

const BARE_KEY = /^[A-Za-z0-9_.:/@-]+$/;

function printAttribute({ scope, parent, key }: AttributeField): string {
  const prefix = `${parent ? 'parent.' : ''}${scope === 'any' ? '' : `${scope}.`}`;
  return (prefix === '' ? '.' : prefix) + (isBareKey(scope, parent, key) ? key : quoteKey(key));
}

/** Unquoted, `.5xx` is a number, and `parent.span.x` and `parent.name` mean something else. */
function isBareKey(scope: AttributeField['scope'], parent: boolean, key: string): boolean {
  if (!BARE_KEY.test(key)) return false;
  if (scope !== 'any') return true;
  if (!parent) return !/^\d/.test(key);
  return !INTRINSICS.has(key) && !/^(span|resource)\./.test(key);
}

function quoteKey(key: string): string {
  return `"${key.replace(/["\\]/g, '\\$&')}"`;
}

export function printStatic(value: Static): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value);
    case 'int':
      return value.value === MIN_INT ? 'minInt' : value.value === MAX_INT ? 'maxInt' : value.value.toString();
    case 'float':
      return printFloat(value.value);
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'duration':
      return formatDurationExact(value.value);
    case 'status':
    case 'kind':
      return value.value;
    case 'nil':
      return 'nil';
    case 'opaque':
      throw new Error('a value that has no literal');
  }
}

/** With a "." or an exponent, so that it stays a float. */
function printFloat(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`no literal for the number ${value}`);
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
