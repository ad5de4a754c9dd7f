/** Test support: OTLP/JSON -> plain spans by JSON.parse and the most obvious code: what the fast decoder must agree with. */
import type {
  Attribute,
  AttributeValue,
  Resource,
  Scope,
  Span,
  SpanEvent,
  SpanLink,
} from '../../span/span.ts';
import { KIND_NAMES, STATUS_NAMES } from '../json-fields.ts';

/** A number by its source text, so that no digit is lost. */
class NumberText {
  constructor(readonly text: string) {}
}

type Message = Readonly<Record<string, unknown>>;

export interface ReferenceResult {
  readonly spans: Span[];
  readonly rejected: number;
}

export function referenceDecode(text: string): ReferenceResult {
  const spans: Span[] = [];
  let rejected = 0;
  for (const group of list(message(parse(text)), 'resourceSpans').map(message)) {
    const resource = resourceOf(group);
    for (const scopeSpans of list(group, 'scopeSpans').map(message)) {
      const scope = scopeOf(scopeSpans);
      for (const one of list(scopeSpans, 'spans').map(message)) {
        const span = spanOf(one, resource, scope);
        if (span) spans.push(span);
        else rejected++;
      }
    }
  }
  return { spans, rejected };
}

function parse(text: string): unknown {
  const keepSource = (_key: string, value: unknown, context?: { source: string }): unknown =>
    typeof value === 'number' ? new NumberText(context?.source ?? '') : value;
  return JSON.parse(text, keepSource);
}

/** Null counts as a message with nothing set. */
function message(value: unknown): Message {
  return (value ?? {}) as Message;
}

function field(of: Message, name: string): unknown {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return of[name] ?? of[snake];
}

function list(of: Message, name: string): unknown[] {
  return (field(of, name) ?? []) as unknown[];
}

function text(of: Message, name: string): string {
  return ((field(of, name) ?? '') as string).toWellFormed();
}

function integer(value: unknown): bigint {
  if (value === undefined || value === null) return 0n;
  const source = value instanceof NumberText ? value.text : (value as string);
  const [mantissa, exponent = '0'] = source.toLowerCase().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const scaled = BigInt(whole.replace('-', '') + fraction);
  const shift = Number(exponent) - fraction.length;
  const size = shift >= 0 ? scaled * 10n ** BigInt(shift) : scaled / 10n ** BigInt(-shift);
  return source.startsWith('-') ? -size : size;
}

function uint32(of: Message, name: string): number {
  return Number(integer(field(of, name)));
}

function enumMember(of: Message, name: string, names: ReadonlyMap<string, number>): number {
  const value = field(of, name);
  const named = typeof value === 'string' ? names.get(value) : undefined;
  const number = named ?? Number(integer(value));
  return number >= 0 && number <= 255 ? number : 0;
}

/** Lower-case hex of the right width, '' for none, undefined for what is no id. */
function id(of: Message, name: string, width: number): string | undefined {
  const hex = text(of, name).toLowerCase();
  return hex === '' || (hex.length === width * 2 && /^[0-9a-f]*$/.test(hex)) ? hex : undefined;
}

function isZero(hex: string): boolean {
  return /^0*$/.test(hex);
}

function resourceOf(group: Message): Resource {
  const resource = message(field(group, 'resource'));
  return {
    attributes: attributesOf(resource),
    droppedAttributesCount: uint32(resource, 'droppedAttributesCount'),
    schemaUrl: text(group, 'schemaUrl'),
  };
}

function scopeOf(group: Message): Scope {
  const scope = message(field(group, 'scope'));
  return {
    name: text(scope, 'name'),
    version: text(scope, 'version'),
    attributes: attributesOf(scope),
    droppedAttributesCount: uint32(scope, 'droppedAttributesCount'),
    schemaUrl: text(group, 'schemaUrl'),
  };
}

