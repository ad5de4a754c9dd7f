/** Figures and times as people read them. Pure; every unit is spelled out, every time names its zone. */

import * as time from '../src/span/time.ts';

const NANO_PER_SECOND = 1_000_000_000n;
const MINUTE = 60n * NANO_PER_SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

/** Three significant digits and the unit: `830 ns`, `12.3 µs`, `345 ms`, `1.23 s`, `2 m 3 s`. */
export function formatDuration(nano: bigint): string {
  const text = time.formatDuration(nano).replace('us', 'µs').replace('-', '−');
  return text.replace(/(\d)([a-zµ])/g, '$1 $2').replace(/([a-z])(\d)/g, '$1 $2');
}

function significant(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Made once: to make one for each number took 7 ms of a page of 1,000 spans. */
const COUNTS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345`. */
export function formatCount(value: number): string {
  return COUNTS.format(value);
}

/** `1 span`, `2 spans`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : significant(value)} ${units[unit]}`;
}

/** A share as percent: `0 %`, `0.12 %`, `3.4 %`, `100 %`. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent >= 99.95) return `${percent.toFixed(0)} %`;
  return percent < 1 ? `${Math.max(percent, 0.01).toFixed(2)} %` : `${percent.toFixed(1)} %`;
}

/** Events over a time, in the unit that gives a figure one can read. */
export function formatRate(count: number, seconds: number): string {
  if (seconds <= 0 || count === 0) return '0 /s';
  const perSecond = count / seconds;
  if (perSecond >= 1) return `${perSecond >= 1000 ? formatCount(perSecond) : significant(perSecond)} /s`;
  return perSecond * 60 >= 1 ? `${significant(perSecond * 60)} /min` : `${significant(perSecond * 3600)} /h`;
}

export function formatMilliseconds(ms: number): string {
  return ms < 1 ? '<1 ms' : formatDuration(BigInt(Math.round(ms * 1e6)));
}

/** `2026-11-23 03:47:09.123 UTC`, with as many digits of a second as asked. */
export function formatTime(unixNano: bigint, fractionDigits: 0 | 3 | 6 | 9 = 3): string {
  return `${formatDate(unixNano)} ${formatClock(unixNano, fractionDigits)} UTC`;
}

export function formatDate(unixNano: bigint): string {
  return time.formatTime(unixNano).split('T')[0];
}

/** The time of day in UTC; say the zone beside it. */
export function formatClock(unixNano: bigint, fractionDigits: 0 | 3 | 6 | 9 = 3): string {
  const clock = time.formatTime(unixNano).split('T')[1];
  return clock.slice(0, fractionDigits === 0 ? 8 : 9 + fractionDigits);
}

/** `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`, or `in 3 min`. */
export function formatAgo(unixNano: bigint, nowUnixNano: bigint): string {
  const past = nowUnixNano >= unixNano;
  const distance = past ? nowUnixNano - unixNano : unixNano - nowUnixNano;
  if (distance < 2n * NANO_PER_SECOND) return 'just now';
  const text = coarse(distance);
  return past ? `${text} ago` : `in ${text}`;
}

function coarse(nano: bigint): string {
  if (nano < MINUTE) return `${nano / NANO_PER_SECOND} s`;
  if (nano < HOUR) return `${nano / MINUTE} min`;
  return nano < 2n * DAY ? `${nano / HOUR} h` : `${nano / DAY} d`;
}

const KIND_NAMES = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

/** TraceQL's keyword for a span's kind; a number that OpenTelemetry has not named stays a number. */
export function kindName(kind: number): string {
  return KIND_NAMES[kind] ?? `kind ${kind}`;
}

const STATUS_NAMES = ['unset', 'ok', 'error'];

export function statusName(statusCode: number): string {
  return STATUS_NAMES[statusCode] ?? `status ${statusCode}`;
}

/** How many colours of services there are in style.css, `svc-0` and up. */
export const SERVICE_COLOURS = 12;

/**
 * The classes that give a service its colour, by its name alone, so that it is the same on every page: the
 * colour that its hash says, and a class of its own by which the project's sheet may give it another.
 */
export function serviceClass(serviceName: string): string {
  const hash = serviceHash(serviceName);
  return `svc-${hash % SERVICE_COLOURS} ${ownServiceClass(hash)}`;
}

/** The class that stands for one service. */
export function ownServiceClass(hash: number): string {
  return `sn-${hash.toString(36)}`;
}

/** FNV-1a. 32 bits: two of a thousand services share them once in 10,000 projects. */
export function serviceHash(serviceName: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < serviceName.length; i++) {
    hash = Math.imul(hash ^ serviceName.charCodeAt(i), 0x01000193);
  }
  // FNV's low bits are weak for short names that differ in one letter: fold the high ones in.
  hash ^= hash >>> 15;
  return hash >>> 0;
}

/**
 * A text from data for use inside an attribute. kitajs escapes the quotes of attributes but not `&`,
 * so that `&quot;` in data would come out as a quote.
 */
export function attr(text: string): string {
  return text.replaceAll('&', '&amp;');
}
