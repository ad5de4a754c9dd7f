/** TraceQL asked of one trace that is in memory: which of its spans are in the answer. */
import type { Attribute } from '../../span/span.ts';
import { inSteps, sortedPlaces } from '../../trace/steps.ts';
import type { Steps } from '../../trace/steps.ts';
import type { Marks } from '../../trace/matches.ts';
import type { Timing } from '../../trace/timing.ts';
import type { TraceNode, TraceTree } from '../../trace/tree.ts';
import type { Intrinsic, SpansetExpression, SpansetFilter, Static } from '../../traceql/ast.ts';
import { staticsOf } from '../../traceql/compare.ts';
import { TraceqlError } from '../../traceql/error.ts';
import { matches } from '../../traceql/evaluate.ts';
import type { FieldSource } from '../../traceql/evaluate.ts';
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../traceql/keywords.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { isMetrics } from '../../traceql/query.ts';
import { spansOf } from '../../traceql/spanset.ts';
import { spansetsOf } from '../../traceql/spansets.ts';
import { TraceStructure, linkSpans } from '../../traceql/structure.ts';

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
  const trace = new NodesAsTrace(tree, nodes);
  yield;
  // Asked beforehand, so that what is asked at once later is only looked up.
  const known = new Map<SpansetFilter, Uint8Array>();
  for (const filter of filtersOf(expression)) {
    const answers = new Uint8Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      if (i % STEP === STEP - 1) yield;
      if (matches(filter.condition, new NodeFields(trace, i))) answers[i] = 1;
    }
    known.set(filter, answers);
  }
  const spansets = spansetsOf(expression, {
    count: nodes.length,
    structure: trace.structure,
    inRange: () => true,
    matches: (filter, i) =>
      known.has(filter) ? known.get(filter)?.[i] === 1 : matches(filter.condition, new NodeFields(trace, i)),
    fields: (i) => new NodeFields(trace, i),
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

const NO_PARENT = '0'.repeat(16);

class NodesAsTrace {
  readonly structure: TraceStructure;
  readonly durationNano: bigint;
  readonly root: TraceNode | undefined;

  constructor(
    tree: TraceTree,
    readonly nodes: readonly TraceNode[],
  ) {
    this.structure = new TraceStructure(
      linkSpans(
        words(nodes, (node) => node.span.spanId),
        words(nodes, (node) => node.span.parentSpanId || NO_PARENT),
      ),
    );
    this.durationNano = tree.endUnixNano - tree.startUnixNano;
    this.root = nodes.find(({ span }) => span.parentSpanId === '');
  }
}

function words(nodes: readonly TraceNode[], idOf: (node: TraceNode) => string): Uint32Array {
  const ids = new Uint32Array(nodes.length * 2);
  for (let i = 0; i < nodes.length; i++) {
    const id = idOf(nodes[i]);
    ids[i * 2] = parseInt(id.slice(0, 8), 16);
    ids[i * 2 + 1] = parseInt(id.slice(8), 16);
  }
  return ids;
}

class NodeFields implements FieldSource {
  constructor(
    readonly trace: NodesAsTrace,
    readonly at: number,
  ) {}

  attribute(scope: Parameters<FieldSource['attribute']>[0], key: string, parent: boolean): readonly Static[] {
    const at = this.#asked(parent);
    if (at < 0) return [];
    const { span } = this.trace.nodes[at];
    switch (scope) {
      case 'span':
        return valuesOf(span.attributes, key);
      case 'resource':
        return valuesOf(span.resource.attributes, key);
      case 'instrumentation':
        return valuesOf(span.scope.attributes, key);
      case 'event':
        return span.events.flatMap((event) => valuesOf(event.attributes, key));
      case 'link':
        return span.links.flatMap((link) => valuesOf(link.attributes, key));
    }
  }

  intrinsic(name: Intrinsic, parent: boolean): readonly Static[] {
    const at = this.#asked(parent);
    return at < 0 ? [] : intrinsicOf(this.trace, at, name);
  }

  #asked(parent: boolean): number {
    return parent ? this.trace.structure.links.parents[this.at] : this.at;
  }
}

function intrinsicOf(trace: NodesAsTrace, at: number, name: Intrinsic): readonly Static[] {
  const { structure, root, durationNano } = trace;
  const { span } = trace.nodes[at];
  switch (name) {
    case 'span:id':
      return text(span.spanId);
    case 'span:parentID':
      return text(span.parentSpanId);
    case 'span:parent':
      return span.parentSpanId === '' ? [] : [{ type: 'opaque' }];
    case 'span:name':
      return text(span.name);
    case 'span:kind':
      return span.kind < KIND_KEYWORDS.length ? [{ type: 'kind', value: KIND_KEYWORDS[span.kind] }] : [];
    case 'span:status':
      return span.statusCode < STATUS_KEYWORDS.length
        ? [{ type: 'status', value: STATUS_KEYWORDS[span.statusCode] }]
        : [];
    case 'span:statusMessage':
      return text(span.statusMessage);
    case 'span:duration':
      return [{ type: 'duration', value: span.durationNano }];
    case 'span:childCount':
      return int(structure.childCount(at));
    case 'trace:id':
      return text(span.traceId);
    case 'trace:duration':
      return [{ type: 'duration', value: durationNano }];
    case 'trace:rootName':
      return root ? text(root.span.name) : [];
    case 'trace:rootService':
      return root ? text(root.span.serviceName) : [];
    case 'event:name':
      return span.events.map((event) => ({ type: 'string', value: event.name }));
    case 'event:timeSinceStart':
      return span.events.map(({ timeUnixNano }) => ({
        type: 'duration',
        value: BigInt.asIntN(64, timeUnixNano - span.startTimeUnixNano),
      }));
    case 'link:traceID':
      return span.links.flatMap((link) => text(link.traceId));
    case 'link:spanID':
      return span.links.flatMap((link) => text(link.spanId));
    case 'instrumentation:name':
      return text(span.scope.name);
    case 'instrumentation:version':
      return text(span.scope.version);
    case 'nestedSetLeft':
      return int(structure.nestedSets.left[at]);
    case 'nestedSetRight':
      return int(structure.nestedSets.right[at]);
    case 'nestedSetParent':
      return int(structure.nestedSets.parent[at]);
  }
}

function valuesOf(attributes: readonly Attribute[], key: string): readonly Static[] {
  const attribute = attributes.find((each) => each.key === key);
  return attribute ? staticsOf(attribute.value) : [];
}

function text(value: string): readonly Static[] {
  return [{ type: 'string', value }];
}

function int(value: number): readonly Static[] {
  return [{ type: 'int', value: BigInt(value) }];
}
