/** Attributes of OTLP/JSON -> pairs, by guess where they look like others before them (`JsonShapes`). */
import { DROPPED } from '../span/attribute-lists.ts';
import type { AttributeLists, PairTable } from '../span/attribute-lists.ts';
import { NO_SHAPE, ValueKind } from '../span/json-shapes.ts';
import { TYPE_TAGS } from '../span/value.ts';
import type { JsonCursor } from './json-cursor.ts';
import { END_OF_OBJECT, Field } from './json-fields.ts';
import { readPair } from './json-values.ts';

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

/** Integers of fewer digits are written as they are kept, and fit 64 bits. */
const MAX_PLAIN_DIGITS = 18;

/** Walks an array of attributes into the open list of `lists`. */
export function eachPair(cursor: JsonCursor, pairs: PairTable, lists: AttributeLists): void {
  if (!cursor.openArray('attributes')) return;
  const { jsonShapes } = pairs;
  const { view } = cursor;
  let previous: number = NO_SHAPE;
  for (let isFirst = true; cursor.nextElement(isFirst); isFirst = false) {
    if (cursor.isNull()) continue;
    if (!lists.takes()) {
      cursor.leap();
      continue;
    }
    const pair = jsonShapes.find(view, cursor.pos, previous);
    if (pair < 0) {
      lists.push(pairBehind(cursor, pairs, previous));
    } else {
      cursor.pos = jsonShapes.end;
      lists.push(pair);
    }
    if (jsonShapes.shape !== NO_SHAPE) previous = jsonShapes.shape;
  }
}

/** The pair of the attribute that is next, which was looked up in vain as one that follows `previous`. */
function pairBehind(cursor: JsonCursor, pairs: PairTable, previous: number): number {
  const { jsonShapes } = pairs;
  if (jsonShapes.shape !== NO_SHAPE) return newValue(cursor, pairs);
  const { view, pos: start } = cursor;
  const scalar = scalarOf(cursor);
  const end = cursor.pos;
  cursor.pos = start;
  if (!scalar) return repeatedPair(cursor, pairs);
  let shape = jsonShapes.shapeOf(view, start, scalar.start);
  if (shape === NO_SHAPE) {
    if (!jsonShapes.canLearn(scalar.start - start, end - scalar.end)) return repeatedPair(cursor, pairs);
    const pair = readPair(cursor, pairs);
    if (pair === DROPPED) return pair;
    shape = jsonShapes.learn(view, start, scalar.start, scalar.end, end, pairs.pairKeys[pair], scalar.kind);
    jsonShapes.follow(previous, shape);
    return pair;
  }
  jsonShapes.follow(previous, shape);
  const pair = jsonShapes.findValue(view, start, shape);
  if (pair < 0) return newValue(cursor, pairs);
  cursor.pos = jsonShapes.end;
  return pair;
}

/** The pair of an attribute whose shape is known and whose value is not. */
function newValue(cursor: JsonCursor, pairs: PairTable): number {
  const { jsonShapes } = pairs;
  const { end } = jsonShapes;
  const pair = end < 0 ? -1 : plainPair(cursor, pairs);
  if (pair >= 0) {
    cursor.pos = end;
    jsonShapes.add(cursor.view, pair);
    return pair;
  }
  const read = readPair(cursor, pairs);
  if (cursor.pos === end && read !== DROPPED) jsonShapes.add(cursor.view, read);
  return read;
}

/** The same where the bytes of the value say it all; -1 for all else. */
function plainPair(cursor: JsonCursor, pairs: PairTable): number {
  const { shape, keys, kinds, valueStart, valueEnd, escaped } = pairs.jsonShapes;
  const { buf } = cursor;
  const key = keys[shape];
  switch (kinds[shape]) {
    case ValueKind.text: {
      if (!escaped) return pairs.pair(key, TYPE_TAGS.string, pairs.stringCode(buf, valueStart, valueEnd));
      const value = cursor.textIn(valueStart, valueEnd, true);
      return pairs.pair(key, TYPE_TAGS.string, pairs.valueCode({ type: 'string', value }, false));
    }
    case ValueKind.quotedInt:
    case ValueKind.bareInt:
      if (!isPlainInteger(buf, valueStart, valueEnd)) return -1;
      return pairs.pair(key, TYPE_TAGS.int, pairs.values.intern(buf, valueStart, valueEnd));
    case ValueKind.bareDouble: {
      const text = cursor.numberIn(valueStart, valueEnd);
      if (text === undefined) return -1;
      const value = Number(text);
      return pairs.pair(key, TYPE_TAGS.double, pairs.valueCode({ type: 'double', value }, false));
    }
    default:
      return -1;
  }
}

/** As `BigInt.prototype.toString` writes it. */
function isPlainInteger(buf: Uint8Array, start: number, end: number): boolean {
  const digits = buf[start] === 0x2d ? start + 1 : start;
  const length = end - digits;
  if (length < 1 || length > MAX_PLAIN_DIGITS) return false;
  if (buf[digits] === 0x30) return length === 1 && digits === start;
  for (let pos = digits; pos < end; pos++) if (buf[pos] < 0x30 || buf[pos] > 0x39) return false;
  return true;
}

/** The pair of an attribute that has no shape, since its value is no scalar: by all its bytes. */
function repeatedPair(cursor: JsonCursor, pairs: PairTable): number {
  const raw = pairs.rawJson;
  const start = cursor.pos;
  cursor.leap();
  const end = cursor.pos;
  const known = raw.find(cursor.buf, start, end);
  if (known >= 0) return known;
  cursor.pos = start;
  const pair = readPair(cursor, pairs);
  if (cursor.pos !== end) cursor.fail('malformed JSON: brackets do not match', start);
  if (pair !== DROPPED) raw.add(cursor.buf, start, end, pair);
  return pair;
}

interface Scalar {
  readonly start: number;
  readonly end: number;
  readonly kind: ValueKind;
}

/**
 * Moves behind an attribute of a key and a value of one scalar, in this order and with nothing else, and
 * answers where the scalar stands: undefined for all others. Nobody has checked the scalar's grammar then.
 */
function scalarOf(cursor: JsonCursor): Scalar | undefined {
  if (cursor.peek() !== OPEN_OBJECT) return undefined;
  cursor.pos++;
  if (cursor.nextField(true) !== Field.key || cursor.peek() !== QUOTE) return undefined;
  cursor.string('key');
  if (cursor.nextField(false) !== Field.value || cursor.peek() !== OPEN_OBJECT) return undefined;
  cursor.pos++;
  const field = cursor.nextField(true);
  const byte = cursor.peek();
  if (field === END_OF_OBJECT || byte === OPEN_OBJECT || byte === OPEN_ARRAY) return undefined;
  let start = cursor.pos;
  let end: number;
  if (byte === QUOTE) {
    cursor.string('value');
    start = cursor.stringStart;
    end = cursor.stringEnd;
  } else {
    cursor.toDelimiter();
    end = cursor.pos;
  }
  const isAll = cursor.nextField(false) === END_OF_OBJECT && cursor.nextField(false) === END_OF_OBJECT;
  return isAll ? { start, end, kind: kindOf(field, byte === QUOTE) } : undefined;
}

function kindOf(field: Field, isQuoted: boolean): ValueKind {
  if (field === Field.stringValue && isQuoted) return ValueKind.text;
  if (field === Field.intValue) return isQuoted ? ValueKind.quotedInt : ValueKind.bareInt;
  if (isQuoted) return ValueKind.quoted;
  return field === Field.doubleValue ? ValueKind.bareDouble : ValueKind.bare;
}
