/** What the route of ingest.ts answers, as JSON Schema, and how it is described. */
import type { CountName } from '../../store/ingest-health.ts';

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const list = (items: object, description?: string) =>
  description === undefined ? { type: 'array', items } : { type: 'array', items, description };
const time = (description?: string) => ({
  type: 'string',
  description: description === undefined ? 'RFC 3339' : `${description}, RFC 3339`,
});

function object(properties: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
    additionalProperties: false,
  };
}

const COUNTS: Readonly<Record<CountName, string>> = {
  requests: 'Taken, those that came again included',
  refusedRequests: 'Answered with an error',
  duplicateRequests: 'Came again with the same bytes, and changed nothing',
  bytes: 'As received',
  acceptedSpans: 'On disk',
  rejectedSpans: 'Refused, of requests that were taken',
  droppedAttributes: 'Beyond a limit, as the next ones',
  droppedEvents: '',
  droppedLinks: '',
  cutValues: 'Texts longer than `--max-value`, cut',
  spansWithoutService: 'Their resource has no `service.name`',
  lateSpans: 'Ended over an hour before they came',
  futureSpans: 'Start over 10 minutes after they came',
  sampledSpans: 'Of a sample of traces, whose parents were looked for',
  orphanSpans: 'Of those, spans whose parent had not come two minutes later',
};

const sender = {
  state: {
    enum: ['receiving', 'refusing', 'quiet', 'never'],
    description:
      'All that came in the last 5 minutes was taken; something was not; nothing came; nothing ever did',
  },
  sdks: list(object({ name: text, lastSeenAt: time() }), 'Name, language and version; latest first'),
  refusals: list(ref('IngestRefusal'), 'At most 20 reasons and the sum of others; latest first'),
  last5Minutes: ref('IngestCounts'),
  lastHour: ref('IngestCounts'),
  lastDay: ref('IngestCounts'),
  total: ref('IngestCounts'),
};

const senderOptional = {
  lastRequest: object({
    at: time(),
    transport: { enum: ['http', 'grpc'] },
    format: { enum: ['protobuf', 'json'] },
    encoding: { enum: ['identity', 'gzip', 'zstd', 'deflate'] },
    userAgent: text,
  }),
  lastTakenAt: time(),
  lastRefusedAt: time(),
  orphanShare: {
    type: 'number',
    minimum: 0,
    maximum: 1,
    description: "Of the last day's sampled spans; missing while there are too few",
  },
  countedSince: time('Of `total`; missing before the first request'),
};

export const INGEST_SCHEMAS: Readonly<Record<string, object>> = {
  Ingest: object(
    { projectId: text, senders: list(ref('IngestSender'), 'Those who need a look first') },
    {
      turnedAway: {
        ...ref('IngestTurnedAway'),
        description:
          'Requests refused before a token was known, of the whole server; only for admin tokens, and without tokens',
      },
    },
  ),
  IngestSender: object(
    { token: { oneOf: [ref('IngestToken'), { type: 'null' }] }, ...sender },
    senderOptional,
  ),
  IngestTurnedAway: object(sender, senderOptional),
  IngestToken: {
    ...object({ id: text, name: text, createdAt: time() }, { revokedAt: time() }),
    description: 'null for whoever sends without one',
  },
  IngestRefusal: object({ reason: text, unit: { enum: ['spans', 'requests'] }, count, lastAt: time() }),
  IngestCounts: object(
    Object.fromEntries(
      Object.entries(COUNTS).map(([name, description]) => [
        name,
        description === '' ? count : { ...count, description },
      ]),
    ),
  ),
};

/** By `METHOD /path`, as openapi.ts has them. */
export const INGEST_DESCRIPTIONS = [
  [
    'GET /ingest',
    {
      summary: 'How ingest fares, by token',
      description:
        'For each ingest token of the project: its last request, the SDKs behind it, what was taken, refused, cut ' +
        'or dropped, and why; in the last 5 minutes, hour, day, and since its first request.',
      schema: 'Ingest',
    },
  ],
] as const;
