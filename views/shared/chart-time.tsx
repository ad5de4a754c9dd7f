/** Time across a picture, in percent of its width, and the axis below it. */
import { Html } from '@elysiajs/html';
import { scaleUtc } from 'd3-scale';
import { formatClock, formatDate } from '../format.ts';
import * as time from '../../src/span/time.ts';

export interface TimeDomain {
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

/** Where buckets of equal length lie. */
export interface TimeSteps {
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
}

export interface TimeScale {
  readonly domain: TimeDomain;
  readonly ticks: readonly bigint[];
  /** Percent from the left. */
  across(unixNano: bigint): number;
  /** The same of a bucket's begin; its middle, where its figure stands, is at half a bucket more. */
  acrossOf(bucket: number): number;
  /** The bucket that holds a time. */
  bucketAt(unixNano: bigint): number;
}

const TICKS = 6;

export function timeScale(domain: TimeDomain, { startUnixNano, stepNano }: TimeSteps): TimeScale {
  const length = Number(domain.endUnixNano - domain.startUnixNano) || 1;
  const across = (unixNano: bigint): number => (Number(unixNano - domain.startUnixNano) / length) * 100;
  const clock = scaleUtc().domain([millis(domain.startUnixNano), millis(domain.endUnixNano)]);
  const first = across(startUnixNano);
  const step = (Number(stepNano) / length) * 100;
  return {
    domain,
    ticks: clock.ticks(TICKS).map((date) => BigInt(date.getTime()) * 1_000_000n),
    across,
    acrossOf: (bucket) => first + bucket * step,
    bucketAt: (unixNano) => Number((unixNano - startUnixNano) / stepNano),
  };
}

function millis(unixNano: bigint): number {
  return Number(unixNano / 1_000_000n);
}

export function percent(value: number): string {
  return `${value.toFixed(3)}%`;
}

/** Below `top`. Every other text goes where there is little room. */
export function TimeAxis({ scale, top }: { scale: TimeScale; top: number }): JSX.Element {
  const textOf = timeText(scale.domain);
  const isClock = scale.domain.endUnixNano - scale.domain.startUnixNano <= DAYS_FROM;
  return (
    <g class="chart-axis is-time" aria-hidden="true">
      {scale.ticks.map((tick, i) => {
        const x = scale.across(tick);
        const anchor = x < 4 ? 'start' : x > 94 ? 'end' : 'middle';
        return (
          <g class={i % 2 === 1 ? 'is-odd' : undefined}>
            <line class="tick" x1={percent(x)} x2={percent(x)} y1={String(top)} y2={String(top + 4)} />
            <text
              x={percent(x)}
              y={String(top + 17)}
              text-anchor={anchor}
              data-time={time.formatTime(tick)}
              data-time-as={isClock ? 'clock' : undefined}
              safe
            >
              {textOf(tick)}
            </text>
          </g>
        );
      })}
    </g>
  );
}

const DAY_NANO = 86_400_000_000_000n;
/** Longer ranges have days on their axis. */
const DAYS_FROM = 4n * DAY_NANO;

/** The clock within a few days, days beyond, and of a second only where that differs. */
function timeText({ startUnixNano, endUnixNano }: TimeDomain): (unixNano: bigint) => string {
  const length = endUnixNano - startUnixNano;
  if (length > 400n * DAY_NANO) return (unixNano) => formatDate(unixNano).slice(0, 7);
  if (length > DAYS_FROM) return (unixNano) => formatDate(unixNano).slice(5);
  if (length < 1_000_000_000n) return (unixNano) => formatClock(unixNano, 3);
  const digits = length < 600_000_000_000n ? 8 : 5;
  return (unixNano) =>
    unixNano % DAY_NANO === 0n && length > DAY_NANO / 2n
      ? formatDate(unixNano).slice(5)
      : formatClock(unixNano, 0).slice(0, digits);
}
