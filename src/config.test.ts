import { describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { UsageError, parseFlags } from './command-line.ts';
import {
  VERSION,
  formatAddress,
  isLoopback,
  parseAddress,
  bytesText,
  parseBytes,
  parseDurationMs,
  serveFlags,
  toConfig,
} from './config.ts';
import type { Config } from './config.ts';
import { DEFAULT_SPAN_LIMITS } from './span/span-limits.ts';

function readConfig(words: readonly string[], env: Record<string, string>): Config {
  return toConfig(parseFlags(serveFlags, words, env).values);
}

test('without arguments it serves loopback only, from ./data', () => {
  expect(readConfig([], {})).toEqual({
    version: VERSION,
    dataDir: resolve('./data'),
    listen: { host: '127.0.0.1', port: 4318 },
    grpcListen: { host: '127.0.0.1', port: 4317 },
    grpcOptional: false,
    insecure: false,
    maxBodyBytes: 64 * 1024 * 1024,
    maxIngestBytes: 160 * 1024 * 1024,
    spanLimits: DEFAULT_SPAN_LIMITS,
    flush: { rows: 131_072, bytes: 128 * 1024 * 1024, ageMs: 30_000 },
    compactFiles: 8,
    queryTimeoutMs: 20_000,
    minFree: { share: 0.05, mostBytes: 1024 ** 3 },
    aiPrices: undefined,
    logLevel: 'info',
  });
});

test('is frozen through and through', () => {
  const config = readConfig([], {});
  const { listen, grpcListen, spanLimits, flush, minFree } = config;
  const parts = [config, listen, grpcListen, spanLimits, flush, minFree];
  expect(parts.map((part) => Object.isFrozen(part))).toEqual(Array(6).fill(true));
});

test('arguments and variables', () => {
  const config = readConfig(
    [
      '--listen',
      '[::1]:0',
      '--grpc-listen=off',
      '--max-body',
      '1MiB',
      '--flush-age',
      '1.5s',
      '--flush-rows',
      '10',
      '--min-free',
      '500MB',
    ],
    {
      SPANLAKE_DATA: '/srv/spans',
      SPANLAKE_FLUSH_BYTES: '1GiB',
      SPANLAKE_LOG_LEVEL: 'debug',
      SPANLAKE_INSECURE: '1',
    },
  );
  expect(config).toMatchObject({
    dataDir: '/srv/spans',
    listen: { host: '::1', port: 0 },
    grpcListen: undefined,
    grpcOptional: false,
    insecure: true,
    maxBodyBytes: 1024 ** 2,
    flush: { rows: 10, bytes: 1024 ** 3, ageMs: 1500 },
    minFree: { bytes: 500_000_000 },
    logLevel: 'debug',
  });
});

describe('refused with a reason', () => {
  test.each([
    [['--listen', '4318'], '--listen "4318": is not HOST:PORT, as 127.0.0.1:4318 or [::1]:4318'],
    [
      ['--listen', '127.0.0.1:70000'],
      '--listen "127.0.0.1:70000": is not HOST:PORT, as 127.0.0.1:4318 or [::1]:4318',
    ],
    [
      ['--store', 'clickhouse://db:8123'],
      '--store "clickhouse://db:8123": ClickHouse is not in this version; use lake',
    ],
    [['--store', 'postgres://x'], '--store "postgres://x": is not a store; use lake'],
    [['--max-body', '1'], '--max-body "1": is not between 1024 and 1073741824'],
    [['--max-body', 'big'], '--max-body "big": is not a size, as 64MiB or 500kB'],
    [['--flush-age', '30'], '--flush-age "30": is not a time with its unit, as 30s, 5m or 500ms'],
    [['--flush-rows', '1e3'], '--flush-rows "1e3": is not a whole number'],
    [['--compact-files', '1'], '--compact-files "1": is not between 2 and 1000'],
    [['--min-free', '95%'], '--min-free "95%": is not between 0 and 90'],
    [['--min-free', 'some'], '--min-free "some": is not a size, as 64MiB or 500kB'],
    [['--query-timeout', '1ms'], '--query-timeout "1ms": is not between 10 and 3600000'],
    [['--log-level', 'loud'], '--log-level "loud": is not one of debug, info, warn, error'],
    [['--data', ''], '--data "": is empty'],
    [['--dta', 'x'], 'unknown flag --dta; did you mean --data?'],
  ])('%j', (words, message) => {
    expect(() => readConfig(words, {})).toThrow(new UsageError(message));
  });
});

test.each([
  ['127.0.0.1:1', true],
  ['127.9.9.9:1', true],
  ['localhost:1', true],
  ['[::1]:1', true],
  ['0.0.0.0:1', false],
  ['[::]:1', false],
  ['10.0.0.1:1', false],
  ['127.0.0.1.evil.example:1', false],
])('%s is loopback: %p', (text, expected) => {
  expect(isLoopback(parseAddress(text))).toBe(expected);
  expect(formatAddress(parseAddress(text))).toBe(text);
});

test('a size is shown as the text that reads back as it', () => {
  const sizes = [0, 1, 1000, 1024, 50_000_000_000, 50 * 1024 ** 3, 3 * 1024 ** 4];
  expect(sizes.map(bytesText)).toEqual(['0B', '1B', '1000B', '1KiB', '48828125KiB', '50GiB', '3072GiB']);
  expect(sizes.map(bytesText).map(parseBytes)).toEqual(sizes);
});

test('sizes and times', () => {
  expect(['64MiB', '500kB', '1g', '12', '0.5 MiB'].map(parseBytes)).toEqual([
    67_108_864,
    500_000,
    1024 ** 3,
    12,
    524_288,
  ]);
  expect(['500ms', '1.5s', '5m', '2h', '1d'].map(parseDurationMs)).toEqual([
    500, 1500, 300_000, 7_200_000, 86_400_000,
  ]);
});
