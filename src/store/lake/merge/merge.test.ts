import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Span } from '../../../span/span.ts';
import { findTrace, openTraceIndex, traceKeyWords } from '../files/trace-index.ts';
import { spanArbitrary } from '../read/testing/arbitrary-spans.ts';
import { duckdbSpans } from '../testing/duckdb.ts';
import { encodeSpans } from '../write/encode.ts';
import { columnsOf } from '../read/testing/test-lake.ts';
import {
  identityOf,
  inAnyOrder,
  isInFileOrder,
  jobOf,
  normal,
  once,
  rewrite,
  writeFiles,
} from './testing/merged.ts';
import type { DayFile, Rewritten } from './testing/merged.ts';

const folder = mkdtempSync(join(tmpdir(), 'merge-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Spans of one file, where the key `s` may hold integers, so that inputs disagree about its type. */
const delivery: fc.Arbitrary<Span[]> = fc
  .tuple(fc.array(spanArbitrary, { minLength: 1, maxLength: 25 }), fc.constantFrom('string', 'int', 'none'))
  .map(([spans, typeOfS]) =>
    spans.map((span) => ({
      ...span,
      attributes: span.attributes.flatMap((attribute) => {
        if (attribute.key !== 's' || typeOfS === 'string') return [attribute];
        return typeOfS === 'none' ? [] : [{ key: 's', value: { type: 'int' as const, value: 7n } }];
      }),
    })),
  );

const deliveries = fc.array(delivery, { minLength: 1, maxLength: 4 });

interface Day {
  readonly files: DayFile[];
  /** As they were sent, by file. */
  readonly sent: Span[][];
}

/** Each delivery flushed; what a day got from each. */
async function flushed(parts: readonly (readonly Span[])[]): Promise<Map<string, Day>> {
  const days = new Map<string, Day>();
  for (const spans of parts) {
    const files = await writeFiles(folder, spans, 5);
    for (const file of files) {
      const day = days.get(file.day) ?? { files: [], sent: [] };
      day.files.push(file);
      day.sent.push(spans.filter((span) => isOfDay(span, file.day, files)));
      days.set(file.day, day);
    }
  }
  return days;
}

function isOfDay({ startTimeUnixNano: start }: Span, day: string, files: readonly DayFile[]): boolean {
  const own = new Date(Number(start / 86_400_000_000_000n) * 86_400_000).toISOString().slice(0, 10);
  return own === day || (day.startsWith('__') && !files.some((file) => file.day === own));
}

function checkIndex({ result, spans }: Rewritten): void {
  const index = openTraceIndex(result.traceIndex);
  const traces = Map.groupBy(spans.keys(), (row) => spans[row].traceId);
  expect(index.count).toBe(traces.size);
  for (const [traceId, rows] of traces) {
    const { high, low } = traceKeyWords(Buffer.from(traceId, 'hex'), 0);
    expect(findTrace(index, high, low)).toContainEqual({ firstRow: rows[0], rowCount: rows.length });
  }
}

test('files become one: each span once, in order, as our reader and DuckDB read it', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async (parts) => {
      for (const { files, sent } of (await flushed(parts)).values()) {
        const rewritten = await rewrite(folder, jobOf(files));
        const { spans, result, path } = rewritten;
        const expected = once(sent.flat());
        expect(inAnyOrder(spans)).toEqual(inAnyOrder(expected));
        expect(isInFileOrder(spans)).toBe(true);
        expect(result).toMatchObject({
          rows: expected.length,
          dropped: 0,
          duplicates: sent.flat().length - expected.length,
          bytes: Bun.file(path).size,
        });
        expect(result.statistics?.rowGroups.reduce((sum, { rows }) => sum + rows, 0)).toBe(expected.length);
        expect(result.statistics?.rowGroups.every(({ rows }) => rows <= 7)).toBe(true);
        checkIndex(rewritten);
        const read = await duckdbSpans(path, result.statistics?.promoted ?? []);
        expect(read.map(normal)).toEqual(spans.map(normal));
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('statistics are those of a file written at once', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async (parts) => {
      const known = new Set<string>();
      // No span twice, so that the entries' counts are exact and the same keys are promoted.
      const distinct = parts.map((part) =>
        part.filter((span) => !known.has(identityOf(span)) && known.add(identityOf(span))),
      );
      for (const { files, sent } of (await flushed(distinct.filter((part) => part.length > 0))).values()) {
        const { result } = await rewrite(folder, jobOf(files, { rowGroupRows: 1000 }));
        const [{ statistics: sum }, ...others] = encodeSpans([columnsOf(sent.flat()).block()], 1000);
        expect(others).toEqual([]);
        expect(result.statistics).toEqual({
          ...sum,
          services: expect.arrayContaining([...sum.services]),
          operations: expect.arrayContaining([...sum.operations]),
          attributeKeys: expect.arrayContaining([...sum.attributeKeys]),
        });
        expect(result.statistics?.attributeKeys.length).toBe(sum.attributeKeys.length);
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
