/**
 * Records one trace in pretended time: a scenario is plain nested calls, and each span's cursor moves
 * as its work and its children take time.
 */
import type { Attribute, Scope, Span, SpanEvent, SpanLink } from '../span/span.ts';
import { STATUS_ERROR } from '../span/span.ts';
import { toAttributes } from './attributes.ts';
import type { PlainAttributes } from './attributes.ts';
import { Failure, exceptionAttributes } from './failure.ts';
import type { Random } from './random.ts';
import type { Instance } from './services.ts';

export const INTERNAL = 1;
export const SERVER = 2;
export const CLIENT = 3;
export const PRODUCER = 4;
export const CONSUMER = 5;

const NANOS_PER_MS = 1_000_000;
/** W3C sampled; then OTLP's bits 8 (we know whether the parent is remote) and 9 (it is). */
const FLAGS_LOCAL_PARENT = 0x101;
const FLAGS_REMOTE_PARENT = 0x301;

export interface SpanSpec {
  readonly name: string;
  readonly kind: number;
  readonly scope: Scope;
  readonly attributes?: PlainAttributes;
  readonly links?: readonly SpanLink[];
}

/** How much of what the SDK saw it left out: its limits are 128 attributes, events and links a span. */
export interface Dropped {
  readonly attributes?: number;
  readonly events?: number;
  readonly links?: number;
}

export class TraceRecorder {
  readonly traceId: string;
  readonly spans: Span[] = [];

  constructor(
    readonly random: Random,
    readonly startUnixNano: bigint,
    readonly traceState: string,
  ) {
    this.traceId = random.hex(16);
  }

  /** Runs the root span. A failure that reaches it ends here. */
  root(instance: Instance, spec: SpanSpec, body: (span: ActiveSpan) => void): void {
    const span = new ActiveSpan(this, instance, spec, '', 0);
    try {
      span.run(body);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
}

export class ActiveSpan {
  readonly spanId: string;
  /** Nanoseconds since the trace's start: where this span's own time has come to. */
  at: number;
  readonly #start: number;
  readonly #spec: SpanSpec;
  readonly #attributes = new Map<string, Attribute>();
  readonly #events: SpanEvent[] = [];
  #statusCode = 0;
  #statusMessage = '';
  #dropped: Dropped = {};

  constructor(
    readonly trace: TraceRecorder,
    readonly instance: Instance,
    spec: SpanSpec,
    readonly parentSpanId: string,
    start: number,
  ) {
    this.spanId = trace.random.hex(8);
    this.#spec = spec;
    this.#start = start;
    this.at = start;
    this.set(spec.attributes ?? {});
  }

  get random(): Random {
    return this.trace.random;
  }

  set(attributes: PlainAttributes): void {
    for (const attribute of toAttributes(attributes)) this.#attributes.set(attribute.key, attribute);
  }

  event(name: string, attributes: PlainAttributes): void {
    const timeUnixNano = this.trace.startUnixNano + BigInt(this.at);
    this.#events.push({
      timeUnixNano,
      name,
      attributes: toAttributes(attributes),
      droppedAttributesCount: 0,
    });
  }

  /** Time passes in this span itself. */
  work(medianMs: number, sigma = 0.5): void {
    this.at += Math.max(1000, Math.round(this.random.logNormal(medianMs, sigma) * NANOS_PER_MS));
  }

  status(code: 0 | 1 | 2, message = ''): void {
    this.#statusCode = code;
    this.#statusMessage = message;
  }

  drop(dropped: Dropped): void {
    this.#dropped = dropped;
  }

  /** A child that this span waits for; `instance` is the callee's when the child is its server span. */
  child(spec: SpanSpec, body: (span: ActiveSpan) => void, instance = this.instance): void {
    const span = new ActiveSpan(this.trace, instance, spec, this.spanId, this.at);
    try {
      span.run(body);
    } finally {
      this.at = span.at;
    }
  }

  /** A child that this span does not wait for: it may outlive it, and its failure is its own. */
  background(spec: SpanSpec, body: (span: ActiveSpan) => void): void {
    const before = this.at;
    try {
      this.child({ ...spec, attributes: { ...spec.attributes, 'app.background': true } }, body);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    this.at = before;
  }

  /** Branches that start together; the span goes on when the last has ended. The first failure counts. */
  together(branches: readonly (() => void)[]): void {
    const start = this.at;
    let end = start;
    let failure: Failure | undefined;
    for (const branch of branches) {
      this.at = start;
      try {
        branch();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failure ??= error;
      }
      end = Math.max(end, this.at);
    }
    this.at = end;
    if (failure !== undefined) throw failure;
  }

  run(body: (span: ActiveSpan) => void): void {
    try {
      body(this);
    } catch (error) {
      if (error instanceof Failure) this.#record(error);
      throw error;
    } finally {
      this.trace.spans.push(this.#finish());
    }
  }

  /** The span where a failure began carries the exception; those that it passes carry the status. */
  #record(failure: Failure): void {
    if (!failure.recorded) {
      failure.recorded = true;
      this.event('exception', exceptionAttributes(failure, this.instance.service));
    }
    if (this.#spec.kind === SERVER && failure.httpStatus < 500) return;
    this.status(STATUS_ERROR, failure.message);
    if (!this.#attributes.has('error.type')) this.set({ 'error.type': failure.type });
  }

  #finish(): Span {
    const remote = this.#spec.kind === SERVER && this.parentSpanId !== '';
    return {
      traceId: this.trace.traceId,
      spanId: this.spanId,
      parentSpanId: this.parentSpanId,
      traceState: this.trace.traceState,
      name: this.#spec.name,
      kind: this.#spec.kind,
      startTimeUnixNano: this.trace.startUnixNano + BigInt(this.#start),
      durationNano: BigInt(this.at - this.#start),
      statusCode: this.#statusCode,
      statusMessage: this.#statusMessage,
      flags: remote ? FLAGS_REMOTE_PARENT : FLAGS_LOCAL_PARENT,
      attributes: [...this.#attributes.values()],
      droppedAttributesCount: this.#dropped.attributes ?? 0,
      events: this.#events,
      droppedEventsCount: this.#dropped.events ?? 0,
      links: this.#spec.links ?? [],
      droppedLinksCount: this.#dropped.links ?? 0,
      serviceName: this.instance.service.name,
      resource: this.instance.resource,
      scope: this.#spec.scope,
    };
  }
}
