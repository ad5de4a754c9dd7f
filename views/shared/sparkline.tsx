/** A figure's course in the space of a word. It says nothing that the figures beside it don't: hidden from who can't see it. */
import { Html } from '@elysiajs/html';
import { area, line } from 'd3-shape';

export interface SparklineProps {
  /** One a step; NaN: a gap. */
  readonly samples: Float64Array;
  /** What the pointer is told: "most 12 /s". */
  readonly title: string;
  readonly tone: 'plain' | 'error';
}

const WIDTH = 100;
const HEIGHT = 22;
/** Room for the stroke at the top and the bottom. */
const PAD = 1.5;

export function Sparkline({ samples, title, tone }: SparklineProps): JSX.Element {
  const most = samples.reduce((max, value) => (value > max ? value : max), 0);
  const x = (i: number): number => ((i + 0.5) / samples.length) * WIDTH;
  const y = (value: number): number =>
    most === 0 ? HEIGHT - PAD : HEIGHT - PAD - (value / most) * (HEIGHT - 2 * PAD);
  const points = bridged(samples);
  const under = area<Point>()
    .x((point) => x(point.at))
    .y0(HEIGHT)
    .y1((point) => y(point.value))
    .digits(1)(points);
  const over = line<Point>()
    .x((point) => x(point.at))
    .y((point) => y(point.value))
    .digits(1)(points);
  return (
    <svg
      class={`spark spark-${tone}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <title safe>{title}</title>
      <path class="spark-area" d={under ?? ''} />
      <path class="spark-line" d={over ?? ''} />
    </svg>
  );
}

interface Point {
  readonly at: number;
  readonly value: number;
}

/** A line goes straight over gaps: in so small a picture a lone value between two would be no line at all. */
function bridged(samples: Float64Array): Point[] {
  const points: Point[] = [];
  for (let at = 0; at < samples.length; at++) {
    if (Number.isFinite(samples[at])) points.push({ at, value: samples[at] });
  }
  return points.length === 1 ? [points[0], { at: points[0].at + 0.5, value: points[0].value }] : points;
}
