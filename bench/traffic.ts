/**
 * The reference traffic: a shop of 20 services and 200 operations, 10 spans a trace, 10 span and 6
 * resource attributes, 2 % errors with an exception event, log-normal durations, about 400 bytes of
 * OTLP a span. The same seed gives the same bytes every time.
 */
import protobufReflection from 'protobufjs';
import protobuf from 'protobufjs/minimal.js';

export const SPANS_PER_REQUEST = 500;
/** When the traffic of the benches begins. */
export const START_UNIX_NANO = 1_790_000_000_000_000_000n;
const SPANS_PER_TRACE = 10;
const SERVICES = 20;
const OPERATIONS_PER_SERVICE = 10;
const USERS = 50_000;
const PATHS = 10_000;
const ERROR_SHARE = 0.02;
/** Between two traces: the traffic of 10,000 spans a second. */
const TRACE_INTERVAL_NANO = 1_000_000;
/** Median of a span's duration; sigma 1 puts the 99th percentile at ten times that. */
const MEDIAN_DURATION_NANO = 5_000_000;

export interface TrafficOptions {
  readonly seed: number;
  readonly startUnixNano: bigint;
  /** SPANS_PER_REQUEST unless told: SDKs without a Collector send fewer. */
  readonly spansPerRequest?: number;
}

/** mulberry32: plain and fast, and good enough for traffic. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  share(): number {
    return this.uint32() / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.share() * bound);
  }

  /** Log-normal with sigma 1, by Box and Muller. */
  durationNano(): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.share())) * Math.cos(2 * Math.PI * this.share());
    return Math.floor(MEDIAN_DURATION_NANO * Math.exp(normal));
  }
}

type Writer = protobuf.Writer;
type Value = string | number | boolean;

/** A KeyValue as field `field` of its parent. Integers are int, numbers marked by `isDouble` double. */
function attribute(writer: Writer, field: number, key: string, value: Value, isDouble = false): void {
  writer.uint32((field << 3) | 2).fork();
  writer.uint32(0x0a).string(key).uint32(0x12).fork();
  if (typeof value === 'string') writer.uint32(0x0a).string(value);
  else if (typeof value === 'boolean') writer.uint32(0x10).bool(value);
  else if (isDouble) writer.uint32(0x21).double(value);
  else writer.uint32(0x18).int64(value);
  writer.ldelim().ldelim();
}

/** Bytes of an attribute list entry made once and copied into every span that has it. */
function fixedAttribute(field: number, key: string, value: Value): Uint8Array {
  const writer = protobuf.Writer.create();
  attribute(writer, field, key, value);
  return writer.finish();
}

interface Operation {
  readonly name: string;
  readonly kind: number;
  /** The attributes that all spans of the operation share, encoded. */
  readonly shared: readonly Uint8Array[];
  readonly isDatabase: boolean;
}

interface Service {
  /** A Resource message. */
  readonly resource: Uint8Array;
  readonly scope: Uint8Array;
  readonly operations: readonly Operation[];
}

const SERVICE_NAMES = [
  'frontend',
  'cart',
  'checkout',
  'payment',
  'shipping',
  'catalog',
  'search',
  'recommendation',
  'ads',
  'email',
  'currency',
  'inventory',
  'pricing',
  'reviews',
  'accounts',
  'sessions',
  'orders',
  'fraud',
  'warehouse',
  'gateway',
];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const TABLES = [
  'orders',
  'users',
  'items',
  'carts',
  'prices',
  'stock',
  'reviews',
  'payments',
  'sessions',
  'events',
];

function makeServices(): Service[] {
  return Array.from({ length: SERVICES }, (_, service) => ({
    resource: makeResource(service),
    scope: protobuf.Writer.create()
      .uint32(0x0a)
      .string('@shop/instrumentation')
      .uint32(0x12)
      .string('1.4.0')
      .finish(),
    operations: Array.from({ length: OPERATIONS_PER_SERVICE }, (_, index) => makeOperation(service, index)),
  }));
}

