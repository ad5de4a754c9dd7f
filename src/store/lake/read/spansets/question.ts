/** What a query asks of spans or traces, and by which way it is answered. */
import { analyse } from '../../../../traceql/analyse.ts';
import type { FieldExpression, Query, SpansetExpression } from '../../../../traceql/ast.ts';
import { isMetrics, selectorOf } from '../../../../traceql/query.ts';
import { analyseSpansets } from '../../../../traceql/spansets-analysis.ts';
import { QuestionError } from '../../../span-store.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { SpansetQuestion } from './open.ts';

/** Throws QuestionError for a metrics query. */
function spansetsIn({ expression }: Query): SpansetExpression {
  if (!isMetrics(expression)) return expression;
  throw new QuestionError(
    'unsupported_query',
    'a metrics query gives numbers over time, not spans: leave out what follows its spansets',
    expression.position,
  );
}

/** The condition of a query that is one selector of which a scan decides; undefined for any other query. */
export function scanOf(query: Query): { readonly condition: FieldExpression | null } | undefined {
  const selector = selectorOf(query);
  if (!selector) return undefined;
  const { scan, needsTrace } = analyse(selector.condition);
  return needsTrace ? undefined : { condition: scan };
}

export function spansetQuestion({
  query,
  range,
}: {
  readonly query: Query;
  readonly range: TimeRange;
}): SpansetQuestion {
  return { analysis: analyseSpansets(spansetsIn(query)), range };
}
