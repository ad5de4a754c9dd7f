import { describe, expect, test } from 'bun:test';
import {
  attr,
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatTime,
  plural,
  serviceClass,
} from './format.ts';

const START = 1_700_000_000_123_456_789n;

describe('figures as people read them', () => {
  const cases: [string, string][] = [
    [formatDuration(0n), '0 ns'],
    [formatDuration(12_345n), '12.3 µs'],
    [formatDuration(-3_000_000n), '−3 ms'],
    [formatDuration(65_000_000_000n), '1 m 5 s'],
    [formatTime(START), '2023-11-14 22:13:20.123 UTC'],
    [formatTime(START, 9), '2023-11-14 22:13:20.123456789 UTC'],
    [formatTime(0n, 0), '1970-01-01 00:00:00 UTC'],
    [formatTime((1n << 64n) - 1n, 0), '2554-07-21 23:34:33 UTC'],
    [formatCount(1_234_567), '1,234,567'],
    [plural(1, 'span'), '1 span'],
    [plural(2000, 'span'), '2,000 spans'],
    [formatBytes(0), '0 B'],
    [formatBytes(1536), '1.5 KiB'],
    [formatBytes(3 * 1024 ** 3), '3 GiB'],
    [formatPercent(0), '0 %'],
    [formatPercent(0.00001), '0.01 %'],
    [formatPercent(0.125), '12.5 %'],
    [formatPercent(1), '100 %'],
    [formatRate(0, 60), '0 /s'],
    [formatRate(7200, 3600), '2 /s'],
    [formatRate(120, 3600), '2 /min'],
    [formatRate(3, 3600), '3 /h'],
    [formatAgo(START, START + 90_000_000_000n), '1 min ago'],
    [formatAgo(START + 5_000_000_000n, START), 'in 5 s'],
    [formatAgo(START, START), 'just now'],
  ];
  for (const [actual, expected] of cases) test(expected, () => expect(actual).toBe(expected));
});

test('a service keeps its colour, and neighbours in a shop differ', () => {
  expect(serviceClass('checkout')).toBe(serviceClass('checkout'));
  const names = ['storefront', 'gateway', 'cart', 'catalog', 'checkout', 'payments', 'inventory', 'orders'];
  expect(new Set(names.map(serviceClass)).size).toBeGreaterThanOrEqual(6);
});

test('an ampersand from data stays one inside an attribute', () => {
  expect(attr('a &quot; b')).toBe('a &amp;quot; b');
});
