/** KeyValue and AnyValue of OTLP/JSON -> pairs. Runs once for each distinct run of bytes. */
import { MAX_VALUE_DEPTH } from '../limits.ts';
import { DROPPED } from '../span/attribute-lists.ts';
import type { PairTable } from '../span/attribute-lists.ts';
import type { SpanColumns } from '../span/columns.ts';
import type { Interner } from '../span/interner.ts';
import type { Attribute, AttributeValue } from '../span/span.ts';
import { LEAST_ENTRY_BYTES, ReadingRoom } from '../span/value-cut.ts';
import { TYPE_TAGS } from '../span/value.ts';
import type { JsonCursor } from './json-cursor.ts';
import { END_OF_OBJECT, Field } from './json-fields.ts';
import { readBool, readBytes, readDouble, readInteger } from './json-scalars.ts';

const encoder = new TextEncoder();

const EMPTY: AttributeValue = { type: 'empty' };

/**
 * The pair of the KeyValue that is next, read in full: for bytes that were not met before. DROPPED for one
 * whose key is not kept.
 */
export function readPair(cursor: JsonCursor, pairs: PairTable): number {
  const room = new ReadingRoom(pairs.limits.valueBytes);
  const { key, value } = readAttribute(cursor, 1, room);
  const keyCode = pairs.keyText(key);
  if (keyCode === DROPPED) return DROPPED;
  return pairs.pair(keyCode, TYPE_TAGS[value.type], pairs.valueCode(value, room.isCut));
}

function readAttribute(cursor: JsonCursor, depth: number, room: ReadingRoom): Attribute {
  let key = '';
  let value = EMPTY;
  if (!cursor.openObject('an attribute')) return { key, value };
  for (let isFirst = true; ; isFirst = false) {
    const field = cursor.nextField(isFirst);
    switch (field) {
      case END_OF_OBJECT:
        return { key, value };
      case Field.key:
        key = readText(cursor, 'key');
        break;
      case Field.value:
        value = readAnyValue(cursor, depth, room);
        break;
      default:
        cursor.skip();
    }
  }
}

/** Of several fields set, the last one counts; a field that is null is not set. */
function readAnyValue(cursor: JsonCursor, depth: number, room: ReadingRoom): AttributeValue {
  if (depth > MAX_VALUE_DEPTH) cursor.fail(`attribute values nest deeper than ${MAX_VALUE_DEPTH}`);
  let value = EMPTY;
  if (!cursor.openObject('value')) return value;
  for (let isFirst = true; ; isFirst = false) {
    const field = cursor.nextField(isFirst);
    if (field === END_OF_OBJECT) return value;
    if (!cursor.isNull()) value = readAnyField(cursor, field, depth, room) ?? value;
  }
}

function readAnyField(
  cursor: JsonCursor,
  field: Field,
  depth: number,
  room: ReadingRoom,
): AttributeValue | undefined {
  switch (field) {
    case Field.stringValue:
      return { type: 'string', value: textWithin(readText(cursor, 'stringValue'), room) };
    case Field.boolValue:
      return { type: 'bool', value: readBool(cursor, 'boolValue') };
    case Field.intValue:
      return { type: 'int', value: readInt64(cursor) };
    case Field.doubleValue:
      return { type: 'double', value: readDouble(cursor, 'doubleValue') };
    case Field.bytesValue:
      return { type: 'bytes', value: bytesWithin(readBytes(cursor, 'bytesValue'), room) };
    case Field.arrayValue:
      return { type: 'array', value: readList(cursor, room, () => readAnyValue(cursor, depth + 1, room)) };
    case Field.kvlistValue:
      return { type: 'kvlist', value: readList(cursor, room, () => readAttribute(cursor, depth + 1, room)) };
    default:
      cursor.skip();
      return undefined;
  }
}

function readInt64(cursor: JsonCursor): bigint {
  const start = cursor.pos;
  const value = readInteger(cursor, 'intValue');
  if (BigInt.asIntN(64, value) !== value) cursor.fail('intValue is not a 64-bit integer', start);
  return value;
}

/** `{"values": [...]}` */
function readList<T>(cursor: JsonCursor, room: ReadingRoom, readEntry: () => T): T[] {
  let entries: T[] = [];
  cursor.openObject('a list of values');
  for (let isFirst = true; ; isFirst = false) {
    const field = cursor.nextField(isFirst);
    if (field === END_OF_OBJECT) return entries;
    if (field !== Field.values) {
      cursor.skip();
      continue;
    }
    entries = [];
    if (!cursor.openArray('values')) continue;
    for (let first = true; cursor.nextElement(first); first = false) {
      if (room.take(LEAST_ENTRY_BYTES)) entries.push(readEntry());
      else cursor.leap();
    }
  }
}

/** As far as there is room: a character of text takes at least a byte. */
function textWithin(text: string, room: ReadingRoom): string {
  const kept = text.length <= room.left ? text : text.slice(0, room.left).toWellFormed();
  if (kept.length < text.length) room.isCut = true;
  room.take(kept.length);
  return kept;
}

function bytesWithin(bytes: Uint8Array, room: ReadingRoom): Uint8Array {
  const kept = bytes.subarray(0, room.left);
  if (kept.length < bytes.length) room.isCut = true;
  room.take(kept.length);
  return kept;
}

/** Null is ''. */
function readText(cursor: JsonCursor, what: string): string {
  if (cursor.isNull()) return '';
  cursor.string(what);
  return cursor.text();
}

/** The code of the string that is next; null is the empty text. */
export function readTextCode(cursor: JsonCursor, what: string, texts: Interner): number {
  if (cursor.isNull()) return 0;
  cursor.string(what);
  if (cursor.escaped) return texts.internText(cursor.text());
  return texts.internUtf8(cursor.buf, cursor.stringStart, cursor.stringEnd);
}

/** The same for a name of an event, a scope, a schema: code in `strings`. */
export function readNameCode(cursor: JsonCursor, what: string, columns: SpanColumns): number {
  if (cursor.isNull()) return 0;
  cursor.string(what);
  if (!cursor.escaped) return columns.nameInStrings(cursor.buf, cursor.stringStart, cursor.stringEnd);
  const bytes = encoder.encode(cursor.text());
  return columns.nameInStrings(bytes, 0, bytes.length);
}
