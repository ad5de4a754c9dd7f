/** Which kind of question a query is, for those who answer only one kind. */
import type { FieldExpression, MetricsExpression, Query, SpansetExpression, SpansetFilter } from './ast.ts';
import { TraceqlError } from './error.ts';

export function isMetrics(
  expression: SpansetExpression | MetricsExpression,
): expression is MetricsExpression {
  return expression.kind === 'metrics' || expression.kind === 'metrics calculation';
}

/** The selector that the whole query is; undefined when it is more than one selector. */
export function selectorOf({ expression }: Query): SpansetFilter | undefined {
  return expression.kind === 'filter' ? expression : undefined;
}

/** The condition of a query that is one selector, null for `{}`; undefined for any other query. */
export function conditionOf(query: Query): FieldExpression | null | undefined {
  return selectorOf(query)?.condition;
}

/** The same where only one selector will do. Throws TraceqlError, with the reason, for any other query. */
export function expectCondition(
  query: Query,
  reason = 'which is all that can be asked here',
): FieldExpression | null {
  const selector = selectorOf(query);
  if (selector) return selector.condition;
  const { position } = query.expression;
  throw new TraceqlError(position, nameOf(query), `one selector {...}, ${reason}`, 'unsupported_query');
}

/** What a query is, for messages. */
function nameOf({ expression }: Query): string {
  switch (expression.kind) {
    case 'filter':
      return 'a selector';
    case 'operation':
      return 'several selectors';
    case 'pipeline':
      return 'a pipeline';
    case 'scalar filter':
      return 'a comparison of aggregates';
    case 'metrics':
      return 'a metrics function';
    case 'metrics calculation':
      return 'a calculation with metrics';
  }
}
