/** The calls that services make, each with the spans of both sides and OpenTelemetry's attributes. */
import type { SpanLink } from '../span/span.ts';
import type { PlainAttributes } from './attributes.ts';
import { Failure } from './failure.ts';
import { CLIENT, INTERNAL, PRODUCER, SERVER } from './recorder.ts';
import type { ActiveSpan } from './recorder.ts';
import { scopeOf } from './services.ts';
import type { Instance } from './services.ts';
import type { Message, Visit } from './shop.ts';

export type Body = (span: ActiveSpan) => void;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly route: string;
  readonly path: string;
  readonly query?: string;
  /** How often this was tried before: OpenTelemetry's http.request.resend_count. */
  readonly resendCount?: number;
  readonly attributes?: PlainAttributes;
}

/** A step inside a service. */
export function step(span: ActiveSpan, name: string, attributes: PlainAttributes, body: Body): void {
  span.child({ name, kind: INTERNAL, scope: scopeOf(span.instance, 'app'), attributes }, body);
}

/** Client and server span of one HTTP request, with the network's time on both sides. */
export function http(from: ActiveSpan, to: Instance, request: HttpRequest, body: Body): void {
  const host = `${to.service.name}.shop.internal`;
  const query: PlainAttributes = request.query === undefined ? {} : { 'url.query': request.query };
  const resend: PlainAttributes = request.resendCount
    ? { 'http.request.resend_count': request.resendCount }
    : {};
  const suffix = request.query === undefined ? '' : `?${request.query}`;
  const attributes = {
    'http.request.method': request.method,
    'url.full': `http://${host}:8080${request.path}${suffix}`,
    'url.template': request.route,
    'server.address': host,
    'server.port': 8080,
    'network.protocol.version': '1.1',
    ...resend,
  };
  const name = `${request.method} ${request.route}`;
  from.child({ name, kind: CLIENT, scope: scopeOf(from.instance, 'http'), attributes }, (client) => {
    answering(client, () => {
      client.work(0.3);
      const serverAttributes = {
        'http.request.method': request.method,
        'http.route': request.route,
        'url.path': request.path,
        ...query,
        'url.scheme': 'http',
        'server.address': host,
        'client.address': `10.8.${from.random.between(0, 3)}.${from.random.between(2, 250)}`,
        'network.protocol.version': '1.1',
        ...request.attributes,
      };
      const spec = { name, kind: SERVER, scope: scopeOf(to, 'http'), attributes: serverAttributes };
      client.child(spec, (server) => answering(server, () => body(server)), to);
      client.work(0.3);
    });
  });
}

/** Sets the status code that the body's end means; a body that failed has its own. */
export function answering(span: ActiveSpan, body: () => void): void {
  try {
    body();
    span.set({ 'http.response.status_code': 200 });
  } catch (error) {
    if (error instanceof Failure) {
      span.set({ 'http.response.status_code': error.httpStatus, 'error.type': String(error.httpStatus) });
    }
    throw error;
  }
}

/** Client and server span of one gRPC call. */
export function rpc(from: ActiveSpan, to: Instance, service: string, method: string, body: Body): void {
  const attributes = {
    'rpc.system': 'grpc',
    'rpc.service': service,
    'rpc.method': method,
    'server.address': `${to.service.name}.shop.internal`,
    'server.port': 9090,
  };
  const name = `${service}/${method}`;
  const finish = (span: ActiveSpan, run: () => void) => {
    try {
      run();
      span.set({ 'rpc.grpc.status_code': 0 });
    } catch (error) {
      if (error instanceof Failure) span.set({ 'rpc.grpc.status_code': error.grpcStatus });
      throw error;
    }
  };
  from.child({ name, kind: CLIENT, scope: scopeOf(from.instance, 'rpc'), attributes }, (client) => {
    client.event('rpc.message', { 'rpc.message.type': 'SENT', 'rpc.message.id': 1 });
    finish(client, () => {
      client.work(0.2);
      const spec = { name, kind: SERVER, scope: scopeOf(to, 'rpc'), attributes };
      client.child(spec, (server) => finish(server, () => body(server)), to);
      client.work(0.2);
    });
  });
}

