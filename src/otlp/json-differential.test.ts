import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { SpanColumns } from '../span/columns.ts';
import { decodeTraces } from './decode.ts';
import { referenceDecode } from './testing/json-reference.ts';
import { JsonTextMaker } from './testing/json-text.ts';
import { materialise } from './testing/materialise.ts';

const choices = fc.array(fc.nat({ max: 2 ** 30 }), { maxLength: 2_000, size: 'max' });

/** Several requests one after another into the same columns: what was learned of one is guessed in the next. */
const texts = fc
  .array(choices, { minLength: 1, maxLength: 3 })
  .map((all) => all.map((one) => new JsonTextMaker(one).request()));

test('JSON of any form decodes as JSON.parse and plain code do', () => {
  const seen = { spans: 0, rejected: 0, attributes: 0 };
  fc.assert(
    fc.property(texts, (requests) => {
      const into = new SpanColumns(1);
      const expected = [...requests, ...requests].map(referenceDecode);
      for (const [index, text] of [...requests, ...requests].entries()) {
        const result = decodeTraces({ format: 'json', body: new TextEncoder().encode(text) }, into);
        expect(result.accepted).toBe(expected[index].spans.length);
        expect(result.rejected).toBe(expected[index].rejected);
        seen.rejected += result.rejected;
      }
      const spans = expected.flatMap((one) => one.spans);
      expect(materialise(into)).toEqual(spans);
      seen.spans += spans.length;
      for (const span of spans) seen.attributes += span.attributes.length;
    }),
    { numRuns: 120, endOnFailure: true },
  );
  // The property says nothing of texts without spans.
  expect(seen.spans).toBeGreaterThan(200);
  expect(seen.attributes).toBeGreaterThan(200);
  expect(seen.rejected).toBeGreaterThan(5);
});
