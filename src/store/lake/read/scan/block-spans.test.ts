import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { SPANS } from '../../../../span/schema.ts';
import type { Span } from '../../../../span/span.ts';
import { promote } from '../../write/promote.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { columnsOf } from '../testing/test-lake.ts';
import { SpanReader } from './block-spans.ts';
import { packedRows } from './packed-rows.ts';

const FIELDS = [
  'traceId',
  'spanId',
  'parentSpanId',
  'traceState',
  'name',
  'kind',
  'startTimeUnixNano',
  'durationNano',
  'statusCode',
  'statusMessage',
  'flags',
  'attributes',
  'droppedAttributesCount',
  'events',
  'droppedEventsCount',
  'links',
  'droppedLinksCount',
  'serviceName',
  'resource',
  'scope',
] as const satisfies readonly (keyof Span)[];

test('a view of a row has each field of its span, of buffers and of packed rows, promoted or not', () => {
  fc.assert(
    fc.property(spansArbitrary, fc.infiniteStream(fc.boolean()), (spans, isPicked) => {
      const buffered = columnsOf(spans).block();
      const all = Uint32Array.from(spans, (_, row) => row);
      const picked = all.filter(() => isPicked.next().value === true);
      for (const block of [buffered, promote(buffered, SPANS, all).block]) {
        const packed = packedRows(block, picked, block.columns.keys());
        const [reader, ofPacked] = [new SpanReader(block), new SpanReader(packed)];
        const wholes = spans.map((_, row) => reader.span(row));
        for (const [row, whole] of wholes.entries()) {
          expect(Object.keys(whole).toSorted()).toEqual(FIELDS.toSorted());
          const view = reader.view(row);
          for (const field of FIELDS) expect(view[field]).toEqual(whole[field]);
        }
        expect(packed.rows).toBe(picked.length);
        expect(Array.from(picked, (_, i) => ofPacked.span(i))).toEqual(
          Array.from(picked, (row) => wholes[row]),
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('packed rows carry the texts that they use, and no more', () => {
  const spans = fc.sample(spansArbitrary, { seed: 3, numRuns: 30 }).flat();
  const names = spans.map((span, i) => ({ ...span, name: `operation ${i}` }));
  const packed = packedRows(columnsOf(names).block(), Uint32Array.of(2, 5), ['name']);
  const name = packed.columns.get('name');
  expect(name?.kind === 'text' && new TextDecoder().decode(name.dictionary.bytes)).toBe(
    'operation 2operation 5',
  );
});
