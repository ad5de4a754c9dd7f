/** Whole spans as TraceQL sees them, with what it asks of their trace: parents, root, nested sets. */
import type { Attribute, Span } from '../../../span/span.ts';
import type { Intrinsic, Static } from '../../../traceql/ast.ts';
import { staticsOf } from '../../../traceql/compare.ts';
import type { FieldSource } from '../../../traceql/evaluate.ts';
import { kindStatics, statusStatics } from './block-row.ts';

interface NestedSet {
  readonly left: number;
  right: number;
  /** -1 for a root. */
  readonly parent: number;
}

/** An orphan's place is not known: 0, as in Tempo. */
const NOWHERE: NestedSet = { left: 0, right: 0, parent: 0 };

/** What a span can be asked of the others. All spans of one trace. */
export class TraceContext {
  readonly #byId = new Map<string, Span>();
  readonly #children = new Map<string, Span[]>();
  readonly #nested = new Map<Span, NestedSet>();
  readonly root: Span | undefined;
  readonly durationNano: bigint;

  /** `spans` in order of start. */
  constructor(spans: readonly Span[]) {
    for (const span of spans) {
      if (!this.#byId.has(span.spanId)) this.#byId.set(span.spanId, span);
      const siblings = this.#children.get(span.parentSpanId);
      if (siblings) siblings.push(span);
      else this.#children.set(span.parentSpanId, [span]);
    }
    const roots = this.#children.get('') ?? [];
    this.root = roots[0];
    this.durationNano = traceDuration(spans);
    this.#number(roots);
  }

  parentOf(span: Span): Span | undefined {
    return span.parentSpanId === '' ? undefined : this.#byId.get(span.parentSpanId);
  }

  childCount(span: Span): number {
    return this.#children.get(span.spanId)?.length ?? 0;
  }

  nestedSet(span: Span): NestedSet {
    return this.#nested.get(span) ?? NOWHERE;
  }

  /** Depth first without recursion: a trace may be as deep as it is long. */
  #number(roots: readonly Span[]): void {
    let number = 1;
    const open: { span: Span; set: NestedSet; next: number }[] = [];
    const enter = (span: Span, parent: number) => {
      if (this.#nested.has(span)) return;
      const set: NestedSet = { left: number++, right: 0, parent };
      this.#nested.set(span, set);
      open.push({ span, set, next: 0 });
    };
    for (const root of roots) {
      enter(root, -1);
      for (let top = open.at(-1); top; top = open.at(-1)) {
        const child = this.#children.get(top.span.spanId)?.[top.next++];
        if (child) enter(child, top.set.left);
        else {
          top.set.right = number++;
          open.pop();
        }
      }
    }
  }
}

const MAX_INT64 = (1n << 63n) - 1n;

/** Last end minus first start; more than 292 years, either way, are 292 years. */
export function traceDuration(
  spans: readonly { readonly startTimeUnixNano: bigint; readonly durationNano: bigint }[],
): bigint {
  if (spans.length === 0) return 0n;
  let first = spans[0].startTimeUnixNano;
  let last = 0n;
  for (const { startTimeUnixNano, durationNano } of spans) {
    const end = BigInt.asUintN(64, startTimeUnixNano + durationNano);
    if (startTimeUnixNano < first) first = startTimeUnixNano;
    if (end > last) last = end;
  }
  const duration = last - first;
  if (duration > MAX_INT64) return MAX_INT64;
  return duration < -MAX_INT64 ? -MAX_INT64 : duration;
}

type AttributeScopeHere = Parameters<FieldSource['attribute']>[0];

export class SpanFields implements FieldSource {
  constructor(
    readonly span: Span,
    readonly trace: TraceContext,
  ) {}

  attribute(scope: AttributeScopeHere, key: string, parent: boolean): readonly Static[] {
    const span = parent ? this.trace.parentOf(this.span) : this.span;
    if (!span) return [];
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
    const span = parent ? this.trace.parentOf(this.span) : this.span;
    return span ? this.#intrinsicOf(span, name) : [];
  }

  #intrinsicOf(span: Span, name: Intrinsic): readonly Static[] {
    const { trace } = this;
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
        return int(trace.childCount(span));
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
        return int(trace.nestedSet(span).left);
      case 'nestedSetRight':
        return int(trace.nestedSet(span).right);
      case 'nestedSetParent':
        return int(trace.nestedSet(span).parent);
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