function makeResource(service: number): Uint8Array {
  const writer = protobuf.Writer.create();
  const name = SERVICE_NAMES[service];
  attribute(writer, 1, 'service.name', name);
  attribute(writer, 1, 'service.version', `1.${service}.3`);
  attribute(writer, 1, 'deployment.environment.name', 'production');
  attribute(writer, 1, 'host.name', `shop-node-${service % 7}`);
  attribute(writer, 1, 'process.pid', 4000 + service);
  attribute(writer, 1, 'telemetry.sdk.language', service % 2 === 0 ? 'nodejs' : 'go');
  return writer.finish();
}

/** Three of ten operations of a service are calls to its database, the others serve HTTP. */
function makeOperation(service: number, index: number): Operation {
  const isDatabase = index >= 7;
  const method = METHODS[index % METHODS.length];
  const route = `/api/${SERVICE_NAMES[service]}/${TABLES[index]}/{id}`;
  const shared = isDatabase
    ? [
        fixedAttribute(9, 'db.system.name', 'postgresql'),
        fixedAttribute(9, 'db.namespace', `${SERVICE_NAMES[service]}_db`),
        fixedAttribute(9, 'db.collection.name', TABLES[index]),
        fixedAttribute(9, 'db.operation.name', 'SELECT'),
        fixedAttribute(9, 'server.address', `db-${service % 4}.shop.internal`),
      ]
    : [
        fixedAttribute(9, 'http.request.method', method),
        fixedAttribute(9, 'http.route', route),
        fixedAttribute(9, 'server.address', `${SERVICE_NAMES[service]}.shop.internal`),
        fixedAttribute(9, 'url.scheme', 'https'),
      ];
  return {
    name: isDatabase ? `SELECT ${TABLES[index]}` : `${method} ${route}`,
    kind: isDatabase ? 3 : 2,
    shared,
    isDatabase,
  };
}

const services = makeServices();
const users = Array.from({ length: USERS }, (_, user) =>
  fixedAttribute(9, 'user.id', `u-${user.toString(36)}`),
);
const paths = Array.from({ length: PATHS }, (_, path) =>
  fixedAttribute(9, 'url.path', `/api/p/${path}/view`),
);
const okStatus = [200, 201, 204].map((code) => fixedAttribute(9, 'http.response.status_code', code));
const badStatus = fixedAttribute(9, 'http.response.status_code', 500);
const flags = [true, false].map((hit) => fixedAttribute(9, 'cache.hit', hit));
const exception = makeException();

function makeException(): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(0x12).string('exception');
  attribute(writer, 3, 'exception.type', 'TimeoutError');
  attribute(writer, 3, 'exception.message', 'the upstream did not answer within 2000 ms');
  const frames = [
    'call (/srv/client.js:41:11)',
    'retry (/srv/retry.js:17:9)',
    'handle (/srv/server.js:88:5)',
  ];
  attribute(writer, 3, 'exception.stacktrace', `TimeoutError\n    at ${frames.join('\n    at ')}`);
  return writer.finish();
}

/** A span on its way to the bytes. Times are split as the wire wants them. */
interface SpanPlan {
  readonly ids: readonly number[];
  readonly service: number;
  readonly isRoot: boolean;
  readonly startUnixNano: bigint;
}

/** Requests of SPANS_PER_REQUEST spans, grouped by service as one Collector's batches are. */
export function* requests(spans: number, options: TrafficOptions): Generator<Uint8Array> {
  const random = new Random(options.seed);
  let trace = 0;
  const { spansPerRequest = SPANS_PER_REQUEST } = options;
  for (let sent = 0; sent < spans; sent += spansPerRequest) {
    const count = Math.min(spansPerRequest, spans - sent);
    const byService = services.map((): SpanPlan[] => []);
    for (let i = 0; i < count; i += SPANS_PER_TRACE) {
      const start = options.startUnixNano + BigInt(trace++) * BigInt(TRACE_INTERVAL_NANO);
      planTrace(random, start, Math.min(SPANS_PER_TRACE, count - i), byService);
    }
    yield encodeRequest(random, byService);
  }
}

/** A trace walks through a few services; each span begins a little after its parent, the one before it. */
function planTrace(random: Random, start: bigint, spans: number, byService: SpanPlan[][]): void {
  const traceId = [random.uint32(), random.uint32(), random.uint32(), random.uint32() | 1];
  let parent = [0, 0];
  let service = random.below(SERVICES);
  let at = start;
  for (let i = 0; i < spans; i++) {
    const spanId = [random.uint32(), random.uint32() | 1];
    byService[service].push({
      ids: [...traceId, ...spanId, ...parent],
      service,
      isRoot: i === 0,
      startUnixNano: at,
    });
    at += BigInt(random.below(400_000));
    parent = spanId;
    if (random.below(3) === 0) service = random.below(SERVICES);
  }
}

