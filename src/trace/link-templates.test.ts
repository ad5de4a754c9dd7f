import { describe, expect, test } from 'bun:test';
import type { Attribute, Span } from '../span/span.ts';
import { fillTemplate, templateProblem } from './link-templates.ts';

const text = (key: string, value: string): Attribute => ({ key, value: { type: 'string', value } });

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'GET /a b',
  serviceName: 'shop&co',
  startTimeUnixNano: 1_700_000_000_123_456_789n,
  durationNano: 2_000_000n,
  attributes: [text('http.route', '/x/{id}?y#z'), text('evil', '\ud800//other.example')],
  resource: { attributes: [text('host.name', 'a1')], droppedAttributesCount: 0, schemaUrl: '' },
} as unknown as Span;

describe('a template filled', () => {
  const cases: readonly (readonly [url: string, href: string | undefined])[] = [
    ['https://l.example/t/${traceId}/${spanId}', `https://l.example/t/${SPAN.traceId}/${SPAN.spanId}`],
    ['https://l.example/?s=${service}&n=${name}', 'https://l.example/?s=shop%26co&n=GET%20%2Fa%20b'],
    ['https://l.example/?a=${startMs}&b=${endMs}', 'https://l.example/?a=1700000000123&b=1700000000125'],
    ['https://l.example/?a=${startNano}', 'https://l.example/?a=1700000000123456789'],
    ['https://l.example/?r=${span.http.route}', 'https://l.example/?r=%2Fx%2F%7Bid%7D%3Fy%23z'],
    ['https://l.example/?h=${resource.host.name}', 'https://l.example/?h=a1'],
    ['https://l.example/${span.evil}', 'https://l.example/%EF%BF%BD%2F%2Fother.example'],
    ['https://l.example/${span.absent}', undefined],
    ['https://l.example/', 'https://l.example/'],
  ];
  for (const [url, href] of cases) {
    test(url, () => expect(fillTemplate({ name: 'x', url }, SPAN)?.href).toBe(href));
  }
});

describe('what is no template', () => {
  const cases: readonly (readonly [url: string, problem: string])[] = [
    ['javascript:alert(1)', 'the address begins with https:// or http://'],
    ['/logs?${traceId}', 'the address begins with https:// or http://'],
    ['https://${service}.example/', 'the host can’t have places to fill'],
    ['https://', 'that is not an address'],
    ['https://l.example/${nothing}', '${nothing} is not known: see the list of what can be filled in'],
    ['https://l.example/${traceId}', ''],
  ];
  for (const [url, problem] of cases) test(url, () => expect(templateProblem(url)).toBe(problem));
});
