/**
 * A tree of the language around selectors as text that shows its grouping: for tables of test cases.
 * Operations in (), pipelines in [], comparisons of scalars in <>, metrics with ";" between their parts.
 */
import type {
  Literal,
  MetricsExpression,
  Query,
  ScalarExpression,
  SpansetExpression,
  SpansetStage,
} from './ast.ts';
import { printExpression, printMetrics, printSpansets, printStatic } from './print.ts';
import { isMetrics } from './query.ts';

export function sketch({ expression }: Query): string {
  return isMetrics(expression) ? metrics(expression) : spansets(expression);
}

function spansets(expression: SpansetExpression): string {
  switch (expression.kind) {
    case 'filter':
      return printSpansets(expression);
    case 'operation':
      return `(${spansets(expression.left)} ${expression.operator} ${spansets(expression.right)})`;
    case 'pipeline':
      return `[${expression.stages.map(stage).join(' | ')}]`;
    case 'scalar filter':
      return `<${scalar(expression.left)} ${expression.operator} ${scalar(expression.right)}>`;
  }
}

function stage(each: SpansetStage): string {
  switch (each.kind) {
    case 'by':
      return `by ${printExpression(each.expression)}`;
    case 'coalesce':
      return 'coalesce';
    case 'select':
      return `select ${each.fields.map(printExpression).join(' ')}`;
    default:
      return spansets(each);
  }
}

function scalar(expression: ScalarExpression): string {
  switch (expression.kind) {
    case 'literal':
      return `${expression.value.type} ${printStatic(expression.value)}`;
    case 'aggregate':
      return expression.operand === null
        ? expression.name
        : `${expression.name} ${printExpression(expression.operand)}`;
    case 'calculation':
      return `(${scalar(expression.left)} ${expression.operator} ${scalar(expression.right)})`;
    case 'scalar pipeline':
      return `[${spansets(expression.source)} | ${scalar(expression.aggregate)}]`;
  }
}

function metrics(expression: MetricsExpression | Literal): string {
  if (expression.kind === 'literal') return scalar(expression);
  const stages = expression.stages.map((each) =>
    each.kind === 'filter' ? `${each.operator} ${each.value}` : `${each.kind} ${each.count}`,
  );
  if (expression.kind === 'metrics calculation') {
    const calculation = `${metrics(expression.left)} ${expression.operator} ${metrics(expression.right)}`;
    return `(${[calculation, ...stages].join('; ')})`;
  }
  const { source } = expression;
  // `printMetrics` has no parts: the function is what stands behind the source.
  const printed = printMetrics({ ...expression, stages: [] }).slice(printSpansets(source).length + 3);
  return `(${[spansets(source), printed, ...stages].join('; ')})`;
}