function encodeRequest(random: Random, byService: readonly SpanPlan[][]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [index, plans] of byService.entries()) {
    if (plans.length === 0) continue;
    writer.uint32(0x0a).fork();
    writer.uint32(0x0a).bytes(services[index].resource);
    writer.uint32(0x12).fork();
    writer.uint32(0x0a).bytes(services[index].scope);
    for (const plan of plans) {
      writer.uint32(0x12).fork();
      writeSpan(writer, random, plan);
      writer.ldelim();
    }
    writer.ldelim().ldelim();
  }
  return writer.finish();
}

function writeSpan(writer: Writer, random: Random, plan: SpanPlan): void {
  const operation = services[plan.service].operations[random.below(OPERATIONS_PER_SERVICE)];
  const isError = random.share() < ERROR_SHARE;
  const { ids } = plan;
  const end = plan.startUnixNano + BigInt(random.durationNano());
  writer.uint32(0x0a).uint32(16);
  for (let i = 0; i < 4; i++) writer.fixed32(ids[i]);
  writer.uint32(0x12).uint32(8).fixed32(ids[4]).fixed32(ids[5]);
  if (!plan.isRoot) writer.uint32(0x22).uint32(8).fixed32(ids[6]).fixed32(ids[7]);
  writer.uint32(0x2a).string(operation.name).uint32(0x30).uint32(operation.kind);
  time(writer, 0x39, plan.startUnixNano);
  time(writer, 0x41, end);
  for (const bytes of operation.shared) writer.raw(bytes);
  if (operation.isDatabase) {
    attribute(writer, 9, 'db.response.returned_rows', random.below(200));
  } else {
    writer.raw(isError ? badStatus : okStatus[random.below(okStatus.length)]);
    writer.raw(paths[random.below(PATHS)]);
  }
  writer.raw(users[random.below(USERS)]);
  writer.raw(flags[random.below(2)]);
  attribute(writer, 9, 'queue.wait_ms', Math.round(random.share() * 1000) / 10, true);
  attribute(writer, 9, 'thread.id', random.below(64));
  if (isError) writeError(writer, end);
  else writer.uint32(0x7a).uint32(0);
  writer.uint32(0x85).fixed32(0x101);
}

function writeError(writer: Writer, time_: bigint): void {
  writer.uint32(0x5a).fork();
  time(writer, 0x09, time_);
  writer.raw(exception);
  writer.ldelim();
  writer.uint32(0x7a).fork().uint32(0x12).string('upstream timeout').uint32(0x18).uint32(2).ldelim();
}

function time(writer: Writer, tag: number, unixNano: bigint): void {
  writer
    .uint32(tag)
    .fixed32(Number(unixNano & 0xffffffffn))
    .fixed32(Number(unixNano >> 32n));
}

const PROTO_FOLDER = `${import.meta.dir}/../proto`;
let requestType: protobufReflection.Type | undefined;

/** The same request as OTLP/JSON, as the OpenTelemetry SDKs write it. Slow: not for a timed loop. */
export function asJson(request: Uint8Array): Uint8Array {
  requestType ??= loadRequestType();
  const object = requestType.toObject(requestType.decode(request), { longs: String, bytes: String });
  return new TextEncoder().encode(JSON.stringify(object, hexIds));
}

/** Reflection writes bytes as base64. */
function hexIds(key: string, value: unknown): unknown {
  const isId = key === 'traceId' || key === 'spanId' || key === 'parentSpanId';
  return isId ? Buffer.from(String(value), 'base64').toString('hex') : value;
}

export function asGzip(request: Uint8Array): Uint8Array {
  return Bun.gzipSync(request as Uint8Array<ArrayBuffer>, { level: 6 });
}

function loadRequestType(): protobufReflection.Type {
  const root = new protobufReflection.Root();
  root.resolvePath = (_origin, target) => `${PROTO_FOLDER}/${target}`;
  root.loadSync('opentelemetry/proto/collector/trace/v1/trace_service.proto');
  return root.lookupType('ExportTraceServiceRequest');
}
