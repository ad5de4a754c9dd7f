import type { Database } from 'bun:sqlite';
import { afterAll, afterEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../catalog.ts';
import { Deliveries, LoggedDeliveries } from './deliveries.ts';
import type { DeliveryLimits } from './deliveries.ts';
import { KeySet, deliveryKey } from './delivery-keys.ts';
import type { DeliveryKey } from './delivery-keys.ts';

const HOUR_MS = 3_600_000;
const START_MS = 1_700_000_000_000;

const folder = mkdtempSync(join(tmpdir(), 'deliveries-'));
const catalog: Database = openCatalog(folder);
afterEach(() => catalog.run('DELETE FROM deliveries'));
afterAll(() => {
  catalog.close();
  rmSync(folder, { recursive: true });
});

class TestClock {
  nowMs = 0;
  /** Added to the wall alone: a clock that was set. */
  setByMs = 0;
  wallMs = () => START_MS + this.nowMs + this.setByMs;
  monotonicMs = () => this.nowMs;
}

function keyOf(n: number): DeliveryKey {
  return deliveryKey({ format: 'json', body: new TextEncoder().encode(`body ${n}`) });
}

function make(clock = new TestClock(), limits: Partial<DeliveryLimits> = {}): Deliveries {
  return new Deliveries(catalog, clock, limits);
}

function restart(clock: TestClock, limits: Partial<DeliveryLimits> = {}): Deliveries {
  const deliveries = make(clock, limits);
  deliveries.load();
  return deliveries;
}

const storedRows = () =>
  catalog.query<{ n: number }, []>('SELECT count(*) AS n FROM deliveries').get()?.n ?? 0;

test('a key differs by every byte, by length, format and way of asking', () => {
  const body = crypto.getRandomValues(new Uint8Array(300));
  const keys = new Set<string>();
  const add = (request: Parameters<typeof deliveryKey>[0]) => keys.add(deliveryKey(request).join(' '));
  for (let i = 0; i < body.length; i++) {
    body[i] ^= 1;
    add({ format: 'protobuf', body });
    body[i] ^= 1;
    add({ format: 'protobuf', body: body.subarray(0, i) });
  }
  add({ format: 'protobuf', body });
  add({ format: 'json', body });
  add({ format: 'protobuf', body, genAiOnly: true });
  expect(keys.size).toBe(603);
  add({ format: 'protobuf', body: body.slice(), genAiOnly: false });
  expect(keys.size).toBe(603);
});

test('a set holds what was added, whatever the keys, and nothing else', () => {
  const word = fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 0xffffffff }));
  const keyArbitrary = fc.tuple(word, word, fc.integer({ min: 1, max: 0xffffffff }));
  fc.assert(
    fc.property(fc.array(keyArbitrary), fc.array(keyArbitrary), (added, asked) => {
      const set = new KeySet();
      for (const key of added) set.add(key);
      const copy = new KeySet();
      copy.addAll(set.toWords());
      const names = new Set(added.map((key) => key.join(' ')));
      expect([set.size, copy.size]).toEqual([names.size, names.size]);
      for (const key of [...added, ...asked]) {
        expect([set.has(key), copy.has(key)]).toEqual(Array(2).fill(names.has(key.join(' '))));
      }
    }),
  );
});

test('a key whose third word is zero is one like others', () => {
  const set = new KeySet();
  expect(set.has([5, 6, 0])).toBe(false);
  set.add([5, 6, 0]);
  set.add([5, 6, 0]);
  expect([set.size, set.has([5, 6, 0]), set.has([5, 7, 0])]).toEqual([1, true, false]);
});

test('requests are known to their project alone, until it is forgotten', () => {
  const deliveries = make();
  const logged = new LoggedDeliveries();
  deliveries.remember('one', keyOf(1), logged, START_MS);
  deliveries.remember('two', keyOf(2), logged, START_MS);
  expect(deliveries.has('one', keyOf(1))).toBe(true);
  expect(deliveries.has('two', keyOf(1))).toBe(false);
  deliveries.forget('one');
  expect(deliveries.has('one', keyOf(1))).toBe(false);
  expect(deliveries.has('two', keyOf(2))).toBe(true);
  deliveries.store(logged, 1);
  const again = restart(new TestClock());
  expect([again.has('one', keyOf(1)), again.has('two', keyOf(2))]).toEqual([false, true]);
  again.forget('two');
  expect(storedRows()).toBe(0);
});

