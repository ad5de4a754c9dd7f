import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { traceKeyWords } from '../files/trace-index.ts';
import { Breather } from './breather.ts';
import { Candidates, MarkedKeys } from './candidates.ts';

/** Few bytes differ, so that ids, keys and both halves meet again and again. */
const id = fc
  .tuple(fc.constantFrom(0, 8, 15), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 }))
  .map(([at, value, first]) => {
    const bytes = new Uint8Array(16);
    bytes[at] = value;
    bytes[0] = first;
    return bytes;
  });

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('candidates are found by id and by key, and keep the first of their rules', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(id, fc.integer({ min: 0, max: 255 })), { maxLength: 60 }),
      id,
      (added, asked) => {
        const candidates = new Candidates();
        const model = new Map<string, number>();
        for (const [bytes, rule] of added) {
          candidates.add(bytes, 0, rule);
          model.set(hex(bytes), Math.min(rule, model.get(hex(bytes)) ?? 255));
        }
        expect(candidates.count).toBe(model.size);
        for (const bytes of [...added.map(([each]) => each), asked]) {
          const entry = candidates.find(bytes, 0);
          expect(entry < 0 ? undefined : candidates.rules[entry]).toBe(model.get(hex(bytes)));
          const { high, low } = traceKeyWords(bytes, 0);
          const found: string[] = [];
          for (let e = candidates.firstWithKey(high, low); e >= 0; e = candidates.nextWithKey(e, high, low)) {
            found.push(hex(candidates.ids.subarray(e * 16, e * 16 + 16)));
          }
          const wanted = [...model.keys()].filter((each) => each.endsWith(hex(bytes).slice(16)));
          expect(found.toSorted()).toEqual(wanted.toSorted());
        }
      },
    ),
  );
});

test('many of them, with and without room made before', async () => {
  const candidates = new Candidates();
  const keys = new MarkedKeys();
  const ids = crypto.getRandomValues(new Uint8Array(16 * 4_000));
  for (let at = 0; at < ids.length; at += 16) {
    if (at === 16 * 100) await candidates.reserve(3_000, new Breather());
    if (at === 16 * 100) await keys.reserve(3_000, new Breather());
    candidates.add(ids, at, at % 7);
    const { high, low } = traceKeyWords(ids, at);
    keys.add(high, low);
    if (at % 3 === 0) keys.mark(high, low);
  }
  keys.mark(1, 2);
  expect(keys.isMarked(1, 2)).toBe(false);
  for (let at = 0; at < ids.length; at += 16) {
    expect(candidates.rules[candidates.find(ids, at)]).toBe(at % 7);
    const { high, low } = traceKeyWords(ids, at);
    expect(keys.isMarked(high, low)).toBe(at % 3 === 0);
  }
});
