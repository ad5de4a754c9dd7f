/** `/openapi.json`: all that a script's author needs. A test holds each real answer to it. */
import type { ApiRoute } from './route.ts';
import { API_ROUTES } from './routes.ts';
import { FIGURE_DESCRIPTIONS } from './openapi-figures.ts';
import { INGEST_DESCRIPTIONS } from './openapi-ingest.ts';
import { PARAMETERS, parameterKey } from './openapi-parameters.ts';
import { SCHEMAS } from './openapi-schemas.ts';

interface Description {
  readonly summary: string;
  readonly description?: string;
  readonly schema: string;
  readonly body?: { readonly schema: string; readonly example: object };
}

/** By `METHOD /path`. */
const DESCRIPTIONS: ReadonlyMap<string, Description> = new Map<string, Description>([
  ...FIGURE_DESCRIPTIONS,
  ...INGEST_DESCRIPTIONS,
  [
    'GET /spans',
    {
      summary: 'Search spans',
      description: 'Spans that match, whole, in a total order. `q` and the plain filters hold together.',
      schema: 'SpanPage',
    },
  ],
  [
    'GET /traces',
    {
      summary: 'Search traces',
      description:
        'Traces with at least one matching span. Figures are of the whole trace; `spans` are its first matching ones. ' +
        'A query that is more than one selector answers its `spansets` too, with what groups and aggregates say of them.',
      schema: 'TracePage',
    },
  ],
  [
    'GET /traces/{traceId}',
    { summary: 'One trace', description: 'All its spans, in order of start.', schema: 'TraceOrOtlp' },
  ],
  ['GET /services', { summary: 'Services with their figures', schema: 'Services' }],
  ['GET /operations', { summary: 'Operations of a service with their figures', schema: 'Operations' }],
  [
    'GET /attributes',
    {
      summary: 'Attribute keys',
      description:
        'Most frequent first. The query and the range leave out whole files; `count` is of all spans of the files that remain, so a bound from above.',
      schema: 'Attributes',
    },
  ],
  [
    'GET /attributes/{key}/values',
    {
      summary: 'Values of an attribute or field',
      description: 'Counted over the spans that match, most frequent first.',
      schema: 'AttributeValues',
    },
  ],
  [
    'GET /storage',
    {
      summary: 'How the store fares',
      description:
        'Figures of the whole store; `project` and the listed damaged files are of the project asked for.',
      schema: 'Storage',
    },
  ],
  [
    'POST /storage/compact',
    {
      summary: 'Merge files now',
      description:
        'Everything that is worth merging, days that are not over included. Answers when it is done.',
      schema: 'Storage',
    },
  ],
  ['GET /retention', { summary: 'How long traces stay', schema: 'Retention' }],
  [
    'PUT /retention',
    {
      summary: 'Say how long traces stay',
      description:
        'The first rule that finds a trace decides its age, so specific rules come first and `{}` last. A trace that ' +
        'no rule finds stays. Beyond `maxBytes` of files the oldest go. Pinned traces stay. ' +
        'Age counts from the start of a span; where that lies over 300 days before its arrival, from the arrival. ' +
        'A field that is left out stays as it was.',
      schema: 'Retention',
      body: {
        schema: 'Retention',
        example: {
          rules: [
            { query: '{ status = error }', maxAge: '30d' },
            { query: '{}', maxAge: '7d' },
          ],
          maxBytes: null,
        },
      },
    },
  ],
  ['GET /pins', { summary: 'Pinned traces', schema: 'Pins' }],
  [
    'PUT /traces/{traceId}/pin',
    { summary: 'Keep a trace', description: 'Retention leaves it, whatever its age.', schema: 'Pinned' },
  ],
  ['DELETE /traces/{traceId}/pin', { summary: 'No longer keep a trace', schema: 'Pinned' }],
  [
    'DELETE /traces/{traceId}',
    {
      summary: 'Delete a trace',
      description: 'Its spans are gone from the files when this is answered. There is no way back.',
      schema: 'Deletion',
    },
  ],
  [
    'DELETE /spans',
    {
      summary: 'Delete spans',
      description:
        'The spans that match, not their whole traces, save those of pinned traces. At least one filter is needed; ' +
        '`q={}` is everything. There is no way back.',
      schema: 'Deletion',
    },
  ],
  ['GET /audit', { summary: 'What was removed, newest first', schema: 'Audit' }],
]);

const REF = '#/components/schemas/';

function json(schema: string): object {
  return { 'application/json': { schema: { $ref: REF + schema } } };
}

function withExample(schema: string, example: object): object {
  return { 'application/json': { schema: { $ref: REF + schema }, example } };
}

/** One span, to be sent as it stands. A test sends it. */
const EXPORT_EXAMPLE = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] },
      scopeSpans: [
        {
          spans: [
            {
              traceId: '5b8efff798038103d269b633813fc60c',
              spanId: 'eee19b7ec3c1b174',
              name: 'GET /cart',
              kind: 2,
              startTimeUnixNano: '1769860800000000000',
              endTimeUnixNano: '1769860800120000000',
              attributes: [{ key: 'http.response.status_code', value: { intValue: '200' } }],
              status: { code: 1 },
            },
          ],
        },
      ],
    },
  ],
};

const ERROR_EXAMPLE = {
  error: {
    code: 'invalid_query',
    message: 'expected a value or field, found "}" at position 9',
    position: 9,
  },
};

function errors(...statuses: readonly (readonly [status: string, description: string])[]): object {
  return Object.fromEntries(
    statuses.map(([status, description]) => [
      status,
      { description, content: status === '400' ? withExample('Error', ERROR_EXAMPLE) : json('Error') },
    ]),
  );
}

