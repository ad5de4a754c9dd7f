import { expect, test } from 'bun:test';
import type { Attribute, Span } from '../../src/span/span.ts';
import { columnChoices, columnValue, MAX_COLUMNS, readColumns } from './columns.ts';

const text = (key: string, value: string): Attribute => ({ key, value: { type: 'string', value } });

function span(attributes: Attribute[], resource: Attribute[] = []): Span {
  return {
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    parentSpanId: '',
    traceState: '',
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: 1n,
    durationNano: 2_000_000n,
    statusCode: 2,
    statusMessage: 'no',
    flags: 0,
    attributes,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: 'shop',
    resource: { attributes: resource, droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: 'lib', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  };
}

const read = (search: string): readonly string[] => readColumns(new URLSearchParams(search));

test('columns of an address, and of a form', () => {
  expect(read('cols=span.http.route,resource.service.version')).toEqual([
    'span.http.route',
    'resource.service.version',
  ]);
  expect(read('col=.a&col=b&col=.a&col=')).toEqual(['.a', '.b']);
  expect(read('cols=statusMessage,duration,event.x,span.')).toEqual(['span:statusMessage', '.span.']);
  expect(read(`cols=${Array.from({ length: 20 }, (_, i) => `span.k${i}`).join()}`)).toHaveLength(MAX_COLUMNS);
});

test('values: the span first, then its resource; cut where they are long', () => {
  const one = span([text('a', 'own'), text('e', '')], [text('a', 'theirs'), text('b', 'x'.repeat(500))]);
  expect(columnValue('.a', one)).toBe('own');
  expect(columnValue('resource.a', one)).toBe('theirs');
  expect(columnValue('span.b', one)).toBeUndefined();
  expect(columnValue('.b', one)).toHaveLength(201);
  expect(columnValue('span.e', one)).toBe('""');
  expect(columnValue('span:statusMessage', one)).toBe('no');
  expect(columnValue('span:parentID', one)).toBeUndefined();
});

test('choices are what the spans have, the frequent first', () => {
  const spans = [span([text('a', '1'), text('b', '1')]), span([text('b', '1')], [text('service.name', 'x')])];
  expect(columnChoices(spans, 5)).toEqual([
    { field: 'span.b', count: 2 },
    { field: 'span.a', count: 1 },
  ]);
});
