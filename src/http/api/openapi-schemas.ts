/** The answers of the API, as JSON Schema. */
import { FIGURE_SCHEMAS } from './openapi-figures.ts';
import { INGEST_SCHEMAS } from './openapi-ingest.ts';

const text = { type: 'string' };
const number = { type: 'number' };
const count = { type: 'integer', minimum: 0 };
const int64 = { type: 'string', pattern: '^-?\\d+$', description: 'A 64-bit integer' };
const id = (digits: number) => ({ type: 'string', pattern: `^[0-9a-f]{${digits}}$` });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const list = (items: object) => ({ type: 'array', items });

/** All properties required, no others, but the optional ones. */
function object(properties: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
    additionalProperties: false,
  };
}

const coverage = { complete: ref('Complete'), scanned: ref('Scanned'), tookMs: number };
const explain = { explain: ref('Explain') };
const nextCursor = { nextCursor: text, ...explain };

const figures = { count, errorCount: count, p50Nano: int64, p95Nano: int64, p99Nano: int64, maxNano: int64 };

export const SCHEMAS: Readonly<Record<string, object>> = {
  ...FIGURE_SCHEMAS,
  ...INGEST_SCHEMAS,
  Error: object({ error: object({ code: text, message: text }, { position: count }) }),
  Status: object({ code: { type: 'integer' }, message: text }),
  Scanned: object({
    partitions: count,
    files: count,
    rowGroups: count,
    rows: count,
    bytes: count,
    prunedFiles: count,
    prunedRowGroups: count,
    prunedBytes: count,
  }),
  AnyValue: {
    type: 'object',
    description: 'At most one of these; none is an empty value',
    maxProperties: 1,
    additionalProperties: false,
    properties: {
      stringValue: text,
      boolValue: { type: 'boolean' },
      intValue: int64,
      doubleValue: { oneOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }] },
      bytesValue: { type: 'string', contentEncoding: 'base64' },
      arrayValue: object({}, { values: list(ref('AnyValue')) }),
      kvlistValue: object({}, { values: list(ref('KeyValue')) }),
    },
  },
  KeyValue: object({ key: text, value: ref('AnyValue') }),
  Event: object({
    timeUnixNano: int64,
    name: text,
    attributes: list(ref('KeyValue')),
    droppedAttributesCount: count,
  }),
  Link: object({
    traceId: id(32),
    spanId: id(16),
    traceState: text,
    attributes: list(ref('KeyValue')),
    droppedAttributesCount: count,
    flags: count,
  }),
  Resource: object({ attributes: list(ref('KeyValue')), droppedAttributesCount: count, schemaUrl: text }),
  Scope: object({
    name: text,
    version: text,
    attributes: list(ref('KeyValue')),
    droppedAttributesCount: count,
    schemaUrl: text,
  }),
  Span: object({
    traceId: id(32),
    spanId: id(16),
    parentSpanId: { type: 'string', pattern: '^([0-9a-f]{16})?$', description: "'' for a root span" },
    traceState: text,
    flags: count,
    name: text,
    kind: {
      type: 'integer',
      description: '0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer',
    },
    serviceName: text,
    startTimeUnixNano: int64,
    endTimeUnixNano: int64,
    durationNano: { ...int64, description: 'End minus start; negative when the sender says so' },
    status: object({ code: { type: 'integer', description: '0 unset, 1 ok, 2 error' }, message: text }),
    attributes: list(ref('KeyValue')),
    droppedAttributesCount: count,
    events: list(ref('Event')),
    droppedEventsCount: count,
    links: list(ref('Link')),
    droppedLinksCount: count,
    resource: ref('Resource'),
    scope: ref('Scope'),
  }),
  TraceSummary: object(
    {
      traceId: id(32),
      rootServiceName: { ...text, description: "'' while the root span has not arrived" },
      rootName: text,
      startTimeUnixNano: int64,
      durationNano: int64,
      spanCount: count,
      errorCount: count,
      services: list(object({ name: text, spanCount: count, errorCount: count })),
      matchedCount: count,
      spans: list(ref('Span')),
    },
    {
      spansets: {
        ...list(ref('Spanset')),
        description:
          'Of a query that is more than one selector; `spans` are then those of all of them, each once',
      },
    },
  ),
  SpanPage: object({ spans: list(ref('Span')), ...coverage }, nextCursor),
  TracePage: object({ traces: list(ref('TraceSummary')), ...coverage }, nextCursor),
  Trace: object({ traceId: id(32), spans: list(ref('Span')), ...coverage }, explain),
  TraceOrOtlp: { oneOf: [ref('Trace'), ref('ExportTraceServiceRequest')] },
  Services: object({ services: list(object({ name: text, ...figures })), ...coverage }, explain),
  Operations: object(
    {
      service: text,
      operations: list(object({ name: text, kind: { type: 'integer' }, ...figures })),
      ...coverage,
    },
    explain,
  ),
  Attributes: object(
    {
      attributes: list(
        object({
          scope: { enum: ['span', 'resource', 'event', 'link', 'instrumentation', 'intrinsic'] },
          key: text,
          count,
        }),
      ),
      ...coverage,
    },
    explain,
  ),
  AttributeValues: object(
    {
      key: text,
      values: list(
        object({
          type: { enum: ['string', 'bool', 'int', 'double', 'duration', 'keyword'] },
          value: text,
          count,
        }),
      ),
      ...coverage,
    },
    explain,
  ),
  Storage: object(
    {
      writable: { type: 'boolean' },
      reason: { ...text, description: "Why it takes no writes; '' while it does" },
      bufferRows: count,
      bufferBytes: count,
      logBytes: count,
      logAgeSeconds: number,
      lastFsyncMs: number,
      lastFsyncAt: { ...count, description: 'Unix milliseconds; 0 before the first' },
      files: count,
      fileRows: count,
      fileBytes: count,
      indexBytes: count,
      compactionDebtFiles: { ...count, description: 'Files that wait to be merged' },
      compactionDebtRows: count,
      compactions: { ...count, description: 'Since the start, as the next ones' },
      compactedRows: count,
      duplicateSpans: { ...count, description: 'Spans that came again and were dropped by compaction' },
      duplicateRequests: { ...count, description: 'Requests that came again and changed nothing' },
      quarantinedFiles: { ...count, description: 'Damaged files of all projects, which no answer uses' },
      quarantined: list(object({ path: text, reason: text })),
      diskFreeBytes: count,
      diskTotalBytes: count,
      diskReserveBytes: { ...count, description: 'Writes are refused while less is free' },
      retentionPaused: { ...text, description: "Why retention waits; '' when it does not" },
      lastProblem: text,
      project: object(
        { projectId: text, files: count, rows: count, bytes: count },
        { oldestUnixNano: int64, newestUnixNano: int64 },
      ),
    },
    { daysLeft: { ...number, description: 'Until the disk is full at the present pace' } },
  ),
  Retention: object({
    rules: list(object({ query: text, maxAge: { ...text, description: 'As `30d` or `36h`' } })),
    maxBytes: { oneOf: [{ ...count, minimum: 1 }, { type: 'null' }] },
  }),
  Pins: object({ pins: list(object({ traceId: id(32), pinnedAt: count, note: text })) }),
  Pinned: object({ traceId: id(32), pinned: { type: 'boolean' } }),
  Deletion: object(
    {
      spans: count,
      bytes: { type: 'integer', description: 'By which the files shrank' },
    },
    {
      quarantined: {
        ...list(text),
        description: 'Damaged files that no answer uses: they were not touched, and may hold such spans',
      },
    },
  ),
  Audit: object({
    entries: list(
      object({
        id: count,
        at: { ...text, description: 'RFC 3339' },
        action: {
          enum: [
            'delete trace',
            'delete spans',
            'retention',
            'size',
            'pin',
            'unpin',
            'repair',
            'create project',
            'create token',
            'revoke token',
          ],
        },
        actor: { ...text, description: "A token's id; `local` while there are no tokens; `retention`" },
        detail: text,
        spans: count,
        bytes: { type: 'integer' },
      }),
    ),
  }),
  ExportTraceServiceRequest: {
    type: 'object',
    description: 'OTLP/JSON, opentelemetry.proto.collector.trace.v1',
    required: ['resourceSpans'],
    properties: { resourceSpans: list({ type: 'object' }) },
    additionalProperties: false,
  },
  ExportTraceServiceResponse: object(
    {},
    { partialSuccess: object({}, { rejectedSpans: int64, errorMessage: text }) },
  ),
};
