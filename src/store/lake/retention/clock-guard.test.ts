import { afterEach, beforeEach, expect, test } from 'bun:test';
import type { Database } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog, readMeta } from '../../catalog.ts';
import { TestClock } from '../testing/test-clock.ts';
import { ClockGuard, acceptClock, clockDoubt } from './clock-guard.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 10, 12);

let folder: string;
let catalog: Database;
let clock: TestClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clock-'));
  catalog = openCatalog(folder);
  clock = new TestClock(START);
});

afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

const guard = () => new ClockGuard({ catalog, clock });
const highWater = () => Number(readMeta(catalog, 'clock_high_water'));

/** Runs for so long, looking every ten minutes; the last look's answer. */
function runFor(watching: ClockGuard, ms: number): boolean {
  let trusted = watching.check();
  for (let passed = 0; passed < ms; passed += 600_000) {
    clock.pass(600_000);
    trusted = watching.check();
  }
  return trusted;
}

test('a clock that moves along is trusted, and how far is kept about once a minute', () => {
  const watching = guard();
  expect(watching.check()).toBe(true);
  expect(highWater()).toBe(START);
  clock.pass(30_000);
  expect(watching.check()).toBe(true);
  expect(highWater()).toBe(START);
  expect(runFor(watching, 26 * HOUR)).toBe(true);
  expect(highWater()).toBe(START + 26 * HOUR + 30_000);
  expect(watching.reason).toBe('');
});

test.each([
  ['a day and a bit ahead', 25 * HOUR, '25 h ahead of 2026-01-10T12:00:00Z'],
  ['a year ahead', 365 * 24 * HOUR, '8760 h ahead of 2026-01-10T12:00:00Z'],
  ['two days behind', -48 * HOUR, '48 h behind 2026-01-10T12:00:00Z'],
  ['a year behind', -365 * 24 * HOUR, '8760 h behind'],
])('a clock that is set %s is not trusted before it ran for a day', (_what, jump, told) => {
  const watching = guard();
  expect(watching.check()).toBe(true);
  clock.jump(jump);
  expect(watching.check()).toBe(false);
  expect(watching.reason).toContain(told);
  expect(watching.reason).toContain('24 h more');
  expect(watching.reason).toContain('spanlake project clock --accept');
  expect(runFor(watching, 23 * HOUR)).toBe(false);
  expect(watching.reason).toContain('1 h more');
  expect(highWater()).toBe(START);
  expect(runFor(watching, HOUR)).toBe(true);
  expect(watching.reason).toBe('');
  expect(highWater()).toBe(clock.wallMs());
});

test.each([
  ['23 h ahead', 23 * HOUR],
  ['half an hour behind', -HOUR / 2],
])('%s is what clocks do', (_what, jump) => {
  const watching = guard();
  watching.check();
  clock.jump(jump);
  expect(watching.check()).toBe(true);
  // Never back: a clock set back in small steps would wear the mark down.
  expect(highWater()).toBeGreaterThanOrEqual(START);
});

test('the day begins anew with each further jump, and with each start', () => {
  const watching = guard();
  watching.check();
  clock.jump(400 * 24 * HOUR);
  runFor(watching, 20 * HOUR);
  clock.jump(5 * HOUR);
  expect(runFor(watching, 20 * HOUR)).toBe(false);
  const restarted = guard();
  expect(runFor(restarted, 23 * HOUR)).toBe(false);
  expect(runFor(restarted, HOUR)).toBe(true);
});

test('a clock that is two hours behind is trusted when it has caught up to one', () => {
  const watching = guard();
  watching.check();
  clock.jump(-2 * HOUR);
  expect(runFor(watching, HOUR / 2)).toBe(false);
  expect(runFor(watching, HOUR / 2)).toBe(true);
});

test('a clock that comes back is trusted at once', () => {
  const watching = guard();
  watching.check();
  clock.jump(400 * 24 * HOUR);
  expect(watching.check()).toBe(false);
  clock.jump(-400 * 24 * HOUR);
  expect(watching.check()).toBe(true);
});

test('a server that was off for a week waits, until a person confirms the clock', () => {
  guard().check();
  clock.jump(7 * 24 * HOUR);
  const watching = guard();
  expect(watching.check()).toBe(false);
  expect(clockDoubt(catalog, clock.wallMs())).toEqual({ trustedMs: START, doubted: true });
  acceptClock(catalog, clock.wallMs());
  expect(clockDoubt(catalog, clock.wallMs()).doubted).toBe(false);
  expect(watching.check()).toBe(true);
  expect(watching.reason).toBe('');
});
