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
const positive = { type: 'integer', minimum: 1 };
const boolean = { type: 'boolean' };

function query(name: string, description: string, example?: unknown, schema: object = text): Parameter {
  return { name, in: 'query', description, schema, ...(example === undefined ? {} : { example }) };
}

/** Where a name means something of its own: by route and name. */
const SPECIAL: ReadonlyMap<string, string> = new Map([
  ['/operations service', 'requiredService'],
  ['/metrics q', 'metricsQ'],
  ['/metrics limit', 'seriesLimit'],
  ['/facets limit', 'valuesLimit'],
  ['/comparison limit', 'fieldsLimit'],
]);

/** The key in PARAMETERS of a parameter of a route. */
export function parameterKey(path: string, name: string): string {
  return SPECIAL.get(`${path} ${name}`) ?? name;
}

export const PARAMETERS: Readonly<Record<string, Parameter>> = {
  q: query('q', 'TraceQL that selects spans. Blank: every span.', '{ status = error && duration > 500ms }'),
  metricsQ: {
    ...query(
      'q',
      'TraceQL that ends in an aggregate over time',
      '{ status = error } | rate() by (resource.service.name)',
    ),
    required: true,
  },
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
  seriesLimit: query('limit', 'Series. Default 100; larger than 1000 is cut to that.', 20, positive),
  valuesLimit: query(
    'limit',
    'Values of each field. Default 10; larger than 1000 is cut to that.',
    5,
    positive,
  ),
  fieldsLimit: query('limit', 'Fields. Default 20; larger than 1000 is cut to that.', 5, positive),
  step: query(
    'step',
    'Length of a bucket. Default: a round one that gives about 100 of them. In steps, a range without an end ends now.',
    '1m',
  ),
  instant: query('instant', '`true`: one bucket, which is the whole range', 'true', boolean),
  exemplars: query('exemplars', 'Spans of each series that are answered as examples. Default 0.', 3, {
    type: 'integer',
    minimum: 0,
  }),
  columns: query('columns', 'At most so many, of a round length. Default 100.', 60, positive),
  field: {
    ...query('field', 'As TraceQL writes it; repeat it for several, 20 at most.'),
    required: true,
    schema: { type: 'array', items: text },
    example: ['resource.service.name', 'span.http.route'],
  },
  selection: {
    ...query('selection', 'One selector, that parts the spans of `q`', '{ status = error }'),
    required: true,
  },
  values: query('values', 'Values of each field. Default 10; larger than 1000 is cut to that.', 5, positive),
  explain: query('explain', '`true`: the answer says how it was come by', 'true', boolean),
  cursor: query(
    'cursor',
    '`nextCursor` of the page before, with query, order and range the same. A page that `complete` says was cut by ' +
      'time may be empty and still have one: the next page goes on from there.',
  ),
  select: query(
    'select',
    'Only these attributes in the answer; a key may carry its scope. `| select(...)` in `q` does the same.',
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
