/** The shop's services and their running instances, as OpenTelemetry resources and scopes. */
import type { Resource, Scope } from '../span/span.ts';
import { toAttributes } from './attributes.ts';
import type { PlainAttributes } from './attributes.ts';
import { Random } from './random.ts';

export type Language = 'webjs' | 'go' | 'java' | 'dotnet' | 'nodejs' | 'python' | 'rust';

export type ServiceName =
  | 'storefront'
  | 'gateway'
  | 'catalog'
  | 'search'
  | 'cart'
  | 'checkout'
  | 'payments'
  | 'inventory'
  | 'orders'
  | 'shipping'
  | 'notifications'
  | 'recommendations'
  | 'assistant'
  | 'reports';

export interface Service {
  readonly name: ServiceName;
  readonly language: Language;
  /** Listed newest last; the last one is a canary on one instance when there are two. */
  readonly versions: readonly string[];
  readonly instances: number;
}

export interface Instance {
  readonly service: Service;
  readonly version: string;
  readonly resource: Resource;
}

export const SERVICES: readonly Service[] = [
  { name: 'storefront', language: 'webjs', versions: ['5.12.0'], instances: 1 },
  { name: 'gateway', language: 'go', versions: ['3.4.1'], instances: 3 },
  { name: 'catalog', language: 'java', versions: ['2.19.0'], instances: 3 },
  { name: 'search', language: 'java', versions: ['1.8.2'], instances: 2 },
  { name: 'cart', language: 'dotnet', versions: ['4.0.7'], instances: 2 },
  { name: 'checkout', language: 'go', versions: ['3.1.0'], instances: 2 },
  { name: 'payments', language: 'nodejs', versions: ['2.7.3', '2.8.0-rc.1'], instances: 4 },
  { name: 'inventory', language: 'java', versions: ['1.33.0'], instances: 2 },
  { name: 'orders', language: 'java', versions: ['6.2.0'], instances: 2 },
  { name: 'shipping', language: 'rust', versions: ['0.9.4'], instances: 1 },
  { name: 'notifications', language: 'python', versions: ['1.5.1'], instances: 1 },
  { name: 'recommendations', language: 'python', versions: ['0.14.0'], instances: 2 },
  { name: 'assistant', language: 'python', versions: ['0.6.0', '0.7.0'], instances: 2 },
  { name: 'reports', language: 'python', versions: ['1.0.9'], instances: 1 },
];

const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.37.0';

interface Runtime {
  readonly name: string;
  readonly version: string;
  readonly sdk: string;
}

const RUNTIMES: Readonly<Record<Language, Runtime>> = {
  webjs: { name: 'browser', version: '141', sdk: '2.2.0' },
  go: { name: 'go', version: 'go1.25.3', sdk: '1.38.0' },
  java: { name: 'OpenJDK Runtime Environment', version: '21.0.8+9', sdk: '1.55.0' },
  dotnet: { name: '.NET', version: '9.0.10', sdk: '1.13.1' },
  nodejs: { name: 'nodejs', version: '22.21.0', sdk: '2.2.0' },
  python: { name: 'cpython', version: '3.13.9', sdk: '1.38.0' },
  rust: { name: 'rustc', version: '1.91.0', sdk: '0.31.0' },
};

/** One cluster per process: the names are drawn once, from a seed of their own. */
export function startInstances(seed: number): ReadonlyMap<ServiceName, readonly Instance[]> {
  const random = new Random(seed, 0x5350_414e_4c41_4b45n);
  return new Map(SERVICES.map((service) => [service.name, instancesOf(service, random)]));
}

function instancesOf(service: Service, random: Random): Instance[] {
  return Array.from({ length: service.instances }, (_, index) => {
    const canary = index === service.instances - 1;
    const version = (canary ? service.versions.at(-1) : service.versions[0]) ?? '';
    const own = service.language === 'webjs' ? browserAttributes() : podAttributes(service, random);
    const runtime = RUNTIMES[service.language];
    const attributes = toAttributes({
      'service.name': service.name,
      'service.namespace': 'shop',
      'service.version': version,
      'service.instance.id': uuid(random),
      'deployment.environment.name': 'production',
      ...own,
      'telemetry.sdk.language': service.language,
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': runtime.sdk,
    });
    return { service, version, resource: { attributes, droppedAttributesCount: 0, schemaUrl: SCHEMA_URL } };
  });
}

function browserAttributes(): PlainAttributes {
  return {
    'browser.platform': 'macOS',
    'browser.mobile': false,
    'browser.language': 'en-GB',
    'browser.brands': ['Chromium 141', 'Not?A_Brand 8'],
  };
}

