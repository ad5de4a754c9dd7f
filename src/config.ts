/** The only reader of the environment and of the arguments. What it hands out is frozen. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { switchFlag } from './command-line.ts';
import type { Environment, Flag, FlagValues } from './command-line.ts';
import {
  LEAST_INGEST_BODIES,
  MAX_BODY_BYTES,
  MAX_INGEST_BYTES,
  MAX_NAME_BYTES,
  QUERY_TIMEOUT_MS,
} from './limits.ts';
import { LOG_LEVELS } from './log.ts';
import { DEFAULT_SPAN_LIMITS } from './span/span-limits.ts';
import type { SpanLimits } from './span/span-limits.ts';
import type { LogLevel } from './log.ts';
import { parsePriceTable } from './trace/gen-ai-prices.ts';
import type { PriceTable } from './trace/gen-ai-prices.ts';
import packageJson from '../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface Config {
  readonly version: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly listen: ListenAddress;
  /** undefined: no gRPC. */
  readonly grpcListen: ListenAddress | undefined;
  /**
   * A second server on this machine that was told its own HTTP port and nothing of gRPC: it does without
   * gRPC when the first one has that port.
   */
  readonly grpcOptional: boolean;
  /** Listen beyond loopback although there are no tokens. */
  readonly insecure: boolean;
  /** Of one OTLP request, after decompression. */
  readonly maxBodyBytes: number;
  /** Of all OTLP requests in progress, received and decompressed. */
  readonly maxIngestBytes: number;
  readonly spanLimits: SpanLimits;
  readonly flush: { readonly rows: number; readonly bytes: number; readonly ageMs: number };
  /** Small files of a day that are merged at once. */
  readonly compactFiles: number;
  /** A question that takes longer is answered with what was found by then. */
  readonly queryTimeoutMs: number;
  /** Of the disk, that stays free: below it no spans are taken. */
  readonly minFree: MinFree;
  /** Prices of models for the gen-AI pages; undefined: they show no costs. */
  readonly aiPrices: PriceTable | undefined;
  readonly logLevel: LogLevel;
}

/** Bytes, or a share of the disk up to a number of bytes. */
export type MinFree = { readonly bytes: number } | { readonly share: number; readonly mostBytes: number };

export const dataFlag: Flag<string> = {
  placeholder: 'DIR',
  fallback: './data',
  help: 'folder that holds everything',
  parse: (text) => {
    if (text === '') throw new Error('is empty');
    return resolve(text);
  },
};

/**
 * What is kept of a span. The kernel of the protobuf walk takes spans of up to 128 attributes and events, and of
 * texts up to 1 KiB, without a look at these limits; it tells 32,768 keys apart.
 */
export const spanLimitFlags = {
  maxAttributes: {
    placeholder: 'N',
    fallback: String(DEFAULT_SPAN_LIMITS.attributes),
    help: 'attributes kept of a span, event, link or resource; more are dropped',
    parse: (text: string) => within(parseCount(text), 128, 100_000),
  },
  maxEvents: {
    placeholder: 'N',
    fallback: String(DEFAULT_SPAN_LIMITS.events),
    help: '... events of a span',
    parse: (text: string) => within(parseCount(text), 128, 100_000),
  },
  maxLinks: {
    placeholder: 'N',
    fallback: String(DEFAULT_SPAN_LIMITS.links),
    help: '... links of a span',
    parse: (text: string) => within(parseCount(text), 128, 100_000),
  },
  maxValue: {
    placeholder: 'SIZE',
    fallback: `${DEFAULT_SPAN_LIMITS.valueBytes / 1024}KiB`,
    help: 'longest text of an attribute; the rest is cut off',
    parse: (text: string) => within(parseBytes(text), MAX_NAME_BYTES, 64 * 1024 ** 2),
  },
  maxKeys: {
    placeholder: 'N',
    fallback: String(DEFAULT_SPAN_LIMITS.keys),
    help: 'attribute keys of a project between two writes of Parquet; attributes of more are dropped',
    parse: (text: string) => within(parseCount(text), 128, 30_000),
  },
  maxServices: {
    placeholder: 'N',
    fallback: String(DEFAULT_SPAN_LIMITS.services),
    help: '... and services; spans of more are rejected',
    parse: (text: string) => within(parseCount(text), 1, 1_000_000),
  },
} as const;

export function toSpanLimits(values: FlagValues<typeof spanLimitFlags>): SpanLimits {
  return Object.freeze({
    attributes: values.maxAttributes,
    events: values.maxEvents,
    links: values.maxLinks,
    valueBytes: values.maxValue,
    nameBytes: MAX_NAME_BYTES,
    keys: values.maxKeys,
    services: values.maxServices,
  });
}

