/**
 * Attribute values as text: how a value that has no typed column of its own stands in a dictionary and
 * in a Parquet map. Lossless together with its type. Documented for readers in data/README.md.
 *
 * string as it is; int in decimal; double as JavaScript prints it ("0.1", "1e+21", "-0", "NaN",
 * "Infinity"); bool "true" or "false"; bytes in base64; empty ""; array and kvlist as JSON in which
 * an integer literal is an int, a literal with "." or "e" a double, null an empty value,
 * {"$double":"NaN"} a double that JSON lacks, {"$bytes":"..."} bytes, and {"$kvlist":[["k",v],...]}
 * a kvlist whose keys repeat, begin with "$" or are digits only (JSON objects reorder those).
 */
import type { Attribute, AttributeType, AttributeValue } from './span.ts';

/** The code of each type in a buffer and, as TYPE_LETTERS[tag], in a Parquet file's `*_types` columns. */
export const TYPE_TAGS: Readonly<Record<AttributeType, number>> = {
  string: 0,
  bool: 1,
  int: 2,
  double: 3,
  bytes: 4,
  array: 5,
  kvlist: 6,
  empty: 7,
};

export const TYPES_BY_TAG: readonly AttributeType[] = [
  'string',
  'bool',
  'int',
  'double',
  'bytes',
  'array',
  'kvlist',
  'empty',
];

/** One letter a type, by tag: s(tring) b(ool) i(nt) d(ouble) (b)y(tes) a(rray) k(vlist) e(mpty). */
export const TYPE_LETTERS = 'sbidyake';

export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

export function valueText(value: AttributeValue): string {
  switch (value.type) {
    case 'string':
      return value.value;
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'int':
      return value.value.toString();
    case 'double':
      return doubleText(value.value);
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'array':
    case 'kvlist':
      return nestedText(value);
    case 'empty':
      return '';
  }
}

/** The text of a value within a list. */
export function nestedText(value: AttributeValue): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value);
    case 'bool':
    case 'int':
      return valueText(value);
    case 'double':
      return nestedDouble(value.value);
    case 'bytes':
      return `{"$bytes":"${valueText(value)}"}`;
    case 'empty':
      return 'null';
    case 'array':
      return `[${value.value.map(nestedText).join(',')}]`;
    case 'kvlist':
      return kvlistText(value.value);
  }
}

function nestedDouble(value: number): string {
  if (!Number.isFinite(value)) return `{"$double":"${value}"}`;
  const text = doubleText(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** False for a list whose keys JSON's objects can't hold as they are. */
export function isPlainKvlist(list: readonly Attribute[]): boolean {
  const keys = new Set(list.map((entry) => entry.key));
  return keys.size === list.length && !list.some((entry) => /^(\$|\d+$)/.test(entry.key));
}

function kvlistText(list: readonly Attribute[]): string {
  if (!isPlainKvlist(list)) {
    const entries = list.map((entry) => `[${JSON.stringify(entry.key)},${nestedText(entry.value)}]`);
    return `{"$kvlist":[${entries.join(',')}]}`;
  }
  const entries = list.map((entry) => `${JSON.stringify(entry.key)}:${nestedText(entry.value)}`);
  return `{${entries.join(',')}}`;
}

/** The inverse of `valueText`. Throws SyntaxError for a text that `valueText` cannot have written. */
export function parseValueText(type: AttributeType, text: string): AttributeValue {
  switch (type) {
    case 'string':
      return { type, value: text };
    case 'bool':
      return { type, value: text === 'true' };
    case 'int':
      return { type, value: BigInt(text) };
    case 'double':
      return { type, value: Number(text) };
    case 'bytes':
      return { type, value: new Uint8Array(Buffer.from(text, 'base64')) };
    case 'array':
    case 'kvlist':
      return fromNested(JSON.parse(NUMBER_START.test(text) ? quoteNumbers(text) : text));
    case 'empty':
      return { type };
  }
}

/** Where a number may stand, or a text in which it looks so. */
const NUMBER_START = /[[,:]\s*-?\d/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * With each number as `{"$number":"1"}`, which no other object is written as: an integer literal is an int, and may be
 * larger than JavaScript's numbers are exact. JSON.parse with a function for each value takes 1.5 us an element, this
 * 0.4, and texts alone 0.2. A regular expression fails at texts of a million escapes.
 */
function quoteNumbers(text: string): string {
  const parts: string[] = [];
  let kept = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++) {
        if (text.charCodeAt(at) === BACKSLASH) at++;
      }
    } else if (startsNumber(unit)) {
      const from = at;
      while (at + 1 < text.length && isInNumber(text.charCodeAt(at + 1))) at++;
      parts.push(text.slice(kept, from), '{"$number":"', text.slice(from, at + 1), '"}');
      kept = at + 1;
    }
  }
  parts.push(text.slice(kept));
  return parts.join('');
}

function startsNumber(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || unit === 0x2d;
}

/** Digits and `.eE+-`. */
function isInNumber(unit: number): boolean {
  return startsNumber(unit) || unit === 0x2e || unit === 0x65 || unit === 0x45 || unit === 0x2b;
}

function fromNested(json: unknown): AttributeValue {
  if (json === null) return { type: 'empty' };
  if (typeof json === 'string') return { type: 'string', value: json };
  if (typeof json === 'boolean') return { type: 'bool', value: json };
  if (Array.isArray(json)) return { type: 'array', value: json.map(fromNested) };
  return fromNestedObject(json as Record<string, unknown>);
}

function fromNestedObject(json: Record<string, unknown>): AttributeValue {
  if (typeof json.$number === 'string' && /^-?\d/.test(json.$number)) {
    return /[.e]/i.test(json.$number)
      ? { type: 'double', value: Number(json.$number) }
      : { type: 'int', value: BigInt(json.$number) };
  }
  if (typeof json.$double === 'string') return { type: 'double', value: Number(json.$double) };
  if (typeof json.$bytes === 'string') return parseValueText('bytes', json.$bytes);
  if (Array.isArray(json.$kvlist)) {
    const list = json.$kvlist as [string, unknown][];
    return { type: 'kvlist', value: list.map(([key, value]) => ({ key, value: fromNested(value) })) };
  }
  const entries = Object.entries(json);
  return { type: 'kvlist', value: entries.map(([key, value]) => ({ key, value: fromNested(value) })) };
}
