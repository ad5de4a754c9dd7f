/** The parameters of the API, by name, as OpenAPI describes them. */
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../traceql/keywords.ts';
import { DEFAULT_SEARCH_LIMIT, MAX_SEARCH_LIMIT } from '../../limits.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly required?: boolean;
  readonly description: string;
  readonly schema: object;
  readonly example?: unknown;
}

const text = { type: 'string' };

function query(name: string, description: string, example?: unknown, schema: object = text): Parameter {
  return { name, in: 'query', description, schema, ...(example === undefined ? {} : { example }) };
}

export const PARAMETERS: Readonly<Record<string, Parameter>> = {
  q: query('q', 'TraceQL, one span selector. Blank: every span.', '{ status = error && duration > 500ms }'),
  service: query('service', 'Spans of this service (`resource.service.name`)', 'checkout'),
  requiredService: { ...query('service', 'Whose operations', 'checkout'), required: true },
  operation: query('operation', 'Spans of this name', 'GET /cart'),
  status: query('status', 'Spans of this status', 'error', { enum: STATUS_KEYWORDS }),
  kind: query('kind', 'Spans of this kind', 'server', { enum: KIND_KEYWORDS }),
  minDuration: query('minDuration', 'At least this long', '300ms'),
  maxDuration: query('maxDuration', 'At most this long', '2s'),
  attr: {
    ...query('attr', 'An attribute, `key=value`; repeat it for several. The key may carry its scope.'),
    schema: { type: 'array', items: text },
    example: ['http.route=/cart', 'resource.deployment.environment.name=production'],
  },
  start: query(
    'start',
    'Spans that start at this time or later. Default: the beginning.',
    '2026-01-31T12:00:00Z',
  ),
  end: query('end', 'Spans that start before this time. Default: no end.', '1769860800'),
  since: query('since', 'Spans that start in this last length of time, instead of `start`', '15m'),
  order: query('order', 'True over the whole range. Default `newest`.', 'slowest', {
    enum: ['newest', 'oldest', 'slowest'],
  }),
  limit: query(
    'limit',
    `Default ${DEFAULT_SEARCH_LIMIT}; larger than ${MAX_SEARCH_LIMIT} is cut to that.`,
    20,
    {
      type: 'integer',
      minimum: 1,
    },
  ),
  cursor: query('cursor', '`nextCursor` of the page before, with all other parameters the same'),
  select: query(
    'select',
    'Only these attributes in the answer; a key may carry its scope',
    'http.route,user.id',
  ),
  prefix: query('prefix', 'Only what begins with this', 'http.'),
  note: query('note', 'Why it is kept, for the list of pins', 'the outage of May'),
  format: query('format', '`otlp`: OTLP/JSON, as `/v1/traces` takes it', 'otlp', { enum: ['json', 'otlp'] }),
  traceId: {
    name: 'traceId',
    in: 'path',
    required: true,
    description: '32 hexadecimal digits; leading zeros may be missing',
    schema: { type: 'string', pattern: '^[0-9a-fA-F]{1,32}$' },
  },
  key: {
    name: 'key',
    in: 'path',
    required: true,
    description:
      'Percent-encoded: an attribute (`http.route`, `span.http.route`, `resource.host.name`) or a field ' +
      '(`name`, `status`, `kind`)',
    schema: text,
    example: 'http.route',
  },
};
