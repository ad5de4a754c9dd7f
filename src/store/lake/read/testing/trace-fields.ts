/** Test support: whole spans as TraceQL sees them, with what it asks of their trace: parents, root, nested sets. */
import type { Attribute, Span } from '../../../../span/span.ts';
import type { Intrinsic, Static } from '../../../../traceql/ast.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { TraceStructure, linkSpans } from '../../../../traceql/structure.ts';
import { kindStatics, statusStatics } from '../scan/block-row.ts';
import { traceDuration } from '../search/trace-duration.ts';

/** What a span can be asked of the others. All spans of one trace. */
export class TraceContext {
  readonly structure: TraceStructure;
  readonly #indices: ReadonlyMap<Span, number>;
  readonly root: Span | undefined;
  readonly durationNano: bigint;

  /** `spans` in order of start. */
  constructor(readonly spans: readonly Span[]) {
    const wordsOf = (ids: readonly string[]): Uint32Array =>
      Uint32Array.from(ids.flatMap((id) => [parseInt(id.slice(0, 8), 16), parseInt(id.slice(8), 16)]));
    const ids = wordsOf(spans.map(({ spanId }) => spanId));
    const parentIds = wordsOf(spans.map(({ parentSpanId }) => parentSpanId || NO_PARENT));
    this.structure = new TraceStructure(linkSpans(ids, parentIds));
    this.#indices = new Map(spans.map((span, i) => [span, i]));
    this.root = spans.find(({ parentSpanId }) => parentSpanId === '');
    this.durationNano = traceDuration(spans);
  }

  indexOf(span: Span): number {
    return this.#indices.get(span) ?? -1;
  }
}

const NO_PARENT = '0'.repeat(16);

type AttributeScopeHere = Parameters<FieldSource['attribute']>[0];

export class SpanFields implements FieldSource {
  /** `span`: one of the trace's. */
  constructor(
    readonly span: Span,
    readonly trace: TraceContext,
  ) {}

  #asked(parent: boolean): number {
    const at = this.trace.indexOf(this.span);
    return parent ? this.trace.structure.links.parents[at] : at;
  }

  attribute(scope: AttributeScopeHere, key: string, parent: boolean): readonly Static[] {
    const at = this.#asked(parent);
    if (at < 0) return [];
    const span = this.trace.spans[at];
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
    return at < 0 ? [] : this.#intrinsicOf(at, name);
  }

  #intrinsicOf(at: number, name: Intrinsic): readonly Static[] {
    const { trace } = this;
    const { structure } = trace;
    const span = trace.spans[at];
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
        return kindStatics(span.kind);
      case 'span:status':
        return statusStatics(span.statusCode);
      case 'span:statusMessage':
        return text(span.statusMessage);
      case 'span:duration':
        return [{ type: 'duration', value: span.durationNano }];
      case 'span:childCount':
        return int(structure.childCount(at));
      case 'trace:id':
        return text(span.traceId);
      case 'trace:duration':
        return [{ type: 'duration', value: trace.durationNano }];
      case 'trace:rootName':
        return trace.root ? text(trace.root.name) : [];
      case 'trace:rootService':
        return trace.root ? text(trace.root.serviceName) : [];
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
