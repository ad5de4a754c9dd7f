import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { SPANS } from '../../../../span/schema.ts';
import type { Span } from '../../../../span/span.ts';
import type { Block } from '../../../../span/vector.ts';
import { analyse } from '../../../../traceql/analyse.ts';
import type { Query } from '../../../../traceql/ast.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { ColumnFiles } from '../../files/column-files.ts';
import { ColumnReader } from '../../files/column-reader.ts';
import { ParquetFileWriter } from '../../files/parquet-writer.ts';
import { promote } from '../../write/promote.ts';
import type { Promoted } from '../../write/promote.ts';
import { ArrayPool } from './column-arrays.ts';
import { RowGroupSource } from './column-row-group.ts';
import { Selection } from './scan.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { spanQuery } from '../testing/random-conditions.ts';
import { columnsOf } from '../testing/test-lake.ts';
import { SpanFields, TraceContext } from '../testing/trace-fields.ts';
import { expectCondition } from '../../../../traceql/query.ts';

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };

/** Rows that the kernels keep, in two slices as a buffer is scanned. */
function selected(block: Block, query: Query): number[] {
  const filter = { condition: analyse(expectCondition(query)).scan, range: EVERYTHING };
  const selection = new Selection(block, filter);
  const middle = block.rows >> 1;
  selection.select(0, middle);
  const bytes = selection.select(middle, block.rows);
  return Array.from({ length: block.rows }, (_, row) => row).filter((row) => bytes[row] === 1);
}

const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reader = new ColumnReader(new ColumnFiles(), 1 << 24);
const arrays = new ArrayPool();
let files = 0;

/** What the kernels keep of the row group of a file, whose pages they read themselves. */
function inFile({ block, columns }: Promoted): { rows(query: Query): number[]; close(): void } {
  const path = join(folder, `${files++}.parquet`);
  const parts: Uint8Array[] = [];
  const writer = new ParquetFileWriter(SPANS, columns, (bytes) => parts.push(bytes), new Map(), {});
  writer.rowGroup(block);
  writer.finish();
  writeFileSync(path, Buffer.concat(parts));
  return {
    rows(query) {
      const group = reader.open(path, 0);
      if (group === undefined) throw new Error(`${path} is not ours`);
      const source = new RowGroupSource(group, undefined, arrays);
      const filter = { condition: analyse(expectCondition(query)).scan, range: EVERYTHING };
      const bytes = new Selection(source, filter).select(0, source.rows);
      const rows = Array.from({ length: source.rows }, (_, row) => row).filter((row) => bytes[row] === 1);
      source.close();
      group.close();
      return rows;
    },
    close: () => rmSync(path),
  };
}

function allRows({ rows }: Block): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

function expected(spans: readonly Span[], query: Query): number[] {
  const condition = expectCondition(query);
  const rows = spans.map((_, row) => row);
  return rows.filter((row) => matches(condition, new SpanFields(spans[row], new TraceContext([spans[row]]))));
}

test('kernels keep the rows that TraceQL evaluation keeps, attributes promoted or not, and of files', () => {
  let hits = 0;
  let misses = 0;
  fc.assert(
    fc.property(spansArbitrary, fc.array(spanQuery, { minLength: 10, maxLength: 30 }), (spans, queries) => {
      const buffered = columnsOf(spans).block();
      const own = promote(buffered, SPANS, allRows(buffered));
      const promoted = own.block;
      const file = inFile(own);
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
        expect({ query: query.text, file: file.rows(query) }).toEqual({ query: query.text, file: wanted });
      }
      file.close();
    }),
    { numRuns: 80 },
  );
  // The random queries must not be so odd that everything or nothing matches.
  expect(Math.min(hits, misses) / (hits + misses)).toBeGreaterThan(0.1);
});

test('a condition of each kind, against spans chosen for it', () => {
  const spans = fc.sample(spansArbitrary, { seed: 7, numRuns: 20 }).flat();
  const block = columnsOf(spans).block();
  const own = promote(block, SPANS, allRows(block));
  const promoted = own.block;
  const file = inFile(own);
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
    expect({ text, file: file.rows(query) }).toEqual({ text, file: wanted });
  }
});
