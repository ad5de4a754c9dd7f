/** What the numbers of a metrics query are, for who shows them to people. */
import type { GroupField, Literal, MetricsExpression } from './ast.ts';

/** `rate`: a second; `duration`: seconds; `number`: of a unit that nobody knows. */
export type MetricUnit = 'rate' | 'count' | 'duration' | 'number';

export function metricUnit(expression: MetricsExpression): MetricUnit {
  return expression.kind === 'metrics' ? aggregateUnit(expression.aggregate) : calculationUnit(expression);
}

function aggregateUnit(aggregate: Extract<MetricsExpression, { kind: 'metrics' }>['aggregate']): MetricUnit {
  switch (aggregate.kind) {
    case 'rate':
      return 'rate';
    case 'count_over_time':
    case 'histogram_over_time':
    case 'compare':
      return 'count';
    case 'sum_over_time':
    case 'avg_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'quantile_over_time':
      return isDuration(aggregate.operand) ? 'duration' : 'number';
  }
}

/** Fields whose values are lengths of time; the buckets of a histogram over one are seconds. */
export function isDuration(field: GroupField): boolean {
  if (field.kind !== 'intrinsic') return false;
  return ['span:duration', 'trace:duration', 'event:timeSinceStart'].includes(field.name);
}

/** A plain number scales what it stands beside; two of a kind add up to the same, and divide to a share. */
function calculationUnit({
  operator,
  left,
  right,
}: Extract<MetricsExpression, { kind: 'metrics calculation' }>): MetricUnit {
  const [a, b] = [sideUnit(left), sideUnit(right)];
  switch (operator) {
    case '+':
    case '-':
      if (a === undefined || b === undefined || a === b) return a ?? b ?? 'number';
      return 'number';
    case '*':
      return a === undefined ? (b ?? 'number') : b === undefined ? a : 'number';
    case '/':
      return b === undefined ? (a ?? 'number') : 'number';
    case '%':
    case '^':
      return 'number';
  }
}

/** Undefined for a plain number. */
function sideUnit(side: MetricsExpression | Literal): MetricUnit | undefined {
  return side.kind === 'literal' ? undefined : metricUnit(side);
}
