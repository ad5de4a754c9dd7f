import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SpanColumns } from '../span/columns.ts';
import type { Span } from '../span/span.ts';
import { decodeTraces, decodeTracesInSlices } from './decode.ts';
import { encodeTracesJson, encodeTracesProtobuf } from './encode.ts';
import { OtlpDecodeError } from './errors.ts';
import { groupSpans } from './group.ts';
import { requestArbitrary } from './testing/arbitrary.ts';
import { materialise } from './testing/materialise.ts';
import { ExportRequestType, reflectionEncode, withBinaryIds } from './testing/oracle.ts';

const encoder = new TextEncoder();

function jsonBody(spans: readonly Span[]): Uint8Array {
  return encoder.encode(JSON.stringify(encodeTracesJson(spans)));
}

/** As a request holds them: equal resources and scopes together. */
function inRequestOrder(spans: readonly Span[]): Span[] {
  return groupSpans(spans).flatMap((group) => group.scopes.flatMap((scope) => scope.spans));
}

describe('random requests', () => {
  test('protobuf that another encoder wrote comes back equal', () => {
    fc.assert(
      fc.property(requestArbitrary, (spans) => {
        const into = new SpanColumns(1);
        const result = decodeTraces({ format: 'protobuf', body: reflectionEncode(spans) }, into);
        expect(result).toEqual({ accepted: spans.length, rejected: 0, message: '' });
        expect(materialise(into)).toEqual(inRequestOrder(spans));
      }),
      { numRuns: 100 },
    );
  });

  test('JSON comes back equal, also when the columns hold the same spans from protobuf', () => {
    fc.assert(
      fc.property(requestArbitrary, (spans) => {
        const into = new SpanColumns(1);
        decodeTraces({ format: 'protobuf', body: encodeTracesProtobuf(spans) }, into);
        const pairs = into.pairs.count;
        decodeTraces({ format: 'json', body: jsonBody(spans) }, into);
        const expected = inRequestOrder(spans);
        expect(materialise(into)).toEqual([...expected, ...expected]);
        expect(into.pairs.count).toBe(pairs);
      }),
      { numRuns: 100 },
    );
  });

  test('our protobuf is what another decoder expects', () => {
    fc.assert(
      fc.property(requestArbitrary, (spans) => {
        const json = withBinaryIds(encodeTracesJson(spans)) as Record<string, unknown>;
        const expected = ExportRequestType.fromObject(json);
        const actual = ExportRequestType.decode(encodeTracesProtobuf(spans));
        const options = { longs: String, bytes: String, defaults: true } as const;
        expect(ExportRequestType.toObject(actual, options)).toEqual(
          ExportRequestType.toObject(expected, options),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('in slices it is the same', async () => {
    await fc.assert(
      fc.asyncProperty(requestArbitrary, async (spans) => {
        for (const [format, body] of [
          ['protobuf', encodeTracesProtobuf(spans)],
          ['json', jsonBody(spans)],
        ] as const) {
          const into = new SpanColumns(1);
          await decodeTracesInSlices({ format, body }, into);
          expect(materialise(into)).toEqual(inRequestOrder(spans));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('damaged requests', () => {
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({
      kind: fc.constant('flip' as const),
      at: fc.double({ min: 0, max: 0.9999, noNaN: true }),
      mask: fc.integer({ min: 1, max: 255 }),
    }),
  );

  for (const format of ['protobuf', 'json'] as const) {
    test(`${format}: decodes or throws OtlpDecodeError, and truncate leaves what was`, () => {
      let failures = 0;
      fc.assert(
        fc.property(
          requestArbitrary,
          requestArbitrary,
          fc.array(damage, { minLength: 1, maxLength: 4 }),
          (before, spans, damages) => {
            const into = new SpanColumns(1);
            decodeTraces({ format: 'protobuf', body: encodeTracesProtobuf(before) }, into);
            const rowsBefore = materialise(into);
            const minBefore = into.minStart;
            const mark = into.mark();
            let body = format === 'json' ? jsonBody(spans) : encodeTracesProtobuf(spans);
            for (const one of damages) {
              const at = Math.floor(one.at * body.length);
              if (one.kind === 'cut') body = body.slice(0, at);
              else if (body.length > 0) body[at] ^= one.mask;
            }
            try {
              const result = decodeTraces({ format, body }, into);
              expect(into.rows).toBe(mark.rows + result.accepted);
              materialise(into);
            } catch (error) {
              if (!(error instanceof OtlpDecodeError)) throw error;
              failures++;
              expect(error.offset).toBeWithin(0, body.length + 1);
            }
            into.truncate(mark);
            expect(materialise(into)).toEqual(rowsBefore);
            expect(into.minStart).toBe(minBefore);
            decodeTraces({ format: 'json', body: jsonBody(before) }, into);
            expect(materialise(into)).toEqual([...rowsBefore, ...rowsBefore]);
          },
        ),
        { numRuns: 150 },
      );
      expect(failures).toBeGreaterThan(3);
    });
  }
});
