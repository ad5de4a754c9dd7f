/** Which of the API's questions a query can be: one that selects spans, or one that gives numbers over time. */
import type { Query, SpansetExpression, SpansetStage } from '../../traceql/ast.ts';
import { TraceqlError } from '../../traceql/error.ts';
import { printExpression } from '../../traceql/print.ts';
import { isMetrics } from '../../traceql/query.ts';

/** Throws TraceqlError for a metrics query. */
export function expectSpans(query: Query): Query {
  const { expression } = query;
  if (!isMetrics(expression)) return query;
  const [position, found] =
    expression.kind === 'metrics'
      ? [expression.aggregate.position, `${expression.aggregate.kind}()`]
      : [expression.position, 'arithmetic on metrics'];
  const expected = 'a query that selects spans (numbers over time are asked for at /api/v1/metrics)';
  throw new TraceqlError(position, found, expected, 'unsupported_query');
}

/** Throws TraceqlError for any other query. */
export function expectMetrics(query: Query): Query {
  if (isMetrics(query.expression)) return query;
  const expected =
    'an aggregate over time behind the spans, such as "| rate()" or "| quantile_over_time(duration, .95)" ' +
    '(spans and traces are asked for at /api/v1/spans and /api/v1/traces)';
  throw new TraceqlError(query.text.length, 'none', expected, 'unsupported_query');
}

/** What `select(...)` names anywhere in a query, as texts that the parameter `select` knows; undefined: no such stage. */
export function selectedFields({ expression }: Query): ReadonlySet<string> | undefined {
  if (isMetrics(expression)) return undefined;
  const found = new Set<string>();
  return collect(expression, found) ? found : undefined;
}

/** True when there is a select stage. */
function collect(stage: SpansetStage | SpansetExpression, found: Set<string>): boolean {
  switch (stage.kind) {
    case 'select':
      for (const field of stage.fields) {
        if (field.kind === 'attribute' && field.scope === 'any') found.add(field.key);
        else if (field.kind === 'attribute') found.add(`${field.scope}.${field.key}`);
        else found.add(printExpression(field));
      }
      return true;
    case 'operation': {
      const left = collect(stage.left, found);
      return collect(stage.right, found) || left;
    }
    case 'pipeline':
      return stage.stages.reduce((any, one) => collect(one, found) || any, false);
    case 'filter':
    case 'scalar filter':
    case 'by':
    case 'coalesce':
      return false;
  }
}