export const serveFlags = {
  data: dataFlag,
  listen: {
    placeholder: 'HOST:PORT',
    fallback: '127.0.0.1:4318',
    help: 'OTLP/HTTP, API and pages',
    parse: parseAddress,
  },
  grpcListen: {
    placeholder: 'HOST:PORT|off',
    fallback: '127.0.0.1:4317',
    help: 'OTLP/gRPC',
    parse: (text: string) => (text === 'off' ? undefined : parseAddress(text)),
  },
  store: { placeholder: 'lake', fallback: 'lake', help: 'where spans are kept', parse: parseStore },
  insecure: switchFlag('listen beyond loopback without tokens: whoever reaches the port reads and writes'),
  maxBody: {
    placeholder: 'SIZE',
    fallback: `${MAX_BODY_BYTES / 1024 / 1024}MiB`,
    help: 'largest OTLP request, after decompression',
    parse: (text: string) => within(parseBytes(text), 1024, 1024 ** 3),
  },
  maxIngestMemory: {
    placeholder: 'SIZE',
    fallback: `${MAX_INGEST_BYTES / 1024 / 1024}MiB`,
    help: 'of all OTLP requests in progress; more are answered 503',
    parse: (text: string) => within(parseBytes(text), 1024, 64 * 1024 ** 3),
  },
  ...spanLimitFlags,
  flushRows: {
    placeholder: 'N',
    fallback: '131072',
    help: 'write Parquet at this many buffered spans',
    parse: (text: string) => within(parseCount(text), 1, 4_194_304),
  },
  flushBytes: {
    placeholder: 'SIZE',
    fallback: '128MiB',
    help: '... or at this size of the buffer',
    parse: (text: string) => within(parseBytes(text), 64 * 1024, 1024 ** 3),
  },
  flushAge: {
    placeholder: 'TIME',
    fallback: '30s',
    help: '... or at this age of its oldest span',
    parse: (text: string) => within(parseDurationMs(text), 100, 24 * 3600 * 1000),
  },
  compactFiles: {
    placeholder: 'N',
    fallback: '8',
    help: 'merge small Parquet files of a day by this number',
    parse: (text: string) => within(parseCount(text), 2, 1000),
  },
  minFree: {
    placeholder: 'SIZE|N%',
    fallback: '5%',
    help: 'take no spans below this much free disk; a share is at most 1GiB',
    parse: parseMinFree,
  },
  queryTimeout: {
    placeholder: 'TIME',
    fallback: `${QUERY_TIMEOUT_MS / 1000}s`,
    help: 'answer a question with what was found by then',
    parse: (text: string) => within(parseDurationMs(text), 10, 3600 * 1000),
  },
  aiPrices: {
    placeholder: 'FILE',
    fallback: '',
    help: 'JSON with prices of models for a million tokens, for costs on the page /ai',
    parse: parsePriceFile,
  },
  logLevel: {
    placeholder: LOG_LEVELS.join('|'),
    fallback: 'info',
    help: 'least serious line to log',
    parse: parseLogLevel,
  },
} as const;

/** The server's configuration from flag values. */
export function toConfig(values: FlagValues<typeof serveFlags>): Config {
  return Object.freeze({
    version: VERSION,
    dataDir: values.data,
    listen: values.listen,
    grpcListen: values.grpcListen,
    grpcOptional:
      !isSame(values.listen, serveFlags.listen.fallback) &&
      isSame(values.grpcListen, serveFlags.grpcListen.fallback),
    insecure: values.insecure,
    maxBodyBytes: values.maxBody,
    maxIngestBytes: Math.max(values.maxIngestMemory, LEAST_INGEST_BODIES * values.maxBody),
    spanLimits: toSpanLimits(values),
    flush: Object.freeze({ rows: values.flushRows, bytes: values.flushBytes, ageMs: values.flushAge }),
    compactFiles: values.compactFiles,
    queryTimeoutMs: values.queryTimeout,
    minFree: values.minFree,
    aiPrices: values.aiPrices,
    logLevel: values.logLevel,
  });
}

/** What this process was given. */
export function processInput(): { readonly words: readonly string[]; readonly env: Environment } {
  return { words: process.argv.slice(2), env: process.env };
}

/** `127.0.0.1:4318`, `localhost:0`, `[::1]:4318`. */
export function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw new Error('is not HOST:PORT, as 127.0.0.1:4318 or [::1]:4318');
  return Object.freeze({ host: match[1] ?? match[2], port });
}

export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function isSame(address: ListenAddress | undefined, text: string): boolean {
  return address !== undefined && formatAddress(address) === text;
}

/** True where only this machine can connect. A name other than localhost may resolve to anything. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function parseStore(text: string): 'lake' {
  if (text === 'lake') return text;
  if (/^clickhouse(s|\+https?)?:\/\//.test(text))
    throw new Error('ClickHouse is not in this version; use lake');
  throw new Error('is not a store; use lake');
}

const BYTE_UNITS = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['kb', 1000],
  ['kib', 1024],
  ['m', 1024 ** 2],
  ['mb', 1000 ** 2],
  ['mib', 1024 ** 2],
  ['g', 1024 ** 3],
  ['gb', 1000 ** 3],
  ['gib', 1024 ** 3],
]);

const MILLISECOND_UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function parseQuantity(text: string, units: ReadonlyMap<string, number>, example: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = units.get(match?.[2].toLowerCase() ?? '?');
  if (match === null || unit === undefined) throw new Error(`is not ${example}`);
  return Math.round(Number(match[1]) * unit);
}

export function parseBytes(text: string): number {
  return parseQuantity(text, BYTE_UNITS, 'a size, as 64MiB or 500kB');
}

/** What `parseBytes` reads back as the same number: `50GiB`, `1536MiB`, `1000B`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  for (; value > 0 && value % 1024 === 0 && unit < units.length - 1; unit++) value /= 1024;
  return `${value}${units[unit]}`;
}

/** `5%` of the disk, or a size. */
function parseMinFree(text: string): MinFree {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (percent === null) return Object.freeze({ bytes: parseBytes(text) });
  return Object.freeze({ share: within(Number(percent[1]), 0, 90) / 100, mostBytes: 1024 ** 3 });
}

export function parseDurationMs(text: string): number {
  return parseQuantity(text, MILLISECOND_UNITS, 'a time with its unit, as 30s, 5m or 500ms');
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error('is not a whole number');
  return Number(text);
}

function within(value: number, least: number, most: number): number {
  if (value < least || value > most) throw new Error(`is not between ${least} and ${most}`);
  return value;
}

function parsePriceFile(path: string): PriceTable | undefined {
  return path === '' ? undefined : parsePriceTable(readFileSync(resolve(path), 'utf8'));
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Error(`is not one of ${LOG_LEVELS.join(', ')}`);
  return level;
}
