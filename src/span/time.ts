/**
 * Times and durations as text. Inside the program both are bigint nanoseconds: a time unsigned since the
 * epoch, a duration signed. Parsers answer null for a text that they do not understand.
 */

const NANOS_PER_SECOND = 1_000_000_000n;
const MAX_TIME = (1n << 64n) - 1n;
/** The end, exclusive, of a range without one: senders' clocks may run ahead, up to the last nanosecond. */
export const END_OF_TIME = 1n << 64n;

/** Longest first, so that "ms" is not read as "m". Both micro signs (U+00B5, U+03BC) are in use. */
const DURATION_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', NANOS_PER_SECOND],
  ['m', 60n * NANOS_PER_SECOND],
  ['h', 3_600n * NANOS_PER_SECOND],
  ['d', 86_400n * NANOS_PER_SECOND],
  ['w', 7n * 86_400n * NANOS_PER_SECOND],
  ['y', 365n * 86_400n * NANOS_PER_SECOND],
]);

const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d|w|y)/gy;
const MAX_NUMBER_CHARS = 40;

/** `1.5s`, `300ms`, `1h30m`, `-2us`, `7d`, `0`. A fraction of a nanosecond is cut off. */
export function parseDuration(text: string): bigint | null {
  const trimmed = text.trim();
  const negative = trimmed.startsWith('-');
  const body = /^[+-]/.test(trimmed) ? trimmed.slice(1) : trimmed;
  if (body === '0') return 0n;
  if (body === '' || body.length > 4 * MAX_NUMBER_CHARS) return null;
  let total = 0n;
  let end = 0;
  for (const part of body.matchAll(DURATION_PART)) {
    const unit = DURATION_UNITS.get(part[2]);
    if (unit === undefined) return null;
    total += scaled(part[1], unit);
    end = part.index + part[0].length;
  }
  if (end !== body.length) return null;
  return negative ? -total : total;
}

/** `number`, a plain decimal, times `unit`, rounded towards zero. */
function scaled(number: string, unit: bigint): bigint {
  const [whole, fraction = ''] = number.split('.');
  return (BigInt(whole + fraction || '0') * unit) / 10n ** BigInt(fraction.length);
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?([Zz]|[+-]\d\d:\d\d)?)?$/;

/**
 * RFC 3339 (`2026-05-01T12:00:00.123456789+02:00`; without a zone, or a date alone: UTC) or a Unix number
 * whose unit its magnitude tells. What lies outside of unsigned 64-bit nanoseconds gives the nearest
 * bound: no span starts there.
 */
export function parseTime(text: string): bigint | null {
  const trimmed = text.trim();
  if (trimmed.length > MAX_NUMBER_CHARS) return null;
  const nanos = /^\d+(\.\d+)?$/.test(trimmed) ? parseUnix(trimmed) : parseRfc3339(trimmed);
  if (nanos === null) return null;
  return nanos < 0n ? 0n : nanos > MAX_TIME ? MAX_TIME : nanos;
}

/** Below 1e11 it is seconds (until the year 5138), then milliseconds, microseconds, nanoseconds. */
function parseUnix(text: string): bigint {
  const whole = text.split('.')[0].replace(/^0+(?=\d)/, '');
  const unit =
    whole.length <= 11
      ? NANOS_PER_SECOND
      : whole.length <= 14
        ? 1_000_000n
        : whole.length <= 17
          ? 1_000n
          : 1n;
  return scaled(text, unit);
}

function parseRfc3339(text: string): bigint | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)];
  if (hour > 23 || minute > 59 || second > 60) return null;
  const date = new Date(0);
  // setUTCFullYear, unlike Date.UTC, takes the years 0 to 99 as they are.
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offset = zoneMinutes(match[8] ?? 'Z');
  if (offset === null) return null;
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset * 60;
  const fraction = (match[7] ?? '').padEnd(9, '0').slice(0, 9);
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt(fraction);
}

function zoneMinutes(zone: string): number | null {
  if (zone === 'Z' || zone === 'z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))];
  if (hours > 23 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** RFC 3339 in UTC with nine digits of a second, so that texts sort like times. */
export function formatTime(unixNano: bigint): string {
  const fraction = ((unixNano % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  const seconds = Number((unixNano - fraction) / NANOS_PER_SECOND);
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}.${fraction.toString().padStart(9, '0')}Z`;
}

/**
 * For people: three significant digits in the unit that fits, `0ns`, `850ns`, `50us`, `1.23ms`, `1.2s`;
 * from a minute on two units, `1m5s`, `2h30m`, `3d4h`. Rounded; `formatDurationExact` is not.
 */
export function formatDuration(nanos: bigint): string {
  if (nanos < 0n) return `-${formatDuration(-nanos)}`;
  const value = Number(nanos);
  if (value < 999.5) return `${nanos}ns`;
  if (value < 999.5e3) return `${significant(value / 1e3)}us`;
  if (value < 999.5e6) return `${significant(value / 1e6)}ms`;
  if (value < 59.95e9) return `${significant(value / 1e9)}s`;
  const seconds = Math.round(value / 1e9);
  if (seconds < 3600) return twoUnits(seconds, 60, 'm', 1, 's');
  if (seconds < 86_400 - 30) return twoUnits(seconds, 3600, 'h', 60, 'm');
  return twoUnits(seconds, 86_400, 'd', 3600, 'h');
}

function significant(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function twoUnits(
  seconds: number,
  large: number,
  largeName: string,
  small: number,
  smallName: string,
): string {
  const smalls = Math.round(seconds / small);
  const perLarge = large / small;
  const rest = smalls % perLarge;
  return `${Math.floor(smalls / perLarge)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** A text that `parseDuration` reads back as the same number: `1h30m`, `1.5s`, `1.000001ms`. */
export function formatDurationExact(nanos: bigint): string {
  if (nanos < 0n) return `-${formatDurationExact(-nanos)}`;
  if (nanos < 1_000n) return `${nanos}ns`;
  if (nanos < 1_000_000n) return `${decimal(nanos, 3)}us`;
  if (nanos < NANOS_PER_SECOND) return `${decimal(nanos, 6)}ms`;
  const hours = nanos / (3_600n * NANOS_PER_SECOND);
  const minutes = (nanos / (60n * NANOS_PER_SECOND)) % 60n;
  const rest = nanos % (60n * NANOS_PER_SECOND);
  const parts = [hours > 0n ? `${hours}h` : '', minutes > 0n ? `${minutes}m` : ''];
  return parts.join('') + (rest > 0n ? `${decimal(rest, 9)}s` : '');
}

/** `value / 10^digits` without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const text = value.toString().padStart(digits + 1, '0');
  const fraction = text.slice(-digits).replace(/0+$/, '');
  return text.slice(0, -digits) + (fraction === '' ? '' : `.${fraction}`);
}
