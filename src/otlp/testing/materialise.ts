/** Test support: rows of SpanColumns as plain spans, read from `block()` by the slow and obvious way. */
import type { SpanColumns } from '../../span/columns.ts';
import type { Attribute, Span, SpanEvent, SpanLink } from '../../span/span.ts';
import { TYPES_BY_TAG, parseValueText } from '../../span/value.ts';
import type { AttributesVector, Block, TextDictionary, Vector } from '../../span/vector.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function materialise(columns: SpanColumns): Span[] {
  const block = columns.block(undefined, columns.rows);
  return Array.from({ length: block.rows }, (_, row) => spanAt(block, row));
}

function spanAt(block: Block, row: number): Span {
  const of = (name: string): Vector => block.columns.get(name)!;
  const parentSpanId = hex(of('parent_span_id'), row);
  return {
    traceId: hex(of('trace_id'), row),
    spanId: hex(of('span_id'), row),
    parentSpanId: /^0+$/.test(parentSpanId) ? '' : parentSpanId,
    traceState: text(of('trace_state'), row),
    name: text(of('name'), row),
    kind: number(of('kind'), row),
    startTimeUnixNano: int64(of('start_time_unix_nano'), row),
    durationNano: BigInt.asIntN(64, int64(of('duration_nano'), row)),
    statusCode: number(of('status_code'), row),
    statusMessage: text(of('status_message'), row),
    flags: number(of('flags'), row),
    attributes: attributes(of('span_attributes'), row),
    droppedAttributesCount: number(of('dropped_attributes_count'), row),
    events: children(of('events'), row, eventAt),
    droppedEventsCount: number(of('dropped_events_count'), row),
    links: children(of('links'), row, linkAt),
    droppedLinksCount: number(of('dropped_links_count'), row),
    serviceName: text(of('service_name'), row),
    resource: {
      attributes: attributes(of('resource_attributes'), row),
      droppedAttributesCount: number(of('resource_dropped_attributes_count'), row),
      schemaUrl: text(of('resource_schema_url'), row),
    },
    scope: {
      name: text(of('scope_name'), row),
      version: text(of('scope_version'), row),
      attributes: attributes(of('scope_attributes'), row),
      droppedAttributesCount: number(of('scope_dropped_attributes_count'), row),
      schemaUrl: text(of('scope_schema_url'), row),
    },
  };
}

type ChildVectors = Readonly<Record<string, Vector>>;

function eventAt(vectors: ChildVectors, event: number): SpanEvent {
  return {
    timeUnixNano: int64(vectors.time_unix_nano, event),
    name: text(vectors.name, event),
    attributes: attributes(vectors.attributes, event),
    droppedAttributesCount: number(vectors.dropped_attributes_count, event),
  };
}

function linkAt(vectors: ChildVectors, link: number): SpanLink {
  return {
    traceId: hex(vectors.trace_id, link),
    spanId: hex(vectors.span_id, link),
    traceState: text(vectors.trace_state, link),
    attributes: attributes(vectors.attributes, link),
    droppedAttributesCount: number(vectors.dropped_attributes_count, link),
    flags: number(vectors.flags, link),
  };
}

function children<T>(vector: Vector, row: number, read: (vectors: ChildVectors, child: number) => T): T[] {
  if (vector.kind !== 'list') throw new Error(`${vector.kind} is no list`);
  const found: T[] = [];
  for (let child = vector.offsets[row]; child < vector.offsets[row + 1]; child++) {
    found.push(read(vector.children, child));
  }
  return found;
}

function attributes(vector: Vector, row: number): Attribute[] {
  if (vector.kind !== 'attributes') throw new Error(`${vector.kind} are no attributes`);
  const list = vector.rowIndex ? vector.rowIndex[row] : row;
  const found: Attribute[] = [];
  for (let entry = vector.offsets[list]; entry < vector.offsets[list + 1]; entry++) {
    found.push(attributeAt(vector, vector.pairs ? vector.pairs[entry] : entry));
  }
  return found;
}

function attributeAt(vector: AttributesVector, at: number): Attribute {
  const value = dictionaryText(vector.valueDictionary, vector.values[at]);
  return {
    key: dictionaryText(vector.keyDictionary, vector.keys[at]),
    value: parseValueText(TYPES_BY_TAG[vector.types[at]], value),
  };
}

function text(vector: Vector, row: number): string {
  if (vector.kind !== 'text') throw new Error(`${vector.kind} is no text`);
  return dictionaryText(vector.dictionary, vector.codes[row]);
}

function dictionaryText(dictionary: TextDictionary, code: number): string {
  if (code >= dictionary.count) throw new Error(`code ${code} of ${dictionary.count}`);
  return decoder.decode(dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]));
}

function number(vector: Vector, row: number): number {
  if (vector.kind !== 'uint32' && vector.kind !== 'uint8') throw new Error(`${vector.kind} is no number`);
  return vector.values[row];
}

function int64(vector: Vector, row: number): bigint {
  if (vector.kind !== 'int64') throw new Error(`${vector.kind} is no int64`);
  return (BigInt(vector.words[row * 2 + 1]) << 32n) | BigInt(vector.words[row * 2]);
}

function hex(vector: Vector, row: number): string {
  if (vector.kind !== 'fixed') throw new Error(`${vector.kind} is no id`);
  return Buffer.from(vector.bytes.slice(row * vector.width, (row + 1) * vector.width)).toString('hex');
}