function spanOf(span: Message, resource: Resource, scope: Scope): Span | undefined {
  const traceId = id(span, 'traceId', 16);
  const spanId = id(span, 'spanId', 8);
  const parentSpanId = id(span, 'parentSpanId', 8);
  if (!traceId || isZero(traceId) || !spanId || isZero(spanId) || parentSpanId === undefined)
    return undefined;
  const start = integer(field(span, 'startTimeUnixNano'));
  const status = message(field(span, 'status'));
  const service = resource.attributes.find((attribute) => attribute.key === 'service.name')?.value;
  return {
    traceId,
    spanId,
    parentSpanId: isZero(parentSpanId) ? '' : parentSpanId,
    traceState: text(span, 'traceState'),
    name: text(span, 'name'),
    kind: enumMember(span, 'kind', KIND_NAMES),
    startTimeUnixNano: start,
    durationNano: BigInt.asIntN(64, integer(field(span, 'endTimeUnixNano')) - start),
    statusCode: enumMember(status, 'code', STATUS_NAMES),
    statusMessage: text(status, 'message'),
    flags: uint32(span, 'flags'),
    attributes: attributesOf(span),
    droppedAttributesCount: uint32(span, 'droppedAttributesCount'),
    events: list(span, 'events').map(message).map(eventOf),
    droppedEventsCount: uint32(span, 'droppedEventsCount'),
    links: list(span, 'links').map(message).map(linkOf),
    droppedLinksCount: uint32(span, 'droppedLinksCount'),
    serviceName: service?.type === 'string' ? service.value : '',
    resource,
    scope,
  };
}

function eventOf(event: Message): SpanEvent {
  return {
    timeUnixNano: integer(field(event, 'timeUnixNano')),
    name: text(event, 'name'),
    attributes: attributesOf(event),
    droppedAttributesCount: uint32(event, 'droppedAttributesCount'),
  };
}

/** A link whose ids are none keeps zeros in their place. */
function linkOf(link: Message): SpanLink {
  return {
    traceId: id(link, 'traceId', 16) || '0'.repeat(32),
    spanId: id(link, 'spanId', 8) || '0'.repeat(16),
    traceState: text(link, 'traceState'),
    attributes: attributesOf(link),
    droppedAttributesCount: uint32(link, 'droppedAttributesCount'),
    flags: uint32(link, 'flags'),
  };
}

/** Of equal keys the last one, at the place of the first, which is what a Map does. */
function attributesOf(of: Message): Attribute[] {
  const present = list(of, 'attributes').filter((attribute) => attribute !== null);
  const byKey = new Map(present.map(attributeOf).map(({ key, value }) => [key, value]));
  return [...byKey].map(([key, value]) => ({ key, value }));
}

function attributeOf(attribute: unknown): Attribute {
  const of = message(attribute);
  return { key: text(of, 'key'), value: valueOf(field(of, 'value')) };
}

/** Of several members the last one that is not null counts. */
function valueOf(any: unknown): AttributeValue {
  let value: AttributeValue = { type: 'empty' };
  for (const [name, member] of Object.entries(message(any))) {
    if (member !== null) value = memberOf(name.replaceAll('_', '').toLowerCase(), member) ?? value;
  }
  return value;
}

function memberOf(name: string, member: unknown): AttributeValue | undefined {
  switch (name) {
    case 'stringvalue':
      return { type: 'string', value: (member as string).toWellFormed() };
    case 'boolvalue':
      return { type: 'bool', value: member as boolean };
    case 'intvalue':
      return { type: 'int', value: integer(member) };
    case 'doublevalue':
      return { type: 'double', value: Number(member instanceof NumberText ? member.text : member) };
    case 'bytesvalue':
      return { type: 'bytes', value: new Uint8Array(Buffer.from(member as string, 'base64')) };
    case 'arrayvalue':
      return { type: 'array', value: list(member as Message, 'values').map(valueOf) };
    case 'kvlistvalue':
      return { type: 'kvlist', value: list(member as Message, 'values').map(attributeOf) };
    default:
      return undefined;
  }
}
