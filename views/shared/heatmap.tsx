/** Counts by time and size as a picture: columns of time, rows from small to large upwards, dark where there are many. */
import { Html } from '@elysiajs/html';
import type { MetricsPage } from '../../src/store/span-store.ts';
import { percent, TimeAxis, timeScale } from './chart-time.tsx';
import type { TimeDomain } from './chart-time.tsx';
import { formatCount, formatTime, plural } from '../format.ts';

export interface HeatmapRow {
  readonly name: string;
  /** One a bucket; NaN: none. */
  readonly samples: Float64Array;
}

export interface HeatmapProps {
  /** From small to large. */
  readonly rows: readonly HeatmapRow[];
  readonly page: Pick<MetricsPage, 'startUnixNano' | 'stepNano' | 'buckets'>;
  readonly domain: TimeDomain;
}

const ROW = 16;
const TOP = 4;
const AXIS = 24;
/** Shades, of which style-metrics.css has one class each. */
const LEVELS = 5;
/** Below that, not every row has room for its name. */
const NAMED_EACH = 2;

export function Heatmap({ rows, page, domain }: HeatmapProps): JSX.Element {
  const most = Math.max(1, ...rows.flatMap(({ samples }) => samples.reduce((a, b) => (b > a ? b : a), 0)));
  const scale = timeScale(domain, page);
  const height = TOP + rows.length * ROW;
  const top = (row: number): number => height - (row + 1) * ROW;
  return (
    <>
      <svg class="chart" width="100%" height={String(height + AXIS)}>
        <g
          role="img"
          aria-label={`Heatmap of ${plural(rows.length, 'row')} over time; the tables below have the same figures`}
        >
          {rows.map(({ name, samples }, row) => (
            <Cells name={name} samples={samples} y={top(row)} most={most} page={page} scale={scale} />
          ))}
          <line class="tick" x1="0" x2="100%" y1={String(height)} y2={String(height)} />
        </g>
        <g class="chart-axis" aria-hidden="true">
          {rows.map(({ name }, row) =>
            row % NAMED_EACH === 0 ? (
              <text x="2" y={String(top(row) + ROW - 4)} safe>
                {name}
              </text>
            ) : (
              ''
            ),
          )}
        </g>
        <TimeAxis scale={scale} top={height} />
      </svg>
      <p class="heat-legend note">
        <span>1</span>
        <svg width={String(LEVELS * ROW)} height={String(ROW)} aria-hidden="true">
          {Array.from({ length: LEVELS }, (_, level) => (
            <rect
              class={`heat heat-${level + 1}`}
              x={String(level * ROW)}
              width={String(ROW)}
              height={String(ROW)}
            />
          ))}
        </svg>
        <span safe>{`${formatCount(most)} spans in a cell`}</span>
      </p>
    </>
  );
}

function Cells(
  props: HeatmapRow & {
    y: number;
    most: number;
    page: HeatmapProps['page'];
    scale: ReturnType<typeof timeScale>;
  },
): JSX.Element {
  const { name, samples, y, most, page, scale } = props;
  const width = percent(scale.acrossOf(1) - scale.acrossOf(0));
  const digits = page.stepNano < 1_000_000_000n ? 3 : 0;
  const cells: JSX.Element[] = [];
  for (const [bucket, count] of samples.entries()) {
    if (!(count > 0)) continue;
    const from = formatTime(page.startUnixNano + BigInt(bucket) * page.stepNano, digits);
    cells.push(
      <rect
        class={`heat heat-${levelOf(count, most)}`}
        x={percent(scale.acrossOf(bucket))}
        width={width}
        y={String(y)}
        height={String(ROW)}
      >
        <title data-times="" safe>{`${from}\n${plural(count, 'span')}, ${name}`}</title>
      </rect>,
    );
  }
  return <g>{cells}</g>;
}

/** By magnitude: one slow span beside a thousand fast ones must be seen. */
function levelOf(count: number, most: number): number {
  return Math.max(1, Math.ceil((Math.log1p(count) / Math.log1p(most)) * LEVELS));
}
