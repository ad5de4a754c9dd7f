/** TraceQL asked of one trace that is in memory: which of its spans are in the answer. */
import { inSteps, sortedPlaces } from '../../trace/steps.ts';
import type { Steps } from '../../trace/steps.ts';
import type { Marks } from '../../trace/matches.ts';
import type { Timing } from '../../trace/timing.ts';
import type { TraceTree } from '../../trace/tree.ts';
import type { SpansetExpression, SpansetFilter } from '../../traceql/ast.ts';
import { TraceqlError } from '../../traceql/error.ts';
import { matches } from '../../traceql/evaluate.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { isMetrics } from '../../traceql/query.ts';
import { spansOf } from '../../traceql/spanset.ts';
import { spansetsOf } from '../../traceql/spansets.ts';
import { SpanFields, WholeTrace } from '../../traceql/trace-fields.ts';

/** Throws TraceqlError for a text that is no query for spans. */
export async function queryMarks(
  tree: TraceTree,
  timing: Timing,
  text: string,
  pause: () => Promise<unknown>,
): Promise<Marks> {
  const { expression } = parseQuery(text);
  if (isMetrics(expression)) {
    throw new TraceqlError(expression.position, 'a metrics function', 'a query for spans');
  }
  return inSteps(querySteps(tree, timing, expression), pause);
}

/** A condition takes some 1 µs a span: a step takes some 2 ms. */
const STEP = 2_000;

function* querySteps(tree: TraceTree, { starts }: Timing, expression: SpansetExpression): Steps<Marks> {
  // A trace is asked in order of start.
  const places = yield* sortedPlaces(starts.length, (a, b) => starts[a] - starts[b]);
  const nodes = Array.from(places, (place) => tree.nodes[place]);
  yield;
  const spans = nodes.map(({ span }) => span);
  const trace = new WholeTrace(spans, tree.endUnixNano - tree.startUnixNano);
  yield;
  // Asked beforehand, so that what is asked at once later is only looked up.
  const known = new Map<SpansetFilter, Uint8Array>();
  for (const filter of filtersOf(expression)) {
    const answers = new Uint8Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      if (i % STEP === STEP - 1) yield;
      if (matches(filter.condition, new SpanFields(trace, i))) answers[i] = 1;
    }
    known.set(filter, answers);
  }
  const spansets = spansetsOf(expression, {
    count: nodes.length,
    structure: trace.structure,
    inRange: () => true,
    matches: (filter, i) =>
      known.has(filter) ? known.get(filter)?.[i] === 1 : matches(filter.condition, new SpanFields(trace, i)),
    fields: (i) => new SpanFields(trace, i),
  });
  yield;
  const marks = new Uint8Array(nodes.length);
  for (const i of spansOf(spansets)) marks[nodes[i].index] = 1;
  return marks;
}

/** Those that every span is asked. What stands in aggregates is asked of what is left. */
function filtersOf(expression: SpansetExpression): SpansetFilter[] {
  switch (expression.kind) {
    case 'filter':
      return [expression];
    case 'operation':
      return [...filtersOf(expression.left), ...filtersOf(expression.right)];
    case 'pipeline': {
      const [first] = expression.stages;
      return first.kind === 'filter' || first.kind === 'operation' ? filtersOf(first) : [];
    }
    case 'scalar filter':
      return [];
  }
}
