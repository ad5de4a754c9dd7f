/**
 * Spans -> ExportTraceServiceRequest (or TracesData: the same shape), as OTLP/JSON and as protobuf.
 * JSON has hex ids, 64-bit integers as strings, and leaves out default values.
 */
import protobuf from 'protobufjs/minimal.js';
import type { Attribute, AttributeValue, Resource, Scope, Span, SpanEvent, SpanLink } from '../span/span.ts';
import { groupSpans } from './group.ts';

type JsonObject = Record<string, unknown>;

/** Ready for JSON.stringify. */
export function encodeTracesJson(spans: readonly Span[]): { resourceSpans: JsonObject[] } {
  return {
    resourceSpans: groupSpans(spans).map(({ resource, scopes }) => ({
      resource: {
        attributes: resource.attributes.map(attributeToJson),
        ...setCount('droppedAttributesCount', resource.droppedAttributesCount),
      },
      scopeSpans: scopes.map(({ scope, spans: members }) => ({
        scope: {
          ...setText('name', scope.name),
          ...setText('version', scope.version),
          ...setList('attributes', scope.attributes.map(attributeToJson)),
          ...setCount('droppedAttributesCount', scope.droppedAttributesCount),
        },
        spans: members.map(spanToJson),
        ...setText('schemaUrl', scope.schemaUrl),
      })),
      ...setText('schemaUrl', resource.schemaUrl),
    })),
  };
}

function spanToJson(span: Span): JsonObject {
  const end = BigInt.asUintN(64, span.startTimeUnixNano + span.durationNano);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...setText('parentSpanId', span.parentSpanId),
    ...setText('traceState', span.traceState),
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: span.startTimeUnixNano.toString(),
    endTimeUnixNano: end.toString(),
    ...setList('attributes', span.attributes.map(attributeToJson)),
    ...setCount('droppedAttributesCount', span.droppedAttributesCount),
    ...setList('events', span.events.map(eventToJson)),
    ...setCount('droppedEventsCount', span.droppedEventsCount),
    ...setList('links', span.links.map(linkToJson)),
    ...setCount('droppedLinksCount', span.droppedLinksCount),
    status: { ...setText('message', span.statusMessage), ...setCount('code', span.statusCode) },
    ...setCount('flags', span.flags),
  };
}

function eventToJson(event: SpanEvent): JsonObject {
  return {
    timeUnixNano: event.timeUnixNano.toString(),
    name: event.name,
    ...setList('attributes', event.attributes.map(attributeToJson)),
    ...setCount('droppedAttributesCount', event.droppedAttributesCount),
  };
}

function linkToJson(link: SpanLink): JsonObject {
  return {
    traceId: link.traceId,
    spanId: link.spanId,
    ...setText('traceState', link.traceState),
    ...setList('attributes', link.attributes.map(attributeToJson)),
    ...setCount('droppedAttributesCount', link.droppedAttributesCount),
    ...setCount('flags', link.flags),
  };
}

export function attributeToJson(attribute: Attribute): JsonObject {
  return { key: attribute.key, value: valueToJson(attribute.value) };
}

function valueToJson(value: AttributeValue): JsonObject {
  switch (value.type) {
    case 'string':
      return { stringValue: value.value };
    case 'bool':
      return { boolValue: value.value };
    case 'int':
      return { intValue: value.value.toString() };
    case 'double':
      return { doubleValue: doubleToJson(value.value) };
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') };
    case 'array':
      return { arrayValue: { values: value.value.map(valueToJson) } };
    case 'kvlist':
      return { kvlistValue: { values: value.value.map(attributeToJson) } };
    case 'empty':
      return {};
  }
}

