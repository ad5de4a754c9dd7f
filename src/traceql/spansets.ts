/**
 * What a spanset expression means for one trace: a list of spansets. Every part takes spansets and gives
 * spansets; the whole begins with one, of the trace's spans that start in the question's range. Selectors and
 * operators work within each spanset that they are given, so `{ a } | { b }` is `{ a && b }`. A side of an
 * operator that gives several spansets (after `by`) counts with all their spans. Empty spansets are dropped.
 *
 * `A !> B` gives the spans of B that are no child of a span of A, all of B where there is no A.
 */
import type { GroupStage, SpansetExpression, SpansetOperation, SpansetStage } from './ast.ts';
import { evaluate } from './evaluate.ts';
import { printExpression } from './print.ts';
import { spansOf } from './spanset.ts';
import type { Spanset, SpansetAttribute, TraceSpans } from './spanset.ts';
import { keepWhere } from './spansets-scalar.ts';
import { union } from './structure.ts';

export function spansetsOf(expression: SpansetExpression, trace: TraceSpans): Spanset[] {
  const spans: number[] = [];
  for (let span = 0; span < trace.count; span++) if (trace.inRange(span)) spans.push(span);
  return spans.length === 0 ? [] : apply(expression, [{ spans, attributes: [] }], trace);
}

/** The spansets that a stage makes of those that it is given. */
function apply(stage: SpansetStage, given: readonly Spanset[], trace: TraceSpans): Spanset[] {
  switch (stage.kind) {
    case 'filter':
      return given
        .map(({ spans, attributes }) => ({
          spans: spans.filter((span) => trace.matches(stage, span)),
          attributes,
        }))
        .filter(isFilled);
    case 'operation':
      return given.map((spanset) => operation(stage, spanset, trace)).filter(isFilled);
    case 'pipeline': {
      let spansets = [...given];
      for (const each of stage.stages) spansets = apply(each, spansets, trace);
      return spansets;
    }
    case 'scalar filter':
      return given.flatMap((spanset) => keepWhere(stage, spanset, trace, apply)).filter(isFilled);
    case 'by':
      return given.flatMap((spanset) => groups(stage, spanset, trace));
    case 'coalesce':
      return given.length === 0 ? [] : [{ spans: spansOf(given), attributes: [] }];
    case 'select':
      return [...given];
  }
}

function isFilled({ spans }: Spanset): boolean {
  return spans.length > 0;
}

function operation({ operator, left, right }: SpansetOperation, given: Spanset, trace: TraceSpans): Spanset {
  const { attributes } = given;
  const rights = spansOf(apply(right, [given], trace));
  // Nothing but `||` gives spans where the right has none.
  if (rights.length === 0 && operator !== '||') return { spans: [], attributes };
  const lefts = spansOf(apply(left, [given], trace));
  switch (operator) {
    case '&&':
      return { spans: lefts.length === 0 ? [] : union(lefts, rights), attributes };
    case '||':
      return { spans: union(lefts, rights), attributes };
    default:
      return { spans: trace.structure.select(operator, lefts, rights), attributes };
  }
}

/** A group for each value, in the order of their first spans; spans without one are a group too, nil. */
function groups({ expression }: GroupStage, { spans, attributes }: Spanset, trace: TraceSpans): Spanset[] {
  const key = `by(${printExpression(expression)})`;
  const found = new Map<string, { spans: number[]; attributes: readonly SpansetAttribute[] }>();
  for (const span of spans) {
    const value = evaluate(expression, trace.fields(span));
    const id = 'value' in value ? `${value.type} ${value.value}` : value.type;
    const group = found.get(id);
    if (group) group.spans.push(span);
    else found.set(id, { spans: [span], attributes: [...attributes, { key, value }] });
  }
  return [...found.values()];
}
