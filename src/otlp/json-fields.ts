/** The names of all fields of an OTLP/JSON trace export, in lowerCamelCase or as the .proto has them. */
import { Interner } from '../span/interner.ts';

/** Each member's name is the field's lowerCamelCase name. */
export enum Field {
  unknown,
  resourceSpans,
  resource,
  scopeSpans,
  schemaUrl,
  scope,
  spans,
  name,
  version,
  attributes,
  droppedAttributesCount,
  traceId,
  spanId,
  parentSpanId,
  traceState,
  kind,
  startTimeUnixNano,
  endTimeUnixNano,
  events,
  droppedEventsCount,
  links,
  droppedLinksCount,
  status,
  flags,
  message,
  code,
  timeUnixNano,
  key,
  value,
  stringValue,
  boolValue,
  intValue,
  doubleValue,
  arrayValue,
  kvlistValue,
  bytesValue,
  values,
}

/** What `nextField` answers behind the last field. */
export const END_OF_OBJECT = -1;

const names = new Interner();
const fieldOfName: Field[] = [];

for (const [name, field] of Object.entries(Field)) {
  if (typeof field !== 'number' || field === Field.unknown) continue;
  for (const spelling of [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]) {
    fieldOfName[names.internText(spelling)] = field;
  }
}

export function fieldNamed(source: Uint8Array, start: number, end: number): Field {
  const code = names.find(source, start, end);
  return code < 0 ? Field.unknown : fieldOfName[code];
}

export const KIND_NAMES: ReadonlyMap<string, number> = new Map([
  ['SPAN_KIND_UNSPECIFIED', 0],
  ['SPAN_KIND_INTERNAL', 1],
  ['SPAN_KIND_SERVER', 2],
  ['SPAN_KIND_CLIENT', 3],
  ['SPAN_KIND_PRODUCER', 4],
  ['SPAN_KIND_CONSUMER', 5],
]);

export const STATUS_NAMES: ReadonlyMap<string, number> = new Map([
  ['STATUS_CODE_UNSET', 0],
  ['STATUS_CODE_OK', 1],
  ['STATUS_CODE_ERROR', 2],
]);
