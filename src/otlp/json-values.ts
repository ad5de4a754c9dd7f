/** KeyValue and AnyValue of OTLP/JSON -> pairs. Runs once for each distinct run of bytes. */
import { MAX_VALUE_DEPTH } from '../limits.ts';
import type { PairTable } from '../span/attribute-lists.ts';
import type { Interner } from '../span/interner.ts';
import type { Attribute, AttributeValue } from '../span/span.ts';
import { TYPE_TAGS, valueText } from '../span/value.ts';
import type { JsonCursor } from './json-cursor.ts';
import { END_OF_OBJECT, Field } from './json-fields.ts';
import { readBool, readBytes, readDouble, readInteger } from './json-scalars.ts';

const EMPTY: AttributeValue = { type: 'empty' };

/** Walks an array of attributes and gives the pair of each to `push`. */
export function eachPair(cursor: JsonCursor, pairs: PairTable, lists: { push(pair: number): void }): void {
  if (!cursor.openArray('attributes')) return;
  for (let isFirst = true; cursor.nextElement(isFirst); isFirst = false) {
    if (!cursor.isNull()) lists.push(pairOf(cursor, pairs));
  }
}

/** The pair of the KeyValue that is next, by its raw bytes when they were met before. */
function pairOf(cursor: JsonCursor, pairs: PairTable): number {
  const raw = pairs.rawJson;
  const start = cursor.pos;
  cursor.leap();
  const end = cursor.pos;
  const known = raw.find(cursor.buf, start, end);
  if (known >= 0) return known;
  cursor.pos = start;
  const { key, value } = readAttribute(cursor, 1);
  if (cursor.pos !== end) cursor.fail('malformed JSON: brackets do not match', start);
  const text = pairs.values.internText(valueText(value));
  const pair = pairs.pair(pairs.keys.internText(key), TYPE_TAGS[value.type], text);
  raw.add(cursor.buf, start, end, pair);
  return pair;
}

function readAttribute(cursor: JsonCursor, depth: number): Attribute {
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
        value = readAnyValue(cursor, depth);
        break;
      default:
        cursor.skip();
    }
  }
}

/** Of several fields set, the last one counts; a field that is null is not set. */
function readAnyValue(cursor: JsonCursor, depth: number): AttributeValue {
  if (depth > MAX_VALUE_DEPTH) cursor.fail(`attribute values nest deeper than ${MAX_VALUE_DEPTH}`);
  let value = EMPTY;
  if (!cursor.openObject('value')) return value;
  for (let isFirst = true; ; isFirst = false) {
    const field = cursor.nextField(isFirst);
    if (field === END_OF_OBJECT) return value;
    if (!cursor.isNull()) value = readAnyField(cursor, field, depth) ?? value;
  }
}

function readAnyField(cursor: JsonCursor, field: Field, depth: number): AttributeValue | undefined {
  switch (field) {
    case Field.stringValue:
      return { type: 'string', value: readText(cursor, 'stringValue') };
    case Field.boolValue:
      return { type: 'bool', value: readBool(cursor, 'boolValue') };
    case Field.intValue:
      return { type: 'int', value: readInt64(cursor) };
    case Field.doubleValue:
      return { type: 'double', value: readDouble(cursor, 'doubleValue') };
    case Field.bytesValue:
      return { type: 'bytes', value: readBytes(cursor, 'bytesValue') };
    case Field.arrayValue:
      return { type: 'array', value: readList(cursor, () => readAnyValue(cursor, depth + 1)) };
    case Field.kvlistValue:
      return { type: 'kvlist', value: readList(cursor, () => readAttribute(cursor, depth + 1)) };
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
function readList<T>(cursor: JsonCursor, readEntry: () => T): T[] {
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
    for (let first = true; cursor.nextElement(first); first = false) entries.push(readEntry());
  }
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
