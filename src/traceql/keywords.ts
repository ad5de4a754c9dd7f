/** The words of the language and what they stand for. */
import type { AttributeFieldScope, Intrinsic, KindKeyword, Static, StatusKeyword } from './ast.ts';

/** By OpenTelemetry's status code. */
export const STATUS_KEYWORDS: readonly StatusKeyword[] = ['unset', 'ok', 'error'];

/** By OpenTelemetry's span kind. */
export const KIND_KEYWORDS: readonly KindKeyword[] = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
];

/** Of the scopes that carry attributes; a "." follows them in the text. */
export const SCOPES: ReadonlySet<string> = new Set<AttributeFieldScope>([
  'span',
  'resource',
  'event',
  'link',
  'instrumentation',
]);

export const MIN_INT = -(1n << 63n);
export const MAX_INT = (1n << 63n) - 1n;

export const CONSTANTS: ReadonlyMap<string, Static> = new Map<string, Static>([
  ['true', { type: 'bool', value: true }],
  ['false', { type: 'bool', value: false }],
  ['nil', { type: 'nil' }],
  ['minInt', { type: 'int', value: MIN_INT }],
  ['maxInt', { type: 'int', value: MAX_INT }],
  ...STATUS_KEYWORDS.map((value): [string, Static] => [value, { type: 'status', value }]),
  ...KIND_KEYWORDS.map((value): [string, Static] => [value, { type: 'kind', value }]),
]);

/** Every spelling of an intrinsic. Bare names are the older ones; `trace:rootService` is `rootServiceName`. */
export const INTRINSICS: ReadonlyMap<string, Intrinsic> = new Map<string, Intrinsic>([
  ['span:id', 'span:id'],
  ['span:parentID', 'span:parentID'],
  ['span:name', 'span:name'],
  ['name', 'span:name'],
  ['span:kind', 'span:kind'],
  ['kind', 'span:kind'],
  ['span:status', 'span:status'],
  ['status', 'span:status'],
  ['span:statusMessage', 'span:statusMessage'],
  ['statusMessage', 'span:statusMessage'],
  ['span:duration', 'span:duration'],
  ['duration', 'span:duration'],
  ['span:childCount', 'span:childCount'],
  ['childCount', 'span:childCount'],
  ['parent', 'span:parent'],
  ['trace:id', 'trace:id'],
  ['trace:duration', 'trace:duration'],
  ['traceDuration', 'trace:duration'],
  ['trace:rootName', 'trace:rootName'],
  ['rootName', 'trace:rootName'],
  ['trace:rootService', 'trace:rootService'],
  ['rootServiceName', 'trace:rootService'],
  ['event:name', 'event:name'],
  ['event:timeSinceStart', 'event:timeSinceStart'],
  ['link:traceID', 'link:traceID'],
  ['link:spanID', 'link:spanID'],
  ['instrumentation:name', 'instrumentation:name'],
  ['instrumentation:version', 'instrumentation:version'],
  ['nestedSetLeft', 'nestedSetLeft'],
  ['nestedSetRight', 'nestedSetRight'],
  ['nestedSetParent', 'nestedSetParent'],
]);

/** How an intrinsic is printed; `parent` is the only one whose own name is not in the language. */
export function intrinsicText(name: Intrinsic): string {
  return name === 'span:parent' ? 'parent' : name;
}

export type FieldType = Exclude<Static['type'], 'opaque'> | 'attribute';

/** `attribute`: only the span tells. */
export function intrinsicType(name: Intrinsic): FieldType {
  switch (name) {
    case 'span:duration':
    case 'trace:duration':
    case 'event:timeSinceStart':
      return 'duration';
    case 'span:status':
      return 'status';
    case 'span:kind':
      return 'kind';
    case 'span:childCount':
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      return 'int';
    case 'span:parent':
      return 'nil';
    case 'span:id':
    case 'span:parentID':
    case 'span:name':
    case 'span:statusMessage':
    case 'trace:id':
    case 'trace:rootName':
    case 'trace:rootService':
    case 'event:name':
    case 'link:traceID':
    case 'link:spanID':
    case 'instrumentation:name':
    case 'instrumentation:version':
      return 'string';
  }
}

/** "unset, ok or error": the words of a type that has its own, which stand without quotes. */
export function wordsOfType(type: FieldType): string | undefined {
  if (type === 'status') return oneOf(STATUS_KEYWORDS);
  return type === 'kind' ? oneOf(KIND_KEYWORDS) : undefined;
}

function oneOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

/** Hex digits of the intrinsics that are ids, else 0. */
export function idDigits(name: Intrinsic): 0 | 16 | 32 {
  switch (name) {
    case 'trace:id':
    case 'link:traceID':
      return 32;
    case 'span:id':
    case 'span:parentID':
    case 'link:spanID':
      return 16;
    default:
      return 0;
  }
}

/** True for what a span alone can't tell: the rest of its trace is needed. */
export function needsTrace(name: Intrinsic): boolean {
  switch (name) {
    case 'span:childCount':
    case 'trace:duration':
    case 'trace:rootName':
    case 'trace:rootService':
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      return true;
    default:
      return false;
  }
}

export function kindStatics(kind: number): readonly Static[] {
  return kind < KIND_KEYWORDS.length ? [{ type: 'kind', value: KIND_KEYWORDS[kind] }] : [];
}

export function statusStatics(status: number): readonly Static[] {
  return status < STATUS_KEYWORDS.length ? [{ type: 'status', value: STATUS_KEYWORDS[status] }] : [];
}
