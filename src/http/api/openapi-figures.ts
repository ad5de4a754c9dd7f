/** What the routes of figures.ts answer, as JSON Schema, and how they are described. */

const text = { type: 'string' };
const number = { type: 'number' };
const count = { type: 'integer', minimum: 0 };
const int64 = { type: 'string', pattern: '^-?\\d+$', description: 'A 64-bit integer' };
const unixNano = { ...int64, description: 'Unix nanoseconds' };
const id = (digits: number) => ({ type: 'string', pattern: `^[0-9a-f]{${digits}}$` });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const list = (items: object, description?: string) =>
  description === undefined ? { type: 'array', items } : { type: 'array', items, description };
/** NaN and infinities, which JSON has no number for, are null. */
const numberOrNull = { type: ['number', 'null'] };

function object(properties: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
    additionalProperties: false,
  };
}

const valueType = { enum: ['string', 'bool', 'int', 'double', 'duration', 'keyword'] };
const pruned = { type: 'object', additionalProperties: count, description: 'By reason' };
const pruneCount = object({ considered: count, read: count, pruned });

/** What an answer covers, at the end of each. */
const coverage: readonly [Record<string, object>, Record<string, object>] = [
  { complete: ref('Complete'), scanned: ref('Scanned'), tookMs: number },
  { explain: ref('Explain') },
];

function answer(properties: Record<string, object>): object {
  return object({ ...properties, ...coverage[0] }, coverage[1]);
}

export const FIGURE_SCHEMAS: Readonly<Record<string, object>> = {
  Label: {
    ...object({ key: text, value: ref('AnyValue') }),
    description:
      "A duration is a text as TraceQL writes it, `1.5s`; `{}` says that there is no such field (TraceQL's nil)",
  },
  Spanset: object({
    attributes: list(ref('Label'), 'What groups and aggregates say of it: `by(name)`, `count()`'),
    matchedCount: count,
    spans: list(ref('Span'), 'The first ones in time'),
  }),
  Metrics: answer({
    startUnixNano: { ...unixNano, description: 'Of the first bucket: a whole multiple of `stepNano`' },
    stepNano: { ...int64, description: 'Length of a bucket' },
    buckets: { ...count, description: 'Bucket i is [startUnixNano + i x stepNano, + stepNano)' },
    series: list(ref('Series')),
  }),
  Series: object({
    labels: list(ref('Label'), 'Of `by (...)` in its order, and what the aggregate adds'),
    samples: list(numberOrNull, 'One a bucket; null where there is none. Durations are seconds.'),
    exemplars: list(
      object({ traceId: id(32), spanId: id(16), timeUnixNano: unixNano, value: numberOrNull }),
      'Spans that were counted, spread over the range; none unless asked for',
    ),
  }),
  Heatmap: answer({
    startUnixNano: { ...unixNano, description: 'Of the first column' },
    stepNano: { ...int64, description: 'Length of a column' },
    columns: count,
    rows: list(
      object({
        durationNano: { ...int64, description: 'Lower end of the row; the first also has what is shorter' },
        counts: list(number, 'Spans, by column'),
        errors: list(number, 'Those of them with status error'),
      }),
      'Ascending, four to a power of two',
    ),
  }),
  Facets: answer({
    count: { ...count, description: 'Matching spans' },
    facets: list(
      object({
        field: text,
        values: list(object({ type: valueType, value: text, count }), 'Most frequent first'),
        distinct: { ...count, description: 'How many values there are in all' },
        missing: { ...count, description: 'Spans without the field' },
      }),
    ),
  }),
  Comparison: answer({
    selected: { ...count, description: 'Spans of the query that are in the selection' },
    baseline: { ...count, description: 'Its other spans' },
    fields: list(
      object({
        field: text,
        difference: {
          ...number,
          description:
            'From 0, alike, to 1: half the sum of the differences between the shares of its values',
        },
        values: list(object({ type: valueType, value: text, selected: count, baseline: count })),
      }),
      'Those that differ most first',
    ),
  }),
  Dependencies: answer({
    dependencies: list(
      object({
        client: text,
        server: text,
        connectionType: {
          enum: ['', 'database', 'messaging_system', 'virtual_node'],
          description: "'' where both sides sent spans",
        },
        calls: count,
        errors: count,
        p50Nano: int64,
        p95Nano: int64,
        p99Nano: int64,
      }),
    ),
  }),
  Complete: { oneOf: [{ const: true }, object({ reason: text, skipped: list(text) })] },
  Explain: {
    ...object({
      query: { ...text, description: 'In its canonical form' },
      predicates: list(object({ text, by: text, cost: number }), 'Asked of each span, cheapest first'),
      residual: { ...text, description: "What only whole traces can tell; '' when nothing" },
      columns: list(text, 'Read of files'),
      files: pruneCount,
      rowGroups: pruneCount,
      bufferRows: count,
      rowsMatched: count,
      traces: object({ candidates: count, read: count }),
      cache: object({ hits: count, misses: count }),
      earlyStop: { ...text, description: "Why reading stopped before the end; '' when it did not" },
      stages: list(object({ name: text, ms: number, detail: text })),
    }),
    description: 'How the answer was come by; with `explain=true`',
  },
};

/** By `METHOD /path`. */
export const FIGURE_DESCRIPTIONS = [
  [
    'GET /metrics',
    {
      summary: 'Numbers over time',
      description:
        'A TraceQL query that ends in an aggregate over time: `{ status = error } | rate() by (resource.service.name)`. ' +
        'Buckets begin at whole multiples of the step since the epoch. The plain filters narrow the spans that are ' +
        'counted. Of more series than `limit`, those with the largest sums are answered, and `complete` says so.',
      schema: 'Metrics',
    },
  ],
  [
    'GET /heatmap',
    {
      summary: 'Counts by start and duration',
      description: 'For a picture of all matching spans: columns of time, rows of duration.',
      schema: 'Heatmap',
    },
  ],
  [
    'GET /facets',
    {
      summary: 'Top values of several fields',
      description: 'Of the matching spans, in one pass.',
      schema: 'Facets',
    },
  ],
  [
    'GET /comparison',
    {
      summary: 'What a selection has that the other spans have not',
      description: 'Fields and values whose shares differ between `selection` and the other spans of `q`.',
      schema: 'Comparison',
    },
  ],
  [
    'GET /dependencies',
    {
      summary: 'Who calls whom',
      description:
        'Edges between services, and from services to databases, queues and others that send no spans themselves.',
      schema: 'Dependencies',
    },
  ],
] as const;
