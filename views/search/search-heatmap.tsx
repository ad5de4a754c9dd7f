/** Durations over time of the spans that match, with ways to take a part of them: drag, click, type. */
import { Html } from '@elysiajs/html';
import { formatDurationExact, formatTime as rfcTime, parseDuration, parseTime } from '../../src/span/time.ts';
import type { HeatmapPage } from '../../src/store/span-store.ts';
import { attr, formatCount, formatDuration, formatTime, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { percent, TimeAxis, timeScale } from '../shared/chart-time.tsx';
import type { TimeDomain, TimeScale } from '../shared/chart-time.tsx';
import { ErrorCount } from '../shared/parts.tsx';
import { TextField } from './filter-column.tsx';
import {
  cellsOf,
  columnFigures,
  durationTicks,
  errorPath,
  rowAt,
  SHADES,
  shadePaths,
} from './heatmap-cells.ts';
import type { Cells, ColumnFigures } from './heatmap-cells.ts';
import { Hidden } from './hidden-state.tsx';
import { Later } from './later.tsx';
import { partHref, rangeText, searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';
import { isSelected, NO_SELECTION, selectionName } from './selection.ts';

export interface SearchHeatmapProps {
  readonly state: SearchState;
  readonly page: HeatmapPage;
  /** What is shown: all that was asked for, as far as it is closed. */
  readonly domain: TimeDomain;
}

const ROW = 9;
const LEAST_HEIGHT = 96;
const MOST_HEIGHT = 176;
const AXIS = 22;
const GUTTER = 58;

/** Where picture and comparison come: each with a request of its own. */
export function HeatmapPlace({ state }: { state: SearchState }): JSX.Element {
  return (
    <>
      <Later
        id="heatmap"
        href={partHref('/search/heatmap', state)}
        wait="Drawing durations over time …"
        link="Draw the durations of these spans over time"
      />
      {isSelected(state.selection) ? (
        <Later
          id="comparison"
          href={partHref('/search/comparison', state)}
          wait="Comparing the selection with the rest …"
          link="Compare the selection with the rest"
        />
      ) : (
        ''
      )}
    </>
  );
}

export function SearchHeatmap(props: SearchHeatmapProps): JSX.Element {
  const { state, page } = props;
  const cells = cellsOf(page);
  if (cells.spans === 0) return <p class="note" safe>{`No spans to draw in ${rangeText(state)}.`}</p>;
  const figures = columnFigures(cells);
  return (
    <section class="heatmap" aria-labelledby="heatmap-title">
      <div class="heatmap-head">
        <h2 id="heatmap-title">Durations over time</h2>
        <p class="note">
          <span class="num" safe>
            {plural(cells.spans, 'matching span')}
          </span>
          {', '}
          {cells.errorSpans === 0 ? 'no errors' : <ErrorCount count={cells.errorSpans} />}
        </p>
        {page.complete === true ? (
          ''
        ) : (
          <p class="warning">
            <Icon name="info" />
            <span safe>{`Incomplete: ${page.complete.reason}`}</span>
          </p>
        )}
      </div>
      <Picture {...props} cells={cells} figures={figures} />
      <Legend cells={cells} />
      <SelectForm state={state} />
      <FiguresTable {...props} figures={figures} />
    </section>
  );
}

interface PictureProps extends SearchHeatmapProps {
  readonly cells: Cells;
  readonly figures: readonly ColumnFigures[];
}

function Picture(props: PictureProps): JSX.Element {
  const { state, page, domain, cells } = props;
  const height = Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, cells.rows * ROW));
  const scale = timeScale(domain, page);
  const left = scale.acrossOf(0);
  const down = (row: number): number => height - (row / cells.rows) * height;
  return (
    <div class="heatmap-picture">
      <svg class="chart-axis" width={String(GUTTER)} height={String(height + AXIS)} aria-hidden="true">
        {durationTicks(cells).map((nano) => {
          const y = down(rowAt(cells, nano));
          return (
            <text
              x={String(GUTTER - 6)}
              y={Math.min(height, Math.max(10, y + 4)).toFixed(1)}
              text-anchor="end"
              safe
            >
              {formatDuration(nano)}
            </text>
          );
        })}
      </svg>
      <svg class="chart" width="100%" height={String(height + AXIS)}>
        <g class="chart-axis" aria-hidden="true">
          {durationTicks(cells).map((nano) => {
            const y = down(rowAt(cells, nano)).toFixed(1);
            return <line class="grid" x1="0" x2="100%" y1={y} y2={y} />;
          })}
        </g>
        <svg
          class="heatmap-cells"
          x={percent(left)}
          width={percent(scale.acrossOf(cells.columns) - left)}
          height={String(height)}
          viewBox={`0 0 ${cells.columns} ${cells.rows}`}
          preserveAspectRatio="none"
          role="img"
          aria-label="Heatmap of durations over time, darker where there are more spans; the table below has its figures"
          data-heatmap
          data-start={page.startUnixNano.toString()}
          data-step={page.stepNano.toString()}
          data-columns={String(cells.columns)}
          data-rows={String(cells.rows)}
          data-first-half={String(cells.firstHalf)}
        >
          {shadePaths(cells).map((path, i) =>
            path === '' ? '' : <path class={`heat heat-${i + 1}`} d={path} />,
          )}
          <path class="heat-errors" d={errorPath(cells)} />
          <Selected state={state} page={page} cells={cells} />
          <rect class="heat-drag" width="0" height="0" />
        </svg>
        <ColumnLinks {...props} scale={scale} height={height} />
        <g class="chart-axis" aria-hidden="true">
          <line class="tick" x1="0" x2="100%" y1={String(height)} y2={String(height)} />
        </g>
        <TimeAxis scale={scale} top={height} />
      </svg>
    </div>
  );
}