/** JSON.stringify writes -0 as 0, and NaN and the infinities as null: those go as text. */
function doubleToJson(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function setText(name: string, value: string): JsonObject {
  return value === '' ? {} : { [name]: value };
}

function setCount(name: string, value: number): JsonObject {
  return value === 0 ? {} : { [name]: value };
}

function setList(name: string, value: JsonObject[]): JsonObject {
  return value.length === 0 ? {} : { [name]: value };
}

type Writer = protobuf.Writer;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** Field numbers are those of proto/. */
export function encodeTracesProtobuf(spans: readonly Span[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const { resource, scopes } of groupSpans(spans)) {
    message(writer, 1, () => {
      message(writer, 1, () => writeResource(writer, resource));
      for (const { scope, spans: members } of scopes) {
        message(writer, 2, () => {
          message(writer, 1, () => writeScope(writer, scope));
          for (const span of members) message(writer, 2, () => writeSpan(writer, span));
          text(writer, 3, scope.schemaUrl);
        });
      }
      text(writer, 3, resource.schemaUrl);
    });
  }
  return writer.finish();
}

function writeResource(writer: Writer, resource: Resource): void {
  attributes(writer, 1, resource.attributes);
  uint32(writer, 2, resource.droppedAttributesCount);
}

function writeScope(writer: Writer, scope: Scope): void {
  text(writer, 1, scope.name);
  text(writer, 2, scope.version);
  attributes(writer, 3, scope.attributes);
  uint32(writer, 4, scope.droppedAttributesCount);
}

function writeSpan(writer: Writer, span: Span): void {
  id(writer, 1, span.traceId);
  id(writer, 2, span.spanId);
  text(writer, 3, span.traceState);
  id(writer, 4, span.parentSpanId);
  text(writer, 5, span.name);
  uint32(writer, 6, span.kind);
  fixed64(writer, 7, span.startTimeUnixNano);
  fixed64(writer, 8, span.startTimeUnixNano + span.durationNano);
  attributes(writer, 9, span.attributes);
  uint32(writer, 10, span.droppedAttributesCount);
  for (const event of span.events) message(writer, 11, () => writeEvent(writer, event));
  uint32(writer, 12, span.droppedEventsCount);
  for (const link of span.links) message(writer, 13, () => writeLink(writer, link));
  uint32(writer, 14, span.droppedLinksCount);
  message(writer, 15, () => {
    text(writer, 2, span.statusMessage);
    uint32(writer, 3, span.statusCode);
  });
  fixed32(writer, 16, span.flags);
}

function writeEvent(writer: Writer, event: SpanEvent): void {
  fixed64(writer, 1, event.timeUnixNano);
  text(writer, 2, event.name);
  attributes(writer, 3, event.attributes);
  uint32(writer, 4, event.droppedAttributesCount);
}

function writeLink(writer: Writer, link: SpanLink): void {
  id(writer, 1, link.traceId);
  id(writer, 2, link.spanId);
  text(writer, 3, link.traceState);
  attributes(writer, 4, link.attributes);
  uint32(writer, 5, link.droppedAttributesCount);
  fixed32(writer, 6, link.flags);
}

function attributes(writer: Writer, field: number, list: readonly Attribute[]): void {
  for (const { key, value } of list) {
    message(writer, field, () => {
      text(writer, 1, key);
      message(writer, 2, () => writeValue(writer, value));
    });
  }
}

/** Inside of a `oneof` a default value is written too: it says which field is set. */
function writeValue(writer: Writer, value: AttributeValue): void {
  switch (value.type) {
    case 'string':
      writer.uint32((1 << 3) | LENGTH).string(value.value);
      return;
    case 'bool':
      writer.uint32((2 << 3) | VARINT).bool(value.value);
      return;
    case 'int':
      int64(writer, 3, value.value);
      return;
    case 'double':
      writer.uint32((4 << 3) | FIXED64).double(value.value);
      return;
    case 'array':
      message(writer, 5, () => {
        for (const entry of value.value) message(writer, 1, () => writeValue(writer, entry));
      });
      return;
    case 'kvlist':
      message(writer, 6, () => attributes(writer, 1, value.value));
      return;
    case 'bytes':
      writer.uint32((7 << 3) | LENGTH).bytes(value.value);
      return;
    case 'empty':
      return;
  }
}

function message(writer: Writer, field: number, write: () => void): void {
  writer.uint32((field << 3) | LENGTH).fork();
  write();
  writer.ldelim();
}

function text(writer: Writer, field: number, value: string): void {
  if (value !== '') writer.uint32((field << 3) | LENGTH).string(value);
}

function id(writer: Writer, field: number, hex: string): void {
  if (hex !== '') writer.uint32((field << 3) | LENGTH).bytes(new Uint8Array(Buffer.from(hex, 'hex')));
}

function uint32(writer: Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32((field << 3) | VARINT).uint32(value);
}

function fixed32(writer: Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32((field << 3) | FIXED32).fixed32(value);
}

/** Wraps at 64 bits, as `start + duration` must. */
function fixed64(writer: Writer, field: number, value: bigint): void {
  writer.uint32((field << 3) | FIXED64);
  writer.fixed32(Number(value & 0xffffffffn)).fixed32(Number((value >> 32n) & 0xffffffffn));
}

function int64(writer: Writer, field: number, value: bigint): void {
  const [low, high] = [Number(value & 0xffffffffn) | 0, Number((value >> 32n) & 0xffffffffn) | 0];
  writer.uint32((field << 3) | VARINT).int64(new protobuf.util.LongBits(low, high).toLong(false));
}
