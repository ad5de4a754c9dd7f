import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { SPANS } from '../../../span/schema.ts';
import type { Span } from '../../../span/span.ts';
import type { Block } from '../../../span/vector.ts';
import { analyse } from '../../../traceql/analyse.ts';
import type { Query } from '../../../traceql/ast.ts';
import { matches } from '../../../traceql/evaluate.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import { promote } from '../write/promote.ts';
import { Selection } from './scan.ts';
import { spanQuery, spansArbitrary } from './testing/arbitrary-spans.ts';
import { columnsOf } from './testing/test-lake.ts';
import { SpanFields, TraceContext } from './trace-fields.ts';

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };

/** Rows that the kernels keep, in two slices as a buffer is scanned. */
function selected(block: Block, query: Query): number[] {
  const filter = { condition: analyse(query.spanset.condition).scan, range: EVERYTHING };
  const selection = new Selection(block, filter);
  const middle = block.rows >> 1;
  selection.select(0, middle);
  const bytes = selection.select(middle, block.rows);
  return Array.from({ length: block.rows }, (_, row) => row).filter((row) => bytes[row] === 1);
}

function allRows({ rows }: Block): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

function expected(spans: readonly Span[], query: Query): number[] {
  const { condition } = query.spanset;
  const rows = spans.map((_, row) => row);
  return rows.filter((row) => matches(condition, new SpanFields(spans[row], new TraceContext([spans[row]]))));
}

test('kernels keep the rows that TraceQL evaluation keeps, attributes promoted or not', () => {
  let hits = 0;
  let misses = 0;
  fc.assert(
    fc.property(spansArbitrary, fc.array(spanQuery, { minLength: 10, maxLength: 30 }), (spans, queries) => {
      const buffered = columnsOf(spans).block();
      const promoted = promote(buffered, SPANS, allRows(buffered)).block;
      for (const query of queries) {
        const wanted = expected(spans, query);
        hits += wanted.length;
        misses += spans.length - wanted.length;
        expect({ query: query.text, rows: selected(buffered, query) }).toEqual({
          query: query.text,
          rows: wanted,
        });
        expect({ query: query.text, rows: selected(promoted, query) }).toEqual({
          query: query.text,
          rows: wanted,
        });
      }
    }),
    { numRuns: 150 },
  );
  // The random queries must not be so odd that everything or nothing matches.
  expect(Math.min(hits, misses) / (hits + misses)).toBeGreaterThan(0.1);
});

test('a condition of each kind, against spans chosen for it', () => {
  const spans = fc.sample(spansArbitrary, { seed: 7, numRuns: 20 }).flat();
  const block = columnsOf(spans).block();
  const promoted = promote(block, SPANS, allRows(block)).block;
  const texts = [
    '{ duration >= 6ns && duration <= 20ns }',
    '{ duration != 1s }',
    '{ .m = 1 }',
    '{ .s = nil }',
    '{ span.i != nil && resource.i = nil }',
    '{ !(span.s = "a" || status = error) }',
    '{ span.d < 1 || span.b = true }',
    '{ event.s = "a" && event:name =~ "exc.*" }',
    '{ span.i = resource.i }',
    '{ resource.service.name != "shop" }',
  ];
  for (const text of texts) {
    const query = parseQuery(text);
    const wanted = expected(spans, query);
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.length).toBeLessThan(spans.length);
    expect({ text, rows: selected(block, query) }).toEqual({ text, rows: wanted });
    expect({ text, rows: selected(promoted, query) }).toEqual({ text, rows: wanted });
  }
});
