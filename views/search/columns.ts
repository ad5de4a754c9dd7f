/** Columns that a person chose for the results: fields of spans, named in the address as scripts name them. */
import type { Attribute, AttributeValue, Span } from '../../src/span/span.ts';
import { valueText } from '../../src/span/value.ts';
import type { AttributeField, IntrinsicField } from '../../src/traceql/ast.ts';
import { fieldFromText } from '../../src/traceql/build.ts';
import { INTRINSICS } from '../../src/traceql/keywords.ts';
import { formatDuration, kindName, statusName } from '../format.ts';

/** More of them nobody reads side by side. */
export const MAX_COLUMNS = 8;
/** The whole value is in the span. */
const SHOWN_CHARS = 200;
/** Keys longer than this are no choice that a person makes in a table. */
const MAX_FIELD_CHARS = 200;

/** Intrinsics that one span answers, beside those that are always shown. */
const OWN_INTRINSICS: readonly string[] = [
  'span:statusMessage',
  'span:id',
  'span:parentID',
  'trace:id',
  'instrumentation:name',
  'instrumentation:version',
];

/** The chosen fields of an address: `cols=a,b`, or a form's `col=a&col=b`. What no span answers is left out. */
export function readColumns(params: URLSearchParams): readonly string[] {
  const given = [...(params.get('cols') ?? '').split(','), ...params.getAll('col')];
  const fields = given.map((text) => canonical(text.trim())).filter((text) => text !== '');
  return [...new Set(fields)].slice(0, MAX_COLUMNS);
}

function canonical(text: string): string {
  if (text === '' || text.length > MAX_FIELD_CHARS || text.includes(',')) return '';
  const name = INTRINSICS.get(text);
  if (name !== undefined) return OWN_INTRINSICS.includes(name) ? name : '';
  const field = fieldFromText(text);
  if (field.kind !== 'attribute' || field.scope === 'event' || field.scope === 'link') return '';
  return field.scope === 'any' && !text.startsWith('.') ? `.${text}` : text;
}

/** The value of a column for a span; undefined where it has none. */
export function columnValue(column: string, span: Span): string | undefined {
  const field: AttributeField | IntrinsicField = fieldFromText(column);
  const text = field.kind === 'attribute' ? attributeText(field, span) : intrinsicText(field.name, span);
  return text !== undefined && text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

function attributeText({ scope, key }: AttributeField, span: Span): string | undefined {
  const value = attributeOf(scope, key, span);
  return value && (value.type === 'string' && value.value === '' ? '""' : valueText(value));
}

function attributeOf(scope: AttributeField['scope'], key: string, span: Span): AttributeValue | undefined {
  switch (scope) {
    case 'span':
      return find(span.attributes, key);
    case 'resource':
      return find(span.resource.attributes, key);
    case 'instrumentation':
      return find(span.scope.attributes, key);
    case 'any':
      return find(span.attributes, key) ?? find(span.resource.attributes, key);
    case 'event':
    case 'link':
      return undefined;
  }
}

function find(attributes: readonly Attribute[], key: string): AttributeValue | undefined {
  return attributes.find((one) => one.key === key)?.value;
}

function intrinsicText(name: IntrinsicField['name'], span: Span): string | undefined {
  switch (name) {
    case 'span:statusMessage':
      return span.statusMessage || undefined;
    case 'span:id':
      return span.spanId;
    case 'span:parentID':
      return span.parentSpanId || undefined;
    case 'trace:id':
      return span.traceId;
    case 'instrumentation:name':
      return span.scope.name || undefined;
    case 'instrumentation:version':
      return span.scope.version || undefined;
    case 'span:name':
      return span.name;
    case 'span:kind':
      return kindName(span.kind);
    case 'span:status':
      return statusName(span.statusCode);
    case 'span:duration':
      return formatDuration(span.durationNano);
    default:
      return undefined;
  }
}

export interface ColumnChoice {
  readonly field: string;
  /** Shown spans that have it. */
  readonly count: number;
}

/** Columns that would hold something: attributes of the spans on the page, those first that most of them have. */
export function columnChoices(spans: readonly Span[], most: number): readonly ColumnChoice[] {
  const counts = new Map<string, number>();
  const count = (scope: string, attributes: readonly Attribute[]): void => {
    for (const { key } of attributes) {
      const field = `${scope}.${key}`;
      if (canonical(field) !== '' && field !== 'resource.service.name') {
        counts.set(field, (counts.get(field) ?? 0) + 1);
      }
    }
  };
  for (const span of spans) {
    count('span', span.attributes);
    count('resource', span.resource.attributes);
  }
  return [...counts]
    .map(([field, found]) => ({ field, count: found }))
    .toSorted((a, b) => b.count - a.count || (a.field < b.field ? -1 : 1))
    .slice(0, most);
}
