/** The API's answers as far as `spanlake query` reads them; what they are is in openapi-schemas.ts. */
import type { Coverage } from '../store/span-store.ts';

export interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
}

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

interface WithAttributes {
  readonly attributes: readonly KeyValue[];
}

export interface SpanAnswer extends WithAttributes {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly serviceName: string;
  readonly startTimeUnixNano: string;
  readonly durationNano: string;
  readonly status: { readonly code: number; readonly message: string };
  readonly events: readonly WithAttributes[];
  readonly links: readonly WithAttributes[];
  readonly resource: WithAttributes;
  readonly scope: WithAttributes;
}

export interface TraceAnswer {
  readonly traceId: string;
  readonly rootServiceName: string;
  readonly rootName: string;
  readonly startTimeUnixNano: string;
  readonly durationNano: string;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly matchedCount: number;
  readonly services: readonly { readonly name: string }[];
  readonly spansets?: readonly { readonly attributes: readonly KeyValue[]; readonly matchedCount: number }[];
}

export interface SeriesAnswer {
  readonly labels: readonly KeyValue[];
  readonly samples: readonly (number | null)[];
}

export type Covered = Pick<Coverage, 'complete' | 'tookMs' | 'explain'>;

/** A page of `/spans` or `/traces`. */
export interface PageAnswer extends Covered {
  readonly spans?: readonly SpanAnswer[];
  readonly traces?: readonly TraceAnswer[];
  readonly nextCursor?: string;
}

export interface MetricsAnswer extends Covered {
  readonly startUnixNano: string;
  readonly stepNano: string;
  readonly buckets: number;
  readonly series: readonly SeriesAnswer[];
}

/** A value as one text; '' for none. */
export function valueText(value: AnyValue | undefined): string {
  if (value === undefined) return '';
  const { stringValue, boolValue, intValue, doubleValue, bytesValue } = value;
  const scalar = stringValue ?? intValue ?? bytesValue ?? boolValue ?? doubleValue;
  if (scalar !== undefined) return String(scalar);
  return value.arrayValue === undefined && value.kvlistValue === undefined
    ? ''
    : JSON.stringify(plain(value));
}

function plain(value: AnyValue): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value.kvlistValue !== undefined) {
    return Object.fromEntries((value.kvlistValue.values ?? []).map((one) => [one.key, plain(one.value)]));
  }
  return (
    value.stringValue ?? value.intValue ?? value.bytesValue ?? value.boolValue ?? value.doubleValue ?? null
  );
}

/** What a field of `select(...)` is for a span: `span.x`, `resource.x`, or `x` of the span, else its resource. */
export function attributeText(span: SpanAnswer, field: string): string {
  const [scope, key] = split(field);
  const found = listsOf(span, scope).flatMap(({ attributes }) => attributes.filter((one) => one.key === key));
  return scope === 'event' || scope === 'link'
    ? found.map(({ value }) => valueText(value)).join(', ')
    : valueText(found[0]?.value);
}

const SCOPES = ['span', 'resource', 'event', 'link', 'instrumentation'] as const;
type Scope = (typeof SCOPES)[number];

function split(field: string): [Scope | undefined, string] {
  const scope = SCOPES.find((one) => field.startsWith(`${one}.`));
  return scope === undefined ? [undefined, field] : [scope, field.slice(scope.length + 1)];
}

function listsOf(span: SpanAnswer, scope: Scope | undefined): readonly WithAttributes[] {
  switch (scope) {
    case undefined:
      return [span, span.resource];
    case 'span':
      return [span];
    case 'resource':
      return [span.resource];
    case 'instrumentation':
      return [span.scope];
    case 'event':
      return span.events;
    case 'link':
      return span.links;
  }
}