test('the catalog brings them back, as old as they are', () => {
  const clock = new TestClock();
  const deliveries = make(clock);
  for (let n = 0; n < 5; n++) {
    const logged = new LoggedDeliveries();
    deliveries.remember('p', keyOf(n), logged, clock.wallMs());
    deliveries.store(logged, n + 1);
    deliveries.stored(logged);
    clock.nowMs += HOUR_MS;
  }
  // Five hours after the first: the last four are within the window.
  const again = restart(clock);
  expect([0, 1, 2, 3, 4].map((n) => again.has('p', keyOf(n)))).toEqual([false, true, true, true, true]);
  const logged = new LoggedDeliveries();
  again.remember('p', keyOf(5), logged, clock.wallMs());
  again.store(logged, 6);
  expect(storedRows()).toBe(5);
  clock.nowMs += 2 * HOUR_MS;
  expect([1, 2, 3, 4].map((n) => again.has('p', keyOf(n)))).toEqual([false, false, true, true]);
});

test('a request is remembered for the window at least, and a bucket longer at most', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90 * 60_000 }), { maxLength: 40 }), (pauses) => {
      const clock = new TestClock();
      const deliveries = make(clock);
      const logged = new LoggedDeliveries();
      const times = pauses.map((pause, n) => {
        clock.nowMs += pause;
        deliveries.remember('p', keyOf(n), logged, clock.wallMs());
        return clock.nowMs;
      });
      times.forEach((timeMs, n) => {
        const ageMs = clock.nowMs - timeMs;
        if (ageMs <= 4 * HOUR_MS) expect(deliveries.has('p', keyOf(n))).toBe(true);
        if (ageMs > 4.5 * HOUR_MS) expect(deliveries.has('p', keyOf(n))).toBe(false);
      });
    }),
    { numRuns: 30 },
  );
});

test('a wall clock that is set forgets nothing that is in memory', () => {
  const clock = new TestClock();
  const deliveries = make(clock);
  const logged = new LoggedDeliveries();
  deliveries.remember('p', keyOf(1), logged, clock.wallMs());
  clock.setByMs = 365 * 24 * HOUR_MS;
  expect(deliveries.has('p', keyOf(1))).toBe(true);
  clock.setByMs = -365 * 24 * HOUR_MS;
  deliveries.remember('p', keyOf(2), logged, clock.wallMs());
  clock.nowMs += HOUR_MS;
  expect([deliveries.has('p', keyOf(1)), deliveries.has('p', keyOf(2))]).toEqual([true, true]);
  // Set back across a restart: requests from the future count as now.
  deliveries.store(logged, 1);
  clock.setByMs = -2 * 365 * 24 * HOUR_MS;
  expect(restart(clock).has('p', keyOf(2))).toBe(true);
});

test('memory is bounded: the oldest requests are forgotten first, after a restart too', () => {
  const bytes = 256 * 1024;
  const clock = new TestClock();
  const deliveries = make(clock, { bytes });
  const total = 50_000;
  for (let from = 0; from < total; from += 1000) {
    const logged = new LoggedDeliveries();
    for (let n = from; n < from + 1000; n++) deliveries.remember('p', keyOf(n), logged, clock.wallMs());
    deliveries.store(logged, from + 1);
    deliveries.stored(logged);
    clock.nowMs += 1000;
    expect(deliveries.bytes).toBeLessThanOrEqual(bytes);
  }
  for (const known of [deliveries, restart(clock, { bytes })]) {
    expect(known.bytes).toBeLessThanOrEqual(bytes);
    const kept = Array.from({ length: total }, (_, n) => known.has('p', keyOf(n)));
    const first = kept.indexOf(true);
    expect(kept.slice(first).every(Boolean)).toBe(true);
    // 12 bytes a request in tables that are 3/8 to 3/4 full.
    expect(total - first).toBeGreaterThan(bytes / 64);
  }
});
