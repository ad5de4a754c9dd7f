/** Spans and traces as the API writes them: OTLP/JSON's shape and names, 64-bit integers as decimal strings. */
import { attributeToJson } from '../../otlp/encode.ts';
import type { Attribute, Span, SpanEvent, SpanLink } from '../../span/span.ts';
import type { Coverage, OperationStats, SpansetSummary, TraceSummary } from '../../store/span-store.ts';
import { labelsJson } from './static-json.ts';

type Json = Record<string, unknown>;

/** Which attributes are wanted; undefined for all. */
export type Select = ReadonlySet<string> | undefined;

export function spanJson(span: Span, select: Select): Json {
  const end = BigInt.asUintN(64, span.startTimeUnixNano + span.durationNano);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    traceState: span.traceState,
    flags: span.flags,
    name: span.name,
    kind: span.kind,
    serviceName: span.serviceName,
    startTimeUnixNano: span.startTimeUnixNano.toString(),
    endTimeUnixNano: end.toString(),
    durationNano: span.durationNano.toString(),
    status: { code: span.statusCode, message: span.statusMessage },
    attributes: attributesJson(span.attributes, 'span', select),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event) => eventJson(event, select)),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((link) => linkJson(link, select)),
    droppedLinksCount: span.droppedLinksCount,
    resource: {
      attributes: attributesJson(span.resource.attributes, 'resource', select),
      droppedAttributesCount: span.resource.droppedAttributesCount,
      schemaUrl: span.resource.schemaUrl,
    },
    scope: {
      name: span.scope.name,
      version: span.scope.version,
      attributes: attributesJson(span.scope.attributes, 'instrumentation', select),
      droppedAttributesCount: span.scope.droppedAttributesCount,
      schemaUrl: span.scope.schemaUrl,
    },
  };
}

function attributesJson(attributes: readonly Attribute[], scope: string, select: Select): Json[] {
  const wanted =
    select === undefined
      ? attributes
      : attributes.filter(
          ({ key }) => select.has(key) || select.has(`.${key}`) || select.has(`${scope}.${key}`),
        );
  return wanted.map(attributeToJson);
}

function eventJson(event: SpanEvent, select: Select): Json {
  return {
    timeUnixNano: event.timeUnixNano.toString(),
    name: event.name,
    attributes: attributesJson(event.attributes, 'event', select),
    droppedAttributesCount: event.droppedAttributesCount,
  };
}

function linkJson(link: SpanLink, select: Select): Json {
  return {
    traceId: link.traceId,
    spanId: link.spanId,
    traceState: link.traceState,
    attributes: attributesJson(link.attributes, 'link', select),
    droppedAttributesCount: link.droppedAttributesCount,
    flags: link.flags,
  };
}

export function summaryJson(trace: TraceSummary, select: Select): Json {
  return {
    traceId: trace.traceId,
    rootServiceName: trace.rootServiceName,
    rootName: trace.rootName,
    startTimeUnixNano: trace.startTimeUnixNano.toString(),
    durationNano: trace.durationNano.toString(),
    spanCount: trace.spanCount,
    errorCount: trace.errorCount,
    services: trace.services,
    matchedCount: trace.matchedCount,
    spans: trace.matched.map((span) => spanJson(span, select)),
    ...(trace.spansets === undefined
      ? {}
      : { spansets: trace.spansets.map((spanset) => spansetJson(spanset, select)) }),
  };
}

function spansetJson({ attributes, matchedCount, matched }: SpansetSummary, select: Select): Json {
  return {
    attributes: labelsJson(attributes),
    matchedCount,
    spans: matched.map((span) => spanJson(span, select)),
  };
}

export function statsJson(stats: OperationStats): Json {
  return {
    count: stats.count,
    errorCount: stats.errorCount,
    p50Nano: stats.p50Nano.toString(),
    p95Nano: stats.p95Nano.toString(),
    p99Nano: stats.p99Nano.toString(),
    maxNano: stats.maxNano.toString(),
  };
}

/** What an answer covers, at the end of each; and how it was come by, where that was asked for. */
export function coverageJson({ complete, scanned, tookMs, explain }: Coverage, nextCursor?: string): Json {
  return {
    complete,
    scanned,
    tookMs: Math.round(tookMs * 100) / 100,
    ...(explain === undefined ? {} : { explain }),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  };
}
