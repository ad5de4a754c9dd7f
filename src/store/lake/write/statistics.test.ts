import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { decodeTraces } from '../../../otlp/decode.ts';
import { encodeTracesProtobuf } from '../../../otlp/encode.ts';
import { requestArbitrary } from '../../../otlp/testing/arbitrary.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { SPANS } from '../../../span/schema.ts';
import type { Attribute, Span } from '../../../span/span.ts';
import { TYPE_LETTERS, TYPE_TAGS } from '../../../span/value.ts';
import type { Block } from '../../../span/vector.ts';
import { concatBlocks } from '../files/concat.ts';
import { promote } from './promote.ts';
import { MAX_STATISTICS_ENTRIES, StatisticsBuilder } from './statistics.ts';
import type { BlockStatistics } from './statistics.ts';

function blockOf(spans: readonly Span[]): Block {
  const columns = new SpanColumns();
  decodeTraces({ format: 'protobuf', body: encodeTracesProtobuf(spans) }, columns);
  columns.publishedRows = columns.rows;
  return columns.block();
}

function statisticsOf(block: Block, groupRows: number): BlockStatistics {
  const builder = new StatisticsBuilder();
  for (let from = 0; from < block.rows; from += groupRows) {
    builder.rowGroup(block, [], from, Math.min(block.rows, from + groupRows));
  }
  return builder.finish();
}

/** Span by span, with strings: what the builder must say of keys. */
function keysOf(spans: readonly Span[]): Map<string, { spanCount: number; types: string }> {
  const found = new Map<string, { spanCount: number; types: Set<string> }>();
  for (const span of spans) {
    const lists: readonly (readonly [string, readonly Attribute[]])[] = [
      ['span', span.attributes],
      ['resource', span.resource.attributes],
      ['instrumentation', span.scope.attributes],
      ['event', span.events.flatMap((event) => event.attributes)],
      ['link', span.links.flatMap((link) => link.attributes)],
    ];
    for (const [scope, list] of lists) {
      const seen = new Set<string>();
      for (const { key, value } of list) {
        const name = `${scope} ${key}`;
        const entry = found.get(name) ?? { spanCount: 0, types: new Set() };
        found.set(name, entry);
        if (!seen.has(key)) entry.spanCount++;
        seen.add(key);
        entry.types.add(TYPE_LETTERS[TYPE_TAGS[value.type]]);
      }
    }
  }
  const texts = [...found].map(
    ([name, { spanCount, types }]) => [name, { spanCount, types: [...types].sort().join('') }] as const,
  );
  return new Map(texts);
}

const spansArbitrary = fc
  .array(requestArbitrary, { minLength: 1, maxLength: 5 })
  .map((requests) => requests.flat())
  .filter((spans) => spans.length > 0);

test('counts keys and types as the spans have them', () => {
  fc.assert(
    fc.property(spansArbitrary, (spans) => {
      const found = statisticsOf(blockOf(spans), 7).attributeKeys.map(
        ({ scope, key, spanCount, types }) => [`${scope} ${key}`, { spanCount, types }] as const,
      );
      expect(new Map<string, unknown>(found)).toEqual(keysOf(spans));
    }),
  );
});

test('counts services and operations as the spans have them', () => {
  fc.assert(
    fc.property(spansArbitrary, (spans) => {
      const { services, operations, errorCount } = statisticsOf(blockOf(spans), 3);
      const ofService = (name: string) => spans.filter((span) => span.serviceName === name);
      expect(new Set(services.map(({ name }) => name))).toEqual(
        new Set(spans.map(({ serviceName }) => serviceName)),
      );
      for (const { name, spanCount, errorCount: errors, maxDurationNano } of services) {
        const own = ofService(name);
        expect(spanCount).toBe(own.length);
        expect(errors).toBe(own.filter((span) => span.statusCode === 2).length);
        const longest = own.map((span) => span.durationNano).reduce((a, b) => (b > a ? b : a));
        expect(maxDurationNano).toBe(longest);
      }
      expect(errorCount).toBe(spans.filter((span) => span.statusCode === 2).length);
      const counted = operations.reduce((sum, operation) => sum + operation.spanCount, 0);
      expect(counted).toBe(spans.length);
      for (const { serviceName, name, kind, spanCount } of operations) {
        const own = ofService(serviceName).filter((span) => span.name === name && span.kind === kind);
        expect(spanCount).toBe(own.length);
      }
    }),
  );
});

test('the same comes out of one block, and of row groups that each promoted what they like', () => {
  fc.assert(
    fc.property(spansArbitrary, fc.integer({ min: 1, max: 9 }), (spans, groupRows) => {
      const block = blockOf(spans);
      const builder = new StatisticsBuilder();
      for (let from = 0; from < block.rows; from += groupRows) {
        const rows = Uint32Array.from({ length: Math.min(groupRows, block.rows - from) }, (_, i) => from + i);
        const promoted = promote(block, SPANS, rows);
        builder.rowGroup(promoted.block, promoted.columns);
      }
      expect(builder.finish()).toEqual(statisticsOf(block, groupRows));
    }),
  );
});

test('the same comes out of blocks with dictionaries of their own', () => {
  fc.assert(
    fc.property(fc.array(spansArbitrary, { minLength: 2, maxLength: 4 }), (parts) => {
      const blocks = parts.map(blockOf);
      const apart = new StatisticsBuilder();
      for (const block of blocks) apart.rowGroup(block, []);
      const joined = concatBlocks(blocks);
      const together = new StatisticsBuilder();
      let from = 0;
      for (const { rows } of blocks) together.rowGroup(joined, [], from, (from += rows));
      expect(together.finish()).toEqual(apart.finish());
    }),
  );
});

test('lists are cut at the most frequent entries, and say so', () => {
  const span = fc.sample(spansArbitrary, { numRuns: 1, seed: 1 })[0][0];
  const spans = Array.from({ length: MAX_STATISTICS_ENTRIES + 50 }, (_, n) => ({
    ...span,
    name: n < 60 ? 'frequent' : `operation ${n}`,
    attributes: [{ key: n < 70 ? 'frequent' : `key ${n}`, value: { type: 'bool' as const, value: true } }],
    resource: { ...span.resource, attributes: [] },
    scope: { ...span.scope, attributes: [] },
    events: [],
    links: [],
  }));
  const cut = statisticsOf(blockOf(spans.concat(spans)), 1000);
  expect(cut.operations[0]).toMatchObject({ name: 'frequent', spanCount: 120 });
  expect(cut.attributeKeys[0]).toEqual({ scope: 'span', key: 'frequent', spanCount: 140, types: 'b' });
  expect([cut.operationsWhole, cut.attributeKeysWhole, cut.servicesWhole]).toEqual([true, true, true]);
  const more = spans.concat(spans.map((one, n) => ({ ...one, name: `another ${n}` })));
  expect(statisticsOf(blockOf(more), 1000)).toMatchObject({ operationsWhole: false, servicesWhole: true });
});

test('no rows have no statistics', () => {
  expect(() => new StatisticsBuilder().finish()).toThrow('statistics of no rows');
});
