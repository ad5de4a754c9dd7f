/** KeyValue and AnyValue of protobuf bytes -> pairs. Runs once for each distinct attribute. */
import { MAX_VALUE_DEPTH } from '../limits.ts';
import { DROPPED } from '../span/attribute-lists.ts';
import type { PairTable } from '../span/attribute-lists.ts';
import { cutEnd } from '../span/cut.ts';
import type { Attribute, AttributeValue } from '../span/span.ts';
import { LEAST_ENTRY_BYTES, ReadingRoom } from '../span/value-cut.ts';
import { TYPE_TAGS } from '../span/value.ts';
import { OtlpDecodeError } from './errors.ts';
import type { Wire } from './wire.ts';
import { overrun, wrongWireType } from './wire.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const KEY_VALUE_KEY = (1 << 3) | 2;

const ANY_STRING = (1 << 3) | 2;
const ANY_BOOL = (2 << 3) | 0;
const ANY_INT = (3 << 3) | 0;
const ANY_DOUBLE = (4 << 3) | 1;
const ANY_ARRAY = (5 << 3) | 2;
const ANY_KVLIST = (6 << 3) | 2;
const ANY_BYTES = (7 << 3) | 2;

/** `values` of ArrayValue and KeyValueList: their only field. */
const LIST_VALUES = (1 << 3) | 2;

/**
 * The pair of the KeyValue in `wire.buf[start .. end)`; DROPPED for one whose key is not kept, the value of which
 * is then not read.
 */
export function parsePair(wire: Wire, start: number, end: number, pairs: PairTable): number {
  const at = splitKeyValue(wire, start, end);
  const key = pairs.keyUtf8(wire.buf, at.keyStart, at.keyEnd);
  if (key === DROPPED) return DROPPED;
  if (at.valueStart < at.valueEnd && wire.buf[at.valueStart] === ANY_STRING) {
    const size = wire.sizeAt(at.valueStart + 1, at.valueEnd);
    const textEnd = wire.pos + size;
    if (textEnd === at.valueEnd) {
      return pairs.pair(key, TYPE_TAGS.string, pairs.stringCode(wire.buf, wire.pos, textEnd));
    }
  }
  const room = new ReadingRoom(pairs.limits.valueBytes);
  const value = parseAnyValue(wire, at.valueStart, at.valueEnd, 1, room);
  return pairs.pair(key, TYPE_TAGS[value.type], pairs.valueCode(value, room.isCut));
}

