/** The waterfall of a trace: tools, the whole trace in small, and a treegrid of rows, each with its bar as SVG. */
import { Html } from '@elysiajs/html';
import { rulerTicks } from '../../src/trace/waterfall.ts';
import type { Waterfall, WaterfallRow } from '../../src/trace/waterfall.ts';
import { attr, formatCount, formatDuration } from '../format.ts';
import { MinimapStrip } from './minimap.tsx';
import { rowsHref, traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import { TraceToolbar } from './trace-toolbar.tsx';
import { CHUNK_ROWS, WINDOW_ROWS } from './waterfall-props.ts';
import type { WaterfallProps } from './waterfall-props.ts';
import { Row } from './waterfall-row.tsx';
import type { RowsProps } from './waterfall-row.tsx';
import { timeWindow } from './zoom.ts';
import type { TimeWindow } from './zoom.ts';

const RULER_TICKS = 6;

export function WaterfallView(props: WaterfallProps): JSX.Element {
  const { tree, waterfall, state, timing } = props;
  const durationNano = tree.endUnixNano - tree.startUnixNano;
  const window = timeWindow(state.rows, durationNano);
  const focused = waterfall.rows.findIndex(
    ({ entry }) => !('kind' in entry) && entry.span.spanId === state.span,
  );
  const open = tree.byId.get(state.span);
  const openSpan = open && {
    from: BigInt(timing.starts[open.index]),
    to: BigInt(timing.ends[open.index]),
  };
  return (
    <section id="waterfall" class="waterfall" aria-label="Waterfall">
      <TraceToolbar {...props} />
      <MinimapStrip
        minimap={props.minimap}
        state={state}
        window={window}
        durationNano={durationNano}
        errorCount={tree.errorCount}
        openSpan={openSpan}
      />
      <WindowBar waterfall={waterfall} state={state} />
      <div
        role="treegrid"
        class="wf-grid"
        aria-label="Spans by parent, with their time"
        aria-rowcount={waterfall.visibleCount + 1}
        data-treegrid
        data-rows={waterfall.visibleCount}
        data-chunk-rows={CHUNK_ROWS}
        data-row={state.rows.row}
        data-href={attr(rowsHref({ ...state, span: '' }, {}))}
      >
        <div role="rowgroup" class="wf-headgroup">
          <GridHead state={state} window={window} />
        </div>
        {chunksOf(waterfall.rows).map((rows) => (
          <WaterfallChunk
            rows={rows}
            all={{ ...props, window }}
            focused={Math.max(focused, 0) + waterfall.from}
          />
        ))}
        {waterfall.rows.length === 0 ? <p class="wf-nothing none">No span is left to show.</p> : ''}
      </div>
      <WindowBar waterfall={waterfall} state={state} />
    </section>
  );
}

function GridHead({ state, window }: { state: TraceState; window: TimeWindow }): JSX.Element {
  const { from, to } = window;
  return (
    <div role="row" class="wf-head" aria-rowindex="1">
      <div role="columnheader" class="wf-name-head">
        Service and operation
        <span
          class="wf-handle needs-script"
          role="separator"
          tabindex="0"
          aria-orientation="vertical"
          aria-label="Width of the names"
          aria-valuemin="140"
          aria-valuemax="900"
          aria-valuenow="420"
          title="Drag, or use the arrow keys"
          data-names-width
        ></span>
      </div>
      <div role="columnheader" class="num">
        Duration
      </div>
      <div role="columnheader" class="num wf-self" title="Time in which none of its children ran">
        Self
      </div>
      <div
        role="columnheader"
        class="wf-ruler"
        data-zoom-from={from.toString()}
        data-zoom-to={to.toString()}
        data-zoom-href={attr(rowsHref(state, { fromNano: 0n, toNano: 0n }))}
      >
        <span class="hidden-visually" safe>
          {`Time from ${from === 0n ? '0' : formatDuration(from)} to ${formatDuration(to)}`}
        </span>
        <Ruler window={window} />
      </div>
    </div>
  );
}

function Ruler({ window }: { window: TimeWindow }): JSX.Element {
  const ticks = rulerTicks(window.from, window.to, RULER_TICKS);
  return (
    <svg class="ruler" width="100%" height="24" aria-hidden="true">
      {ticks.map(({ nano, left }) => (
        <>
          <line x1={percent(left)} x2={percent(left)} y1="17" y2="24" />
          <text
            x={percent(left)}
            y="13"
            dx={left > 0.92 ? '-3' : '3'}
            text-anchor={left > 0.92 ? 'end' : 'start'}
            safe
          >
            {nano === 0n ? '0' : formatDuration(nano)}
          </text>
        </>
      ))}
    </svg>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}

/** A window begins with a chunk. */
function chunksOf(rows: readonly WaterfallRow[]): (readonly WaterfallRow[])[] {
  const chunks = [];
  for (let at = 0; at < rows.length; at += CHUNK_ROWS) chunks.push(rows.slice(at, at + CHUNK_ROWS));
  return chunks;
}

export interface ChunkProps {
  readonly rows: readonly WaterfallRow[];
  readonly all: RowsProps;
  /** The row that Tab reaches; -1 when it is none of these. */
  readonly focused: number;
}

/** The piece that the page asks for when it is scrolled there. */
export function WaterfallChunk({ rows, all, focused }: ChunkProps): JSX.Element {
  const chunk = Math.floor((rows[0]?.row ?? 0) / CHUNK_ROWS);
  return (
    <div role="rowgroup" class="wf-chunk" id={`wf-chunk-${chunk}`} data-chunk={chunk}>
      {rows.map((row) => (
        <Row row={row} all={all} focusable={row.row === focused} />
      ))}
    </div>
  );
}

/** Which rows of a long trace are in the page, and the way to the others where no script fetches them. */
function WindowBar({ waterfall, state }: { waterfall: Waterfall; state: TraceState }): JSX.Element {
  const { from, rows, visibleCount } = waterfall;
  if (visibleCount <= rows.length) return <></>;
  const last = from + rows.length;
  const lastWindow = Math.floor((visibleCount - 1) / WINDOW_ROWS) * WINDOW_ROWS;
  return (
    <nav class="window-bar" aria-label="Rows of the waterfall">
      <WindowLink state={state} row={from > 0 ? 0 : -1} text="First" />
      <WindowLink state={state} row={from > 0 ? Math.max(0, from - WINDOW_ROWS) : -1} text="Earlier" />
      <span class="num" safe>
        {`Rows ${formatCount(from + 1)}–${formatCount(last)} of ${formatCount(visibleCount)}`}
      </span>
      <WindowLink state={state} row={last < visibleCount ? last : -1} text="Later" />
      <WindowLink state={state} row={last < visibleCount ? lastWindow : -1} text="Last" />
    </nav>
  );
}

function WindowLink({ state, row, text }: { state: TraceState; row: number; text: string }): JSX.Element {
  if (row < 0) {
    return (
      <span class="off" aria-disabled="true" safe>
        {text}
      </span>
    );
  }
  return (
    <a href={attr(traceHref(state, { rows: { ...state.rows, row }, span: '' }))} safe>
      {text}
    </a>
  );
}
