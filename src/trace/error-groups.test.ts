/** The origin stands before those who only pass it on. */
import { expect, test } from 'bun:test';
import { groupOccurrences, originsOf, relationsIn, unclearTraces } from './error-groups.ts';
import type { Occurrence } from './exceptions.ts';

function failed(
  spanId: string,
  parentSpanId: string,
  groupId: string,
  more: Partial<Occurrence> = {},
): Occurrence {
  return {
    groupId,
    kind: 'exception',
    type: groupId,
    message: '',
    pattern: '',
    frame: '',
    stackTrace: '',
    traceId: 't1',
    spanId,
    parentSpanId,
    serviceName: `service of ${groupId}`,
    version: '',
    operation: 'do',
    startUnixNano: BigInt(spanId.charCodeAt(0)),
    durationNano: 1n,
    isError: true,
    ...more,
  };
}

const BUCKETS = { startUnixNano: 0n, stepNano: 100n, count: 2 };

test('what failed above counts with what failed below', () => {
  const all = [failed('a', '', 'frontend'), failed('b', 'a', 'checkout'), failed('c', 'b', 'payment')];
  const [group, ...others] = groupOccurrences(all, new Set(), BUCKETS);
  expect(others).toEqual([]);
  expect([group.id, group.count, group.passedOnCount]).toEqual(['payment', 1, 2]);
  expect(group.passedOn.map(({ serviceName }) => serviceName)).toEqual([
    'service of frontend',
    'service of checkout',
  ]);
});

test('a span that ended well passed nothing on', () => {
  const all = [failed('a', '', 'handled', { isError: false }), failed('b', 'a', 'below')];
  expect(
    groupOccurrences(all, new Set(), BUCKETS)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(['below', 'handled']);
});

test('a ring of parents and a span that is its own parent end', () => {
  const all = [failed('a', 'b', 'x'), failed('b', 'a', 'y'), failed('c', 'c', 'z')];
  expect(originsOf(all, new Set(['x y', 'y x'])).length).toBe(3);
});

test('a relation that whole traces showed joins across a span that ended well', () => {
  const all = [
    failed('a', '', 'frontend'),
    failed('c', 'b', 'payment'),
    failed('d', '', 'frontend', { traceId: 't2' }),
  ];
  expect(unclearTraces(all, 5)).toEqual(['t1']);
  const groups = groupOccurrences(all, new Set(['frontend payment']), BUCKETS);
  expect(groups.map(({ id, count, passedOnCount }) => [id, count, passedOnCount])).toEqual([
    ['frontend', 1, 0],
    ['payment', 1, 1],
  ]);
});

test('relations come from the tree', () => {
  const node = (index: number, descendants: number) => ({ index, descendants });
  const byId = new Map([
    ['a', node(0, 2)],
    ['c', node(2, 0)],
  ]);
  const relations = new Set<string>();
  const all = [failed('a', '', 'frontend'), failed('c', 'b', 'payment')];
  relationsIn({ byId }, all, relations);
  expect([...relations]).toEqual(['frontend payment']);
});