/** Over the picture: what a step has, and a click that goes there. The table has the same links for the keyboard. */
function ColumnLinks(props: PictureProps & { scale: TimeScale; height: number }): JSX.Element {
  const { state, page, figures, scale, height } = props;
  const width = percent(scale.acrossOf(1) - scale.acrossOf(0));
  return (
    <g class="heatmap-columns" aria-hidden="true">
      {figures.map(({ spans, errors }, column) =>
        spans === 0 ? (
          ''
        ) : (
          <a href={attr(stepHref(state, page, column))} tabindex="-1">
            <rect class="moment" x={percent(scale.acrossOf(column))} width={width} height={String(height)}>
              <title safe>
                {`${stepText(page, column)}\n${plural(spans, 'span')}, ${plural(errors, 'error')}`}
              </title>
            </rect>
          </a>
        ),
      )}
    </g>
  );
}

function stepStart({ startUnixNano, stepNano }: HeatmapPage, column: number): bigint {
  return startUnixNano + BigInt(column) * stepNano;
}

function stepText(page: HeatmapPage, column: number): string {
  return formatTime(stepStart(page, column), page.stepNano < 1_000_000_000n ? 3 : 0);
}

function stepHref(state: SearchState, page: HeatmapPage, column: number): string {
  return searchHref(state, {
    since: '',
    start: timeText(stepStart(page, column)),
    end: timeText(stepStart(page, column + 1)),
    selection: NO_SELECTION,
  });
}

/** As short as it can be said: `2026-11-23T23:05:00Z`. */
function timeText(unixNano: bigint): string {
  return rfcTime(unixNano).replace(/\.?0*Z$/, 'Z');
}

/** The part that is compared, with a line around it. */
function Selected({
  state,
  page,
  cells,
}: {
  state: SearchState;
  page: HeatmapPage;
  cells: Cells;
}): JSX.Element {
  const { from, to, min, max } = state.selection;
  if (!isSelected(state.selection)) return <></>;
  const column = (text: string, open: number): number => {
    const nano = text === '' ? null : parseTime(text);
    const at = nano === null ? open : Number(nano - page.startUnixNano) / Number(page.stepNano);
    return Math.min(cells.columns, Math.max(0, at));
  };
  const row = (text: string, open: number): number => {
    const nano = text === '' ? null : parseDuration(text);
    return Math.min(cells.rows, Math.max(0, nano === null ? open : rowAt(cells, nano)));
  };
  const [left, right] = [column(from, 0), column(to, cells.columns)];
  const [low, high] = [row(min, 0), row(max, cells.rows)];
  return (
    <rect
      class="heat-selected"
      x={left.toFixed(3)}
      width={Math.max(0, right - left).toFixed(3)}
      y={(cells.rows - high).toFixed(3)}
      height={Math.max(0, high - low).toFixed(3)}
    />
  );
}

