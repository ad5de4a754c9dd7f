/** Spans with something in every field, and answers of the API held to its description. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'bun:test';
import { encodeTracesProtobuf } from '../../otlp/encode.ts';
import type { Attribute, Span } from '../../span/span.ts';
import { TestServers } from './servers.ts';
import type { TestServersOptions } from './servers.ts';

export const NOW = BigInt(Date.now()) * 1_000_000n;
export const SECOND = 1_000_000_000n;
export const CART = '00000000000000000000000000000abc';
export const ORDER = 'ffffffffffffffffffffffffffffffff';

function text(key: string, value: string): Attribute {
  return { key, value: { type: 'string', value } };
}

function span(n: number, more: Partial<Span>): Span {
  return {
    traceId: CART,
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    name: 'GET /cart',
    kind: 2,
    startTimeUnixNano: NOW - 60n * SECOND + BigInt(n),
    durationNano: 5_000_000n,
    statusCode: 0,
    statusMessage: '',
    flags: 0x101,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: 'cart',
    resource: {
      attributes: [text('service.name', 'cart')],
      droppedAttributesCount: 1,
      schemaUrl: 'https://x/1',
    },
    scope: {
      name: 'lib',
      version: '2',
      attributes: [text('scope.key', 'v')],
      droppedAttributesCount: 2,
      schemaUrl: 'https://x/2',
    },
    ...more,
  };
}

const EVERY_TYPE: Attribute[] = [
  text('http.route', '/cart/{id}'),
  { key: 'int', value: { type: 'int', value: -9_223_372_036_854_775_808n } },
  { key: 'double', value: { type: 'double', value: 0.1 } },
  { key: 'not a number', value: { type: 'double', value: Number.NaN } },
  { key: 'flag', value: { type: 'bool', value: false } },
  { key: 'bytes', value: { type: 'bytes', value: new Uint8Array([0, 255]) } },
  { key: 'empty', value: { type: 'empty' } },
  { key: 'list', value: { type: 'array', value: [{ type: 'int', value: 1n }, { type: 'empty' }] } },
  { key: 'map', value: { type: 'kvlist', value: [text('a/b', 'c')] } },
  text('path/with/slash', 'x'),
];

export const SPANS: Span[] = [
  span(0, {
    attributes: EVERY_TYPE,
    traceState: 'a=b',
    droppedAttributesCount: 3,
    droppedEventsCount: 4,
    droppedLinksCount: 5,
    events: [
      {
        timeUnixNano: NOW,
        name: 'exception',
        attributes: [text('exception.type', 'E')],
        droppedAttributesCount: 6,
      },
    ],
    links: [
      {
        traceId: ORDER,
        spanId: '00000000000000ff',
        traceState: 'c=d',
        attributes: [text('why', 'queue')],
        droppedAttributesCount: 7,
        flags: 1,
      },
    ],
  }),
  span(1, { parentSpanId: '0000000000000001', name: 'SELECT', kind: 3, durationNano: 900_000_000n }),
  span(2, {
    traceId: ORDER,
    name: 'POST /order',
    serviceName: 'order',
    statusCode: 2,
    statusMessage: 'no stock',
    startTimeUnixNano: NOW - 7200n * SECOND,
    durationNano: -5n,
    attributes: [text('http.route', '/order'), { key: 'code', value: { type: 'int', value: 500n } }],
    resource: { attributes: [text('service.name', 'order')], droppedAttributesCount: 0, schemaUrl: '' },
  }),
];

export type Json = Record<string, unknown>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly example?: unknown;
}

export interface Description {
  readonly paths: Record<
    string,
    Record<string, { readonly parameters?: readonly ({ $ref: string } | Parameter)[] }>
  >;
  readonly components: { readonly parameters: Record<string, Parameter> };
}

const ID = 'https://spanlake.test/openapi.json';

/** Servers that hold `SPANS`, and an `ask` that believes no answer before it is as described. */
export class DescribedApi implements AsyncDisposable {
  readonly #ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false });

  private constructor(
    readonly servers: TestServers,
    readonly description: Description,
  ) {
    this.#ajv.addVocabulary([
      'openapi',
      'info',
      'servers',
      'security',
      'tags',
      'paths',
      'components',
      'example',
    ]);
    this.#ajv.addSchema({ $id: ID, ...description });
  }

  static async start(options: TestServersOptions = {}): Promise<DescribedApi> {
    const servers = await TestServers.start(options);
    const headers = { 'content-type': 'application/x-protobuf' };
    const body = encodeTracesProtobuf(SPANS) as Uint8Array<ArrayBuffer>;
    expect((await servers.fetch('/v1/traces', { method: 'POST', headers, body })).status).toBe(200);
    return new DescribedApi(servers, await servers.get<Description>('/openapi.json'));
  }

  /** The status must be `status`, and the answer must be as the description says for it. GET unless told. */
  async ask<T = Json>(path: string, status = 200, init: RequestInit = {}): Promise<T> {
    const answer = await this.servers.fetch(path, init);
    const method = (init.method ?? 'GET').toLowerCase();
    const body = (await answer.json()) as T;
    expect({ path, status: answer.status, body }).toMatchObject({ path, status });
    const template = this.#template(path).replaceAll('~', '~0').replaceAll('/', '~1');
    this.check(
      `/paths/${template}/${method}/responses/${status}/content/application~1json/schema`,
      body,
      path,
    );
    return body;
  }

  /** `pointer` into the description, to a schema. */
  check(pointer: string, body: unknown, what: string): void {
    const validate = this.#ajv.getSchema(`${ID}#${pointer}`);
    if (validate === undefined) throw new Error(`no schema at ${pointer}`);
    if (validate(body) === true) return;
    throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)}\n${JSON.stringify(body)}`);
  }

  /** The described path that a real one is an instance of. */
  #template(path: string): string {
    const [pathname] = path.split('?');
    const found = Object.keys(this.description.paths).filter((template) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
    );
    if (found.length !== 1) throw new Error(`${pathname} is described ${found.length} times`);
    return found[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.servers[Symbol.asyncDispose]();
  }
}
