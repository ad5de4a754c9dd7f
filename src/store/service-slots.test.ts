import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { SERVICE_SLOTS, ServiceSlots } from './service-slots.ts';

const named = (name: string, preferred: number) => ({ name, preferred });

test('as many services as there are slots never share one, and keep the preferred where it is free', () => {
  const slots = new ServiceSlots();
  slots.add('a', [named('one', 5), named('two', 5), named('three', 0)]);
  expect([...slots.of('a')]).toEqual([
    ['one', 5],
    ['two', 6],
    ['three', 0],
  ]);
  const more = Array.from({ length: SERVICE_SLOTS - 3 }, (_, i) => named(`more-${i}`, 5));
  expect(slots.add('a', more)).toBe(true);
  expect(new Set(slots.of('a').values()).size).toBe(SERVICE_SLOTS);
  expect(slots.add('a', more)).toBe(false);
});

test('a service keeps its slot over a restart, whoever comes later, and projects know nothing of each other', () => {
  const db = new Database(':memory:');
  const before = new ServiceSlots(db);
  before.add('a', [named('one', 5), named('two', 5)]);
  const after = new ServiceSlots(db);
  after.add('a', [named('zero', 6), named('one', 1)]);
  expect(after.of('a').get('one')).toBe(5);
  expect(after.of('a').get('two')).toBe(6);
  expect(after.of('a').get('zero')).toBe(7);
  expect(after.of('b').size).toBe(0);
});

test('beyond a thousand services none is taken', () => {
  const slots = new ServiceSlots();
  slots.add(
    'a',
    Array.from({ length: 1_500 }, (_, i) => named(`s${i}`, i)),
  );
  expect(slots.of('a').size).toBe(1_000);
  expect(slots.add('a', [named('late', 1)])).toBe(false);
});