function Legend({ cells }: { cells: Cells }): JSX.Element {
  return (
    <p class="heat-legend note">
      <span>1</span>
      <svg width={String(SHADES * 14)} height="14" aria-hidden="true">
        {Array.from({ length: SHADES }, (_, i) => (
          <rect class={`heat heat-${i + 1}`} x={String(i * 14)} width="14" height="14" />
        ))}
      </svg>
      <span safe>{`${formatCount(cells.most)} spans in a cell`}</span>
      {cells.errorSpans === 0 ? (
        ''
      ) : (
        <span class="heat-legend-errors">
          <svg width="32" height="14" aria-hidden="true">
            <rect class="heat heat-2" width="14" height="14" />
            <path class="heat-errors" d="M0 14v-14h3v14z" />
            <rect class="heat heat-2" x="18" width="14" height="14" />
            <path class="heat-errors" d="M18 14v-14h10v14z" />
          </svg>
          share of errors
        </span>
      )}
      <span class="needs-script">Drag over a part to select it.</span>
    </p>
  );
}

/** What dragging fills in, and what those type who can't drag. */
function SelectForm({ state }: { state: SearchState }): JSX.Element {
  const { selection } = state;
  return (
    <details class="heatmap-select" open={isSelected(selection)} data-heatmap-form>
      <summary>Select a part</summary>
      <form
        action="/search/selection"
        method="get"
        hx-get="/search/selection"
        aria-label="Part of the heatmap"
      >
        <Hidden state={{ ...state, cursor: '', selection: NO_SELECTION }} />
        <div class="heatmap-fields">
          <TextField
            name={selectionName('from')}
            label="From (UTC)"
            value={selection.from}
            placeholder="open"
          />
          <TextField name={selectionName('to')} label="To (UTC)" value={selection.to} placeholder="open" />
          <TextField
            name={selectionName('min')}
            label="Min duration"
            value={selection.min}
            placeholder="10ms"
          />
          <TextField
            name={selectionName('max')}
            label="Max duration"
            value={selection.max}
            placeholder="open"
          />
        </div>
        <div id="heatmap-problem" role="alert"></div>
        <p class="heatmap-buttons">
          <button class="button" name="do" value="compare">
            Compare with the rest
          </button>
          <button class="button is-quiet" name="do" value="filter">
            Show only these spans
          </button>
          {isSelected(selection) ? (
            <a href={attr(searchHref(state, { selection: NO_SELECTION }))}>Drop the selection</a>
          ) : (
            ''
          )}
        </p>
      </form>
    </details>
  );
}

/** The picture's figures, step by step. */
function FiguresTable({ state, page, figures }: PictureProps | Omit<PictureProps, 'cells'>): JSX.Element {
  return (
    <details class="values">
      <summary>Figures</summary>
      <div class="values-scroll">
        <table class="values-table">
          <caption class="hidden-visually" safe>
            {`Spans that started in each ${formatDurationExact(page.stepNano)}`}
          </caption>
          <thead>
            <tr>
              <th scope="col">Start</th>
              <th scope="col" class="num">
                Spans
              </th>
              <th scope="col" class="num">
                Errors
              </th>
            </tr>
          </thead>
          <tbody>
            {figures.map(({ spans, errors }, column) =>
              spans === 0 ? (
                ''
              ) : (
                <tr>
                  <th scope="row">
                    <a href={attr(stepHref(state, page, column))} safe>
                      {stepText(page, column)}
                    </a>
                  </th>
                  <td class="num" safe>
                    {formatCount(spans)}
                  </td>
                  <td class="num">
                    <ErrorCount count={errors} />
                  </td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
    </details>
  );
}
