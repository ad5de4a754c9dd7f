/** The whole spans of one trace as TraceQL sees them, with what it asks of their trace: parents, root, nested sets. */
import type { Attribute, Span } from '../span/span.ts';
import type { Intrinsic, Static } from './ast.ts';
import { staticsOf } from './compare.ts';
import type { FieldSource } from './evaluate.ts';
import { kindStatics, statusStatics } from './keywords.ts';
import { TraceStructure, linkSpans } from './structure.ts';

/** What a span can be asked of the others. */
export class WholeTrace {
  readonly structure: TraceStructure;
  readonly root: Span | undefined;

  /** `spans` in order of start. */
  constructor(
    readonly spans: readonly Span[],
    readonly durationNano: bigint,
  ) {
    const ids = words(spans, (span) => span.spanId);
    const parentIds = words(spans, (span) => span.parentSpanId || NO_PARENT);
    this.structure = new TraceStructure(linkSpans(ids, parentIds));
    this.root = spans.find(({ parentSpanId }) => parentSpanId === '');
  }
}

const NO_PARENT = '0'.repeat(16);

function words(spans: readonly Span[], idOf: (span: Span) => string): Uint32Array {
  const ids = new Uint32Array(spans.length * 2);
  for (let i = 0; i < spans.length; i++) {
    const id = idOf(spans[i]);
    ids[i * 2] = parseInt(id.slice(0, 8), 16);
    ids[i * 2 + 1] = parseInt(id.slice(8), 16);
  }
  return ids;
}

export class SpanFields implements FieldSource {
  /** `at`: place of the span in its trace. */
  constructor(
    readonly trace: WholeTrace,
    readonly at: number,
  ) {}

  attribute(scope: Parameters<FieldSource['attribute']>[0], key: string, parent: boolean): readonly Static[] {
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
    return at < 0 ? [] : intrinsicOf(this.trace, at, name);
  }

  #asked(parent: boolean): number {
    return parent ? this.trace.structure.links.parents[this.at] : this.at;
  }
}

function intrinsicOf(
  { spans, structure, root, durationNano }: WholeTrace,
  at: number,
  name: Intrinsic,
): readonly Static[] {
  const span = spans[at];
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
      return [{ type: 'duration', value: durationNano }];
    case 'trace:rootName':
      return root ? text(root.name) : [];
    case 'trace:rootService':
      return root ? text(root.serviceName) : [];
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
