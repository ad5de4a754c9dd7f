/**
 * Lines over time as SVG, made on the server. Positions across are percent and lines lie in a box of their
 * own that stretches, so that the chart is as wide as its place while its texts keep their size.
 */
import { Html } from '@elysiajs/html';
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { percent, TimeAxis, timeScale } from './chart-time.tsx';
import type { TimeDomain, TimeScale } from './chart-time.tsx';
import { attr, formatTime } from '../format.ts';

export interface ChartLine {
  readonly name: string;
  readonly className: string;
  /** One a bucket; NaN: a gap. */
  readonly samples: Float64Array;
  readonly marks: readonly ChartMark[];
}

/** A span to look at, on its line. */
export interface ChartMark {
  readonly timeUnixNano: bigint;
  readonly title: string;
  readonly href: string;
}

export interface ChartProps {
  /** What is shown, for who can't see it. */
  readonly label: string;
  readonly lines: readonly ChartLine[];
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
  readonly buckets: number;
  /** What is shown; the buckets lie in it. */
  readonly domain: TimeDomain;
  readonly format: (value: number) => string;
}

const HEIGHT = 260;
const TOP = 18;
const BOTTOM = 24;
const PLOT = HEIGHT - TOP - BOTTOM;
/** Units across the stretched box: fine enough that rounding to a tenth is no step on a wide screen. */
const ACROSS = 1000;
const TICKS_DOWN = 4;
/** Names in the title of one moment. */
const TITLE_LINES = 8;

export function Chart(props: ChartProps): JSX.Element {
  const { label, lines } = props;
  const geometry = geometryOf(props);
  return (
    <svg class="chart" width="100%" height={String(HEIGHT)}>
      <Grid geometry={geometry} />
      <TimeAxis scale={geometry.time} top={TOP + PLOT} />
      <svg
        class="chart-plot"
        y={String(TOP)}
        width="100%"
        height={String(PLOT)}
        viewBox={`0 0 ${ACROSS} ${PLOT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={attr(label)}
      >
        {lines.map((one) => (
          <path class={`chart-line ${one.className}`} d={geometry.path(one.samples)} />
        ))}
      </svg>
      <ValueTexts geometry={geometry} format={props.format} />
      <Moments {...props} geometry={geometry} />
      {lines.map((one) => (
        <Marks line={one} geometry={geometry} />
      ))}
    </svg>
  );
}

interface Geometry {
  readonly time: TimeScale;
  /** Pixels from the top of the plot. */
  down(value: number): number;
  readonly valueTicks: readonly number[];
  path(samples: Float64Array): string;
}

function geometryOf({ lines, domain, startUnixNano, stepNano }: ChartProps): Geometry {
  const [low, high] = extent(lines);
  const down = scaleLinear().domain([low, high]).nice(TICKS_DOWN).range([PLOT, 0]);
  const time = timeScale(domain, { startUnixNano, stepNano });
  const path = line<number>()
    .defined((value) => Number.isFinite(value))
    .x((_, bucket) => (time.acrossOf(bucket + 0.5) / 100) * ACROSS)
    .y((value) => down(value))
    .digits(1);
  return {
    time,
    down: (value) => down(value),
    valueTicks: down.ticks(TICKS_DOWN),
    path: (samples) => path(samples) ?? '',
  };
}

/** From 0, or from the least below it. */
function extent(lines: readonly ChartLine[]): [number, number] {
  let [low, high] = [0, 0];
  for (const { samples } of lines) {
    for (const sample of samples) {
      if (!Number.isFinite(sample)) continue;
      low = Math.min(low, sample);
      high = Math.max(high, sample);
    }
  }
  return low === high ? [0, 1] : [low, high];
}

function Grid({ geometry }: { geometry: Geometry }): JSX.Element {
  return (
    <g class="chart-axis">
      {geometry.valueTicks.map((value) => {
        const y = (TOP + geometry.down(value)).toFixed(1);
        return <line class={value === 0 ? 'base' : 'grid'} x1="0" x2="100%" y1={y} y2={y} />;
      })}
    </g>
  );
}

/** Above the lines, so that none runs through a figure. */
function ValueTexts({ geometry, format }: { geometry: Geometry; format: ChartProps['format'] }): JSX.Element {
  return (
    <g class="chart-axis" aria-hidden="true">
      {geometry.valueTicks.map((value) => (
        <text x="2" y={(TOP + geometry.down(value) - 4).toFixed(1)} safe>
          {value === 0 ? '0' : format(value)}
        </text>
      ))}
    </g>
  );
}

function Marks({ line, geometry }: { line: ChartLine; geometry: Geometry }): JSX.Element {
  return (
    <g class={`chart-marks ${line.className}`}>
      {line.marks.map(({ timeUnixNano, title, href }) => {
        const bucket = geometry.time.bucketAt(timeUnixNano);
        const value = line.samples[bucket];
        if (!Number.isFinite(value)) return '';
        return (
          // The same links stand in the table, where the keyboard finds them.
          <a href={attr(href)} tabindex="-1" aria-hidden="true">
            <circle
              cx={percent(geometry.time.acrossOf(bucket + 0.5))}
              cy={(TOP + geometry.down(value)).toFixed(1)}
              r="4"
            >
              <title safe>{title}</title>
            </circle>
          </a>
        );
      })}
    </g>
  );
}

/** A strip for each bucket, that says what the lines are there. Below the marks for the pointer. */
function Moments(props: ChartProps & { geometry: Geometry }): JSX.Element {
  const { lines, startUnixNano, stepNano, buckets, format, geometry } = props;
  const strips: JSX.Element[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const known = lines
      .map(({ name, samples }) => ({ name, value: samples[bucket] }))
      .filter(({ value }) => Number.isFinite(value))
      .toSorted((a, b) => b.value - a.value);
    if (known.length === 0) continue;
    const from = startUnixNano + BigInt(bucket) * stepNano;
    const x = geometry.time.acrossOf(bucket);
    const width = geometry.time.acrossOf(bucket + 1) - x;
    const texts = known.slice(0, TITLE_LINES).map(({ name, value }) => `${format(value)}  ${name}`.trimEnd());
    if (known.length > TITLE_LINES) texts.push(`and ${known.length - TITLE_LINES} more`);
    strips.push(
      <rect class="moment" x={percent(x)} width={percent(width)} y={String(TOP)} height={String(PLOT)}>
        <title data-times="" safe>
          {[formatTime(from, stepNano < 1_000_000_000n ? 3 : 0), ...texts].join('\n')}
        </title>
      </rect>,
    );
  }
  return <g aria-hidden="true">{strips}</g>;
}
