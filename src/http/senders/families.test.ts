import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { MAX_FAMILY_SPANS } from '../../limits.ts';
import { Families, PARENT_WAIT_MS } from './families.ts';

const START = 1_800_000_000_000;
const SECOND = 1000;

interface Member {
  readonly trace: number;
  readonly span: number;
  /** 0: a root. */
  readonly parent: number;
}

function words(members: readonly Member[]): Uint32Array {
  return Uint32Array.from(
    members.flatMap(({ trace, span, parent }) => [trace, 7, 7, trace, span, 1, parent, parent === 0 ? 0 : 1]),
  );
}

function judge(): { families: Families; sampled: Map<number, number>; orphans: Map<number, number> } {
  const sampled = new Map<number, number>();
  const orphans = new Map<number, number>();
  const add = (map: Map<number, number>, sender: number, amount: number) =>
    map.set(sender, (map.get(sender) ?? 0) + amount);
  const families = new Families((sender, some, lost) => {
    add(sampled, sender, some);
    add(orphans, sender, lost);
  });
  return { families, sampled, orphans };
}

test('a parent may come before, with, or after its child; who has none after two minutes is an orphan', () => {
  const { families, sampled, orphans } = judge();
  families.add('shop', 1, words([{ trace: 1, span: 10, parent: 0 }]), START);
  families.add('shop', 2, words([{ trace: 1, span: 11, parent: 10 }]), START + 30 * SECOND);
  // Child before parent in one request.
  const both = [
    { trace: 2, span: 21, parent: 20 },
    { trace: 2, span: 20, parent: 0 },
  ];
  families.add('shop', 1, words(both), START + 30 * SECOND);
  families.add('shop', 1, words([{ trace: 3, span: 31, parent: 30 }]), START + 40 * SECOND);
  families.add('shop', 2, words([{ trace: 4, span: 41, parent: 40 }]), START + 40 * SECOND);
  families.add('shop', 1, words([{ trace: 3, span: 30, parent: 0 }]), START + 150 * SECOND);
  families.sweep(START + 40 * SECOND + PARENT_WAIT_MS - 1);
  expect([sampled.get(1), sampled.get(2)]).toEqual([3, 1]);
  families.sweep(START + 40 * SECOND + PARENT_WAIT_MS + SECOND);
  expect([sampled.get(1), orphans.get(1)]).toEqual([4, 0]);
  expect([sampled.get(2), orphans.get(2)]).toEqual([2, 1]);
});

test('of a request that was cut nobody is judged, and all may be parents', () => {
  const { families, sampled, orphans } = judge();
  const cut = Array.from({ length: MAX_FAMILY_SPANS }, (_, i) => ({ trace: i + 1, span: 2, parent: 1 }));
  families.add('shop', 1, words(cut), START);
  families.add('shop', 2, words([{ trace: MAX_FAMILY_SPANS, span: 3, parent: 2 }]), START);
  families.sweep(START + 2 * PARENT_WAIT_MS);
  expect([sampled.get(1), orphans.get(2) ?? 0]).toEqual([undefined, 0]);
});

test('the same ids in another project or trace are no family', () => {
  const { families, orphans } = judge();
  families.add('shop', 1, words([{ trace: 1, span: 10, parent: 0 }]), START);
  families.add('other', 2, words([{ trace: 1, span: 11, parent: 10 }]), START);
  families.add('shop', 3, words([{ trace: 2, span: 11, parent: 10 }]), START);
  families.sweep(START + 2 * PARENT_WAIT_MS);
  expect([orphans.get(1), orphans.get(2), orphans.get(3)]).toEqual([0, 1, 1]);
});

test('a share of orphans stays true when far more comes than the tables hold', () => {
  const { families, sampled, orphans } = judge();
  let trace = 0;
  // 20,000 traces of three spans in ten minutes, the last span of each fifth trace without its parent.
  for (let second = 0; second < 600; second++) {
    const members: Member[] = [];
    for (let i = 0; i < 33; i++) {
      trace++;
      members.push(
        { trace, span: 3, parent: trace % 5 === 0 ? 9 : 2 },
        { trace, span: 2, parent: 1 },
        { trace, span: 1, parent: 0 },
      );
    }
    families.add('shop', 1, words(members), START + second * SECOND);
  }
  families.sweep(START + 1200 * SECOND);
  const judged = sampled.get(1) ?? 0;
  expect(judged).toBeGreaterThan(3000);
  expect(judged).toBeLessThan(60_000);
  // Of 4,000 judged spans: 1/15, give or take three standard deviations.
  expect((orphans.get(1) ?? 0) / judged).toBeGreaterThan(0.055);
  expect((orphans.get(1) ?? 0) / judged).toBeLessThan(0.079);
});

test('whole families in any order, at any pace, have no orphans', () => {
  const arrivals = fc.array(
    fc.record({
      trace: fc.integer({ min: 1, max: 3000 }),
      delays: fc.array(fc.nat(100), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3000, size: 'max' },
  );
  fc.assert(
    fc.property(arrivals, (some) => {
      const { families, orphans } = judge();
      const events = some.flatMap(({ trace, delays }, i) => {
        const own = i * 4000 + trace;
        return delays.map((delay, n) => ({
          atMs: START + (i >> 3) * SECOND + delay * SECOND,
          member: { trace: own, span: n + 1, parent: n },
        }));
      });
      events.sort((a, b) => a.atMs - b.atMs);
      for (const { atMs, member } of events) families.add('shop', 1, words([member]), atMs);
      families.sweep(START + 10_000 * SECOND);
      expect(orphans.get(1) ?? 0).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('ids that all look alike are given up, and end nothing', () => {
  const { families, sampled, orphans } = judge();
  for (let round = 0; round < 40; round++) {
    const members = Array.from({ length: 1000 }, (_, i) => ({
      trace: 5,
      span: round * 1000 + i + 1,
      parent: 0,
    }));
    families.add('shop', 1, words(members), START + round);
  }
  // Once they end, others are judged again.
  for (let trace = 1; trace <= 100; trace++) {
    families.add('shop', 2, words([{ trace, span: 1, parent: 77 }]), START + trace * PARENT_WAIT_MS);
  }
  families.sweep(START + 200 * PARENT_WAIT_MS);
  expect(sampled.get(2)).toBeGreaterThan(50);
  expect(orphans.get(2)).toBe(sampled.get(2));
});