/** The description itself. `origin`: this server as the caller reaches it. */
export function openApi(version: string, origin: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spanlake',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Times are RFC 3339 or Unix numbers whose unit (s, ms, us, ns) their magnitude tells; durations are like ' +
        '`1.2s`, `300ms`, `50us`; ids are hexadecimal; 64-bit integers are decimal strings, as in OTLP/JSON. ' +
        'Without any token the server answers this machine alone, for the project `default`; as soon as there is ' +
        'one, reading needs a token of scope `read` or `admin`, sending one of scope `ingest`, and what is tagged `admin` ' +
        'one of scope `admin`, as `Authorization: Bearer`.',
    },
    servers: [{ url: origin }],
    security: [{}, { bearer: [] }],
    tags: [{ name: 'query' }, { name: 'ingest' }, { name: 'admin' }, { name: 'operation' }],
    paths: { ...apiPaths(), ...ingestPaths(), ...operationPaths() },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      parameters: PARAMETERS,
      schemas: SCHEMAS,
    },
  };
}

function apiPaths(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of API_ROUTES) {
    const path = (paths[`/api/v1${route.path}`] ??= {});
    path[route.method.toLowerCase()] = apiOperation(route);
  }
  return paths;
}

function apiOperation(route: ApiRoute): object {
  const described = DESCRIPTIONS.get(`${route.method} ${route.path}`);
  if (described === undefined) throw new Error(`${route.method} ${route.path} has no description`);
  const { schema, body, ...text } = described;
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const mayMiss = inPath.includes('traceId') && route.method !== 'DELETE';
  const notFound: [string, string][] = mayMiss ? [['404', 'No such trace']] : [];
  const inTime = mayMiss ? 'Not found in what could be read in time' : undefined;
  const why = route.method === 'GET' ? inTime : 'Can write nothing now';
  const unavailable: [string, string][] = why === undefined ? [] : [['503', why]];
  return {
    tags: [route.scope === 'admin' ? 'admin' : 'query'],
    operationId: operationId(route),
    ...text,
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: withExample(body.schema, body.example) } }),
    parameters: [...inPath, ...route.params].map((name) => ({ $ref: parameterRef(route.path, name) })),
    responses: {
      200: { description: 'The answer', content: json(schema) },
      ...errors(
        ['400', 'A parameter or query that does not read well; `position` counts into `q`'],
        ['401', 'A token is needed, or the one given is unknown'],
        ['403', 'The token has another scope'],
        ...notFound,
        ...unavailable,
      ),
    },
  };
}

function parameterRef(path: string, name: string): string {
  const key = parameterKey(path, name);
  if (!(key in PARAMETERS)) throw new Error(`parameter ${key} has no description`);
  return `#/components/parameters/${key}`;
}

function operationId({ method, path }: ApiRoute): string {
  const words = path.replaceAll(/[{}]/g, '').split('/').filter(Boolean);
  const capital = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return [method.toLowerCase(), ...capital].join('');
}

function ingestPaths(): object {
  const binary = { schema: { type: 'string', format: 'binary' } };
  const export_ = (summary: string) => ({
    post: {
      tags: ['ingest'],
      summary,
      description:
        'OTLP: an ExportTraceServiceRequest as protobuf or JSON, plain or compressed with gzip, zstd or deflate. ' +
        'A 200 means that the spans are on disk. Rejected spans are told in partial_success. Errors are a ' +
        'google.rpc.Status in the encoding of the request; 429 and 503 may be sent again.',
      requestBody: {
        required: true,
        content: {
          'application/x-protobuf': binary,
          'application/json': {
            schema: { $ref: `${REF}ExportTraceServiceRequest` },
            example: EXPORT_EXAMPLE,
          },
        },
      },
      responses: {
        200: {
          description: 'On disk',
          content: { 'application/x-protobuf': binary, ...json('ExportTraceServiceResponse') },
        },
        ...Object.fromEntries(
          (
            [
              ['400', 'Undecodable: nothing was taken'],
              ['401', 'Missing or unknown token'],
              ['403', 'The token has another scope'],
              ['413', 'Larger than the limit, after decompression too'],
              ['415', 'Another content type or encoding'],
              ['503', 'Can take no writes now; Retry-After says when to come back'],
            ] as const
          ).map(([status, description]) => [
            status,
            { description, content: { 'application/x-protobuf': binary, ...json('Status') } },
          ]),
        ),
      },
    },
  });
  return {
    '/v1/traces': export_('Send spans'),
    '/i/v1/traces': export_("Send spans (PostHog's path)"),
    '/i/v0/ai/otel': export_('Send gen-AI spans; others are rejected'),
    '/i/v0/ai/otel/v1/traces': export_('Send gen-AI spans; others are rejected'),
  };
}

function operationPaths(): object {
  const text = (description: string) => ({
    description,
    content: { 'text/plain': { schema: { type: 'string' } } },
  });
  const operation = { tags: ['operation'] };
  return {
    '/healthz': { get: { ...operation, summary: 'The process answers', responses: { 200: text('Always') } } },
    '/readyz': {
      get: {
        ...operation,
        summary: 'The store takes writes',
        responses: { 200: text('It does'), 503: text('It does not, and why') },
      },
    },
    '/metrics': { get: { ...operation, summary: 'Prometheus metrics', responses: { 200: text('Metrics') } } },
    '/openapi.json': {
      get: {
        ...operation,
        summary: 'This description',
        responses: {
          200: {
            description: 'OpenAPI 3.1',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
        },
      },
    },
  };
}
