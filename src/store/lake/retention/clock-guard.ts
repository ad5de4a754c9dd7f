/**
 * Retention believes the wall clock only while it moves as a clock does. The latest time that was trusted is
 * kept in the catalog; a clock that is more than a day ahead of it, or an hour behind, is not trusted until
 * the server has run for a day with it, or a person says that it is right. A server that was off for longer
 * than a day looks the same, and waits too: spans that stay a day longer are the lesser harm.
 */
import type { Database } from 'bun:sqlite';
import { readMeta, writeMeta } from '../../catalog.ts';
import type { Clock } from '../write/clock.ts';

const HOUR_MS = 3_600_000;
const MAX_AHEAD_MS = 24 * HOUR_MS;
const MAX_BEHIND_MS = HOUR_MS;
/** So long an untrusted clock must go along with the monotonic one. */
const PROBATION_MS = 24 * HOUR_MS;
const WRITE_MS = 60_000;

interface ClockGuardParts {
  readonly catalog: Database;
  readonly clock: Clock;
}

/** When the clock began to be watched, on both clocks. */
interface Watch {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export class ClockGuard {
  #watch: Watch | undefined;
  #lastWriteMs = -Infinity;
  #reason = '';

  constructor(private readonly parts: ClockGuardParts) {}

  /** Why the clock is not trusted, or ''. As of the last check. */
  get reason(): string {
    return this.#reason;
  }

  /** True while the clock can be trusted. To be called about once a minute, also when nothing is due. */
  check(): boolean {
    const { catalog, clock } = this.parts;
    const now: Watch = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const trusted = readHighWater(catalog);
    if (trusted === undefined || isPlausible(now.wallMs, trusted)) {
      this.#trust(now, trusted);
      return true;
    }
    const watch = this.#watch;
    if (watch === undefined || !movesAlong(watch, now)) this.#watch = now;
    else if (now.monotonicMs - watch.monotonicMs >= PROBATION_MS) {
      this.#trust(now, undefined);
      return true;
    }
    this.#reason = untrusted(now.wallMs, trusted, this.#watch ?? now, now);
    return false;
  }

  #trust({ wallMs, monotonicMs }: Watch, before: number | undefined): void {
    this.#watch = undefined;
    this.#reason = '';
    if (before !== undefined && (wallMs <= before || monotonicMs - this.#lastWriteMs < WRITE_MS)) return;
    writeHighWater(this.parts.catalog, wallMs);
    this.#lastWriteMs = monotonicMs;
  }
}

function readHighWater(catalog: Database): number | undefined {
  const text = readMeta(catalog, 'clock_high_water');
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function writeHighWater(catalog: Database, wallMs: number): void {
  writeMeta(catalog, 'clock_high_water', String(Math.max(0, Math.trunc(wallMs))));
}

function isPlausible(nowMs: number, trustedMs: number): boolean {
  return nowMs - trustedMs <= MAX_AHEAD_MS && trustedMs - nowMs <= MAX_BEHIND_MS;
}

function movesAlong(from: Watch, to: Watch): boolean {
  return Math.abs(to.wallMs - from.wallMs - (to.monotonicMs - from.monotonicMs)) <= MAX_BEHIND_MS;
}

function untrusted(nowMs: number, trustedMs: number, watch: Watch, now: Watch): string {
  const jump = nowMs > trustedMs ? 'ahead of' : 'behind';
  const hours = Math.round(Math.abs(nowMs - trustedMs) / HOUR_MS);
  const left = Math.max(1, Math.ceil((PROBATION_MS - (now.monotonicMs - watch.monotonicMs)) / HOUR_MS));
  return (
    `the clock says ${timeText(nowMs)}, ${hours} h ${jump} ${timeText(trustedMs)}, when it was last trusted; ` +
    `nothing goes by age for ${left} h more, unless you confirm that it is right: spanlake project clock --accept`
  );
}

/** The clock of this machine is right: what a person says. Also while a server runs. */
export function acceptClock(catalog: Database, wallMs: number): void {
  writeHighWater(catalog, wallMs);
}

/** What a command can tell without the server: '' where the clock would be trusted now. */
export function clockDoubt(
  catalog: Database,
  wallMs: number,
): { trustedMs: number | undefined; doubted: boolean } {
  const trustedMs = readHighWater(catalog);
  return { trustedMs, doubted: trustedMs !== undefined && !isPlausible(wallMs, trustedMs) };
}

function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