interface KeyValueRange {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** A key or value that is missing is an empty range; of several the last one counts. */
function splitKeyValue(wire: Wire, start: number, end: number): KeyValueRange {
  let [keyStart, keyEnd, valueStart, valueEnd] = [start, start, start, start];
  let pos = start;
  while (pos < end) {
    const tag = wire.tagAt(pos);
    pos = wire.pos;
    if (tag >>> 3 > 2) {
      pos = wire.skipField(tag, pos, end);
      continue;
    }
    if ((tag & 7) !== 2) throw wrongWireType('KeyValue', tag, pos);
    const size = wire.sizeAt(pos, end);
    pos = wire.pos + size;
    if (tag === KEY_VALUE_KEY) [keyStart, keyEnd] = [wire.pos, pos];
    else [valueStart, valueEnd] = [wire.pos, pos];
  }
  if (pos > end) throw overrun(end);
  return { keyStart, keyEnd, valueStart, valueEnd };
}

/** An AnyValue as an object. With several fields set, the last one counts, as with every `oneof`. */
function parseAnyValue(
  wire: Wire,
  start: number,
  end: number,
  depth: number,
  room: ReadingRoom,
): AttributeValue {
  if (depth > MAX_VALUE_DEPTH) {
    throw new OtlpDecodeError(`attribute values nest deeper than ${MAX_VALUE_DEPTH}`, start);
  }
  let value: AttributeValue = { type: 'empty' };
  let pos = start;
  while (pos < end) {
    const tag = wire.tagAt(pos);
    pos = wire.pos;
    if (tag >>> 3 > 7) {
      pos = wire.skipField(tag, pos, end);
      continue;
    }
    value = anyField(wire, tag, pos, end, depth, room);
    pos = wire.pos;
  }
  if (pos > end) throw overrun(end);
  return value;
}

/** One field of an AnyValue, whose tag ends at `pos`. Leaves `wire.pos` behind it. */
function anyField(
  wire: Wire,
  tag: number,
  pos: number,
  end: number,
  depth: number,
  room: ReadingRoom,
): AttributeValue {
  switch (tag) {
    case ANY_BOOL:
      return { type: 'bool', value: wire.boolAt(pos) };
    case ANY_INT:
      return { type: 'int', value: wire.int64At(pos) };
    case ANY_DOUBLE:
      return { type: 'double', value: wire.doubleAt(pos, end) };
    case ANY_STRING:
    case ANY_ARRAY:
    case ANY_KVLIST:
    case ANY_BYTES: {
      const size = wire.sizeAt(pos, end);
      const from = wire.pos;
      const value = lengthDelimited(wire, tag, from, from + size, depth, room);
      wire.pos = from + size;
      return value;
    }
    default:
      throw wrongWireType('AnyValue', tag, pos);
  }
}

function lengthDelimited(
  wire: Wire,
  tag: number,
  start: number,
  end: number,
  depth: number,
  room: ReadingRoom,
): AttributeValue {
  switch (tag) {
    case ANY_STRING:
      return { type: 'string', value: textWithin(wire, start, end, room) };
    case ANY_BYTES: {
      const to = Math.min(end, start + room.left);
      if (to < end) room.isCut = true;
      room.take(to - start);
      return { type: 'bytes', value: wire.buf.slice(start, to) };
    }
    case ANY_ARRAY: {
      const value: AttributeValue[] = [];
      eachListEntry(wire, 'ArrayValue', start, end, room, (from, to) => {
        value.push(parseAnyValue(wire, from, to, depth + 1, room));
      });
      return { type: 'array', value };
    }
    default: {
      const value: Attribute[] = [];
      eachListEntry(wire, 'KeyValueList', start, end, room, (from, to) => {
        value.push(parseEntry(wire, from, to, depth + 1, room));
      });
      return { type: 'kvlist', value };
    }
  }
}

/** The text in `wire.buf[start .. end)`, as far as there is room. */
function textWithin(wire: Wire, start: number, end: number, room: ReadingRoom): string {
  const to = cutEnd(wire.buf, start, end, room.left);
  if (to < end) room.isCut = true;
  room.take(to - start);
  return decoder.decode(wire.buf.subarray(start, to));
}

function parseEntry(wire: Wire, start: number, end: number, depth: number, room: ReadingRoom): Attribute {
  const at = splitKeyValue(wire, start, end);
  const key = textWithin(wire, at.keyStart, at.keyEnd, room);
  return { key, value: parseAnyValue(wire, at.valueStart, at.valueEnd, depth, room) };
}

/** What there is no room for is not looked at. */
function eachListEntry(
  wire: Wire,
  message: string,
  start: number,
  end: number,
  room: ReadingRoom,
  visit: (start: number, end: number) => void,
): void {
  let pos = start;
  while (pos < end) {
    const tag = wire.tagAt(pos);
    pos = wire.pos;
    if (tag >>> 3 !== 1) {
      pos = wire.skipField(tag, pos, end);
      continue;
    }
    if (tag !== LIST_VALUES) throw wrongWireType(message, tag, pos);
    const size = wire.sizeAt(pos, end);
    const from = wire.pos;
    if (!room.take(LEAST_ENTRY_BYTES)) return;
    visit(from, from + size);
    pos = from + size;
  }
  if (pos > end) throw overrun(end);
}