export interface Statement {
  readonly system: 'postgresql' | 'mongodb' | 'elasticsearch';
  readonly namespace: string;
  readonly operation: string;
  readonly collection: string;
  readonly text: string;
  readonly medianMs: number;
  readonly rows?: number;
  readonly failure?: Failure;
}

const DB_PORTS = { postgresql: 5432, mongodb: 27017, elasticsearch: 9200 } as const;

/** A database call: only the client's span, since databases send none. */
export function database(span: ActiveSpan, statement: Statement): void {
  const name = `${statement.operation} ${statement.namespace}.${statement.collection}`;
  const attributes = {
    'db.system.name': statement.system,
    'db.namespace': statement.namespace,
    'db.collection.name': statement.collection,
    'db.operation.name': statement.operation,
    'db.query.text': statement.text,
    'db.query.summary': `${statement.operation} ${statement.collection}`,
    'server.address': `${statement.system}-${statement.namespace}.shop.internal`,
    'server.port': DB_PORTS[statement.system],
  };
  span.child({ name, kind: CLIENT, scope: scopeOf(span.instance, 'db'), attributes }, (client) => {
    client.work(statement.medianMs, 0.6);
    if (statement.failure !== undefined) throw statement.failure;
    if (statement.rows !== undefined) client.set({ 'db.response.returned_rows': statement.rows });
  });
}

/** A look into Redis; answers whether the key was there. */
export function cacheGet(span: ActiveSpan, key: string, hitRatio: number): boolean {
  const hit = span.random.chance(hitRatio);
  const attributes = {
    'db.system.name': 'redis',
    'db.namespace': '0',
    'db.operation.name': 'GET',
    'db.query.text': `GET ${key}`,
    'server.address': 'redis.shop.internal',
    'server.port': 6379,
    'app.cache.hit': hit,
  };
  span.child({ name: 'GET', kind: CLIENT, scope: scopeOf(span.instance, 'cache'), attributes }, (client) => {
    client.work(0.25, 0.7);
  });
  return hit;
}

export function cacheSet(span: ActiveSpan, key: string): void {
  const attributes = {
    'db.system.name': 'redis',
    'db.namespace': '0',
    'db.operation.name': 'SET',
    'db.query.text': `SET ${key} ? EX 300`,
    'server.address': 'redis.shop.internal',
    'server.port': 6379,
  };
  span.child({ name: 'SET', kind: CLIENT, scope: scopeOf(span.instance, 'cache'), attributes }, (client) => {
    client.work(0.3, 0.7);
  });
}

/** Puts a message on the queue. Its consumer is another trace, which links back to this span. */
export function publish(span: ActiveSpan, visit: Visit, topic: string, orderId: string): void {
  const { random } = span;
  const offset = visit.shop.nextOffset(topic);
  const bytes = random.between(180, 2400);
  const id = random.hex(8);
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(offset % 6),
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.message.id': id,
    'messaging.message.body.size': bytes,
    'messaging.kafka.message.key': orderId,
    'messaging.kafka.offset': offset,
    'server.address': 'kafka.shop.internal',
    'server.port': 9092,
  };
  const scope = scopeOf(span.instance, 'messaging');
  span.child({ name: `send ${topic}`, kind: PRODUCER, scope, attributes }, (producer) => {
    producer.work(1.8);
    const delayMs = random.logNormal(400, 0.8);
    const sentUnixNano = span.trace.startUnixNano + BigInt(producer.at);
    visit.shop.outbox.push({
      topic,
      id,
      offset,
      bytes,
      orderId,
      userId: visit.userId,
      dueUnixNano: sentUnixNano + BigInt(Math.round(delayMs * 1e6)),
      traceId: span.trace.traceId,
      spanId: producer.spanId,
      traceState: span.trace.traceState,
    });
  });
}

export function linkTo(message: Message): SpanLink {
  return {
    traceId: message.traceId,
    spanId: message.spanId,
    traceState: message.traceState,
    attributes: [
      { key: 'messaging.message.id', value: { type: 'string', value: message.id } },
      { key: 'messaging.kafka.offset', value: { type: 'int', value: BigInt(message.offset) } },
    ],
    droppedAttributesCount: 0,
    flags: 0x301,
  };
}