function podAttributes(service: Service, random: Random): PlainAttributes {
  const set = random.hex(4).slice(0, 9);
  const pod = `${service.name}-${set}-${random.hex(4).slice(0, 5)}`;
  const runtime = RUNTIMES[service.language];
  const node = random.between(1, 4);
  return {
    'host.name': `node-${node}.shop.internal`,
    'host.arch': node === 4 ? 'arm64' : 'amd64',
    'os.type': 'linux',
    'cloud.provider': 'gcp',
    'cloud.region': 'europe-west3',
    'cloud.availability_zone': `europe-west3-${random.pick(['a', 'b', 'c'])}`,
    'k8s.cluster.name': 'shop-eu',
    'k8s.namespace.name': 'shop',
    'k8s.deployment.name': service.name,
    'k8s.node.name': `node-${node}`,
    'k8s.pod.name': pod,
    'container.id': random.hex(32),
    'process.pid': random.between(1, 90),
    'process.command_args': ['/app/bin/serve', `--service=${service.name}`],
    'process.runtime.name': runtime.name,
    'process.runtime.version': runtime.version,
  };
}

function uuid(random: Random): string {
  const hex = random.hex(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-');
}

/** Shared by value: spans of one scope hold the same object. */
function scope(name: string, version: string, attributes: PlainAttributes = {}): Scope {
  return {
    name,
    version,
    attributes: toAttributes(attributes),
    droppedAttributesCount: 0,
    schemaUrl: SCHEMA_URL,
  };
}

type ScopeUse = 'http' | 'rpc' | 'db' | 'cache' | 'messaging' | 'app';

const SCOPES: Readonly<Record<Language, Readonly<Record<ScopeUse, Scope>>>> = {
  webjs: oneOf('@opentelemetry/instrumentation-fetch', '0.207.0', '@shop/storefront'),
  go: {
    http: scope('go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp', '0.63.0'),
    rpc: scope('go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc', '0.63.0'),
    db: scope('github.com/XSAM/otelsql', '0.40.0'),
    cache: scope('github.com/redis/go-redis/extra/redisotel', '9.14.0'),
    messaging: scope('github.com/twmb/franz-go/plugin/kotel', '1.6.0'),
    app: scope('shop/internal', '', { 'app.team': 'platform' }),
  },
  java: {
    http: scope('io.opentelemetry.tomcat-10.0', '2.21.0-alpha'),
    rpc: scope('io.opentelemetry.grpc-1.6', '2.21.0-alpha'),
    db: scope('io.opentelemetry.jdbc', '2.21.0-alpha'),
    cache: scope('io.opentelemetry.lettuce-5.1', '2.21.0-alpha'),
    messaging: scope('io.opentelemetry.kafka-clients-2.6', '2.21.0-alpha'),
    app: scope('com.example.shop', '1.0.0', { 'app.team': 'commerce' }),
  },
  dotnet: {
    http: scope('Microsoft.AspNetCore', '9.0.10'),
    rpc: scope('Grpc.AspNetCore.Server', '2.71.0'),
    db: scope('Npgsql', '9.0.4'),
    cache: scope('OpenTelemetry.Instrumentation.StackExchangeRedis', '1.12.0'),
    messaging: scope('Confluent.Kafka.Extensions', '0.4.0'),
    app: scope('Shop.Cart', '4.0.7'),
  },
  nodejs: {
    http: scope('@opentelemetry/instrumentation-http', '0.207.0'),
    rpc: scope('@opentelemetry/instrumentation-grpc', '0.207.0'),
    db: scope('@opentelemetry/instrumentation-pg', '0.60.0'),
    cache: scope('@opentelemetry/instrumentation-ioredis', '0.55.0'),
    messaging: scope('@opentelemetry/instrumentation-kafkajs', '0.17.0'),
    app: scope('payments', '2.7.3'),
  },
  python: {
    http: scope('opentelemetry.instrumentation.fastapi', '0.59b0'),
    rpc: scope('opentelemetry.instrumentation.grpc', '0.59b0'),
    db: scope('opentelemetry.instrumentation.psycopg', '0.59b0'),
    cache: scope('opentelemetry.instrumentation.redis', '0.59b0'),
    messaging: scope('opentelemetry.instrumentation.confluent_kafka', '0.59b0'),
    app: scope('shop', ''),
  },
  rust: oneOf('opentelemetry-instrumentation-tower', '0.17.0', 'shipping'),
};

/** Languages whose one instrumentation makes every span that is not the application's own. */
function oneOf(name: string, version: string, app: string): Readonly<Record<ScopeUse, Scope>> {
  const shared = scope(name, version);
  return { http: shared, rpc: shared, db: shared, cache: shared, messaging: shared, app: scope(app, '') };
}

export function scopeOf(instance: Instance, use: ScopeUse): Scope {
  return SCOPES[instance.service.language][use];
}

export const GEN_AI_SCOPE = scope('opentelemetry.instrumentation.openai_v2', '2.1b0');
