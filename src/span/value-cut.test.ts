import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { cutEnd } from './cut.ts';
import type { AttributeValue } from './span.ts';
import { fittingText } from './value-cut.ts';
import { parseValueText, valueText } from './value.ts';

const { value: anyValue } = fc.letrec<{ value: AttributeValue; list: AttributeValue[] }>((tie) => ({
  list: fc.array(tie('value'), { maxLength: 6 }),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      type: fc.constant('string' as const),
      value: fc.string({ unit: 'grapheme', maxLength: 40 }),
    }),
    fc.record({ type: fc.constant('int' as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
    fc.record({ type: fc.constant('double' as const), value: fc.double() }),
    fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ type: fc.constant('empty' as const) }),
    fc.record({ type: fc.constant('array' as const), value: tie('list') }),
    fc.record({
      type: fc.constant('kvlist' as const),
      value: tie('list').map((list) =>
        list.map((value, i) => ({ key: ['$', 'a"', '7', 'b'][i % 4], value })),
      ),
    }),
  ),
}));

test('what does not fit is cut to a text that is read back, and what fits stays', () => {
  let cuts = 0;
  fc.assert(
    fc.property(anyValue, fc.integer({ min: 2, max: 120 }), fc.boolean(), (value, maxBytes, isCut) => {
      const whole = valueText(value);
      const { text, fits } = fittingText(value, maxBytes, isCut);
      if (value.type === 'string' || value.type === 'int' || value.type === 'double') {
        expect(text).toBe(whole);
        return;
      }
      // Base64 is cut to whole groups; the value itself was no longer than the texts here.
      if (fits) expect(text).toBe(whole);
      else cuts++;
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      const read = parseValueText(value.type, text);
      expect(parseValueText(value.type, valueText(read))).toEqual(read);
    }),
    { numRuns: 2_000 },
  );
  expect(cuts).toBeGreaterThan(100);
});

test('of a list the first entries stay, and as much of the last as fits', () => {
  const list = (...texts: string[]): AttributeValue => ({
    type: 'array',
    value: texts.map((value) => ({ type: 'string', value })),
  });
  expect(fittingText(list('one', 'two', 'three'), 15, false)).toEqual({ text: '["one","two"]', fits: false });
  expect(fittingText(list('one', 'zwölf'), 13, false)).toEqual({ text: '["one","zw"]', fits: false });
  expect(fittingText(list('one', 'zwölf'), 15, false)).toEqual({ text: '["one","zwöl"]', fits: false });
  expect(fittingText(list('one', 'zwölf'), 16, false)).toEqual({ text: '["one","zwölf"]', fits: true });
});

test('a text is cut behind a whole character', () => {
  const bytes = new TextEncoder().encode('aé€😀b');
  const cuts = Array.from({ length: bytes.length + 1 }, (_, max) => cutEnd(bytes, 0, bytes.length, max));
  expect(cuts).toEqual([0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11]);
  // What is no UTF-8 is cut where it is.
  expect(cutEnd(new Uint8Array(20).fill(0x80), 0, 20, 10)).toBe(10);
});
