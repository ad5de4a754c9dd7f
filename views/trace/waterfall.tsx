/** The waterfall of a trace: a treegrid of rows, each with its bar as SVG. */
import { Html } from '@elysiajs/html';
import { rulerTicks } from '../../src/trace/waterfall.ts';
import type { Waterfall, WaterfallRow } from '../../src/trace/waterfall.ts';
import { isError } from '../../src/trace/tree.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount, formatDuration, plural, serviceClass } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { toggled, traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';

/** Rows in the page at a time: 500 are rendered in some 30 ms, in which no other request is answered. */
export const WINDOW_ROWS = 500;
/** Levels drawn as indentation; deeper ones stand at the last and say their number. */
const MAX_INDENT = 24;
const INDENT_PX = 12;
const ROW_PX = 28;
const RULER_TICKS = 6;

export interface WaterfallProps {
  readonly tree: TraceTree;
  readonly waterfall: Waterfall;
  readonly state: TraceState;
}

export function WaterfallView({ tree, waterfall, state }: WaterfallProps): JSX.Element {
  const duration = tree.endUnixNano - tree.startUnixNano;
  const focused = waterfall.rows.findIndex((row) => row.node.span.spanId === state.span);
  const parts = waterfall.rows.map((row, i) => (
    <Row row={row} tree={tree} state={state} focusable={i === Math.max(focused, 0)} />
  ));
  return (
    <section id="waterfall" class="waterfall" aria-label="Waterfall">
      <WindowBar waterfall={waterfall} state={state} />
      <div
        role="treegrid"
        class="wf-grid"
        aria-label="Spans by parent, with their time"
        aria-rowcount={waterfall.visibleCount + 1}
        data-treegrid
      >
        <div role="row" class="wf-head" aria-rowindex="1">
          <div role="columnheader">Service and operation</div>
          <div role="columnheader" class="num">
            Duration
          </div>
          <div role="columnheader" class="wf-ruler">
            <span class="hidden-visually" safe>{`Time from 0 to ${formatDuration(duration)}`}</span>
            <Ruler durationNano={duration} />
          </div>
        </div>
        {parts}
      </div>
      {waterfall.visibleCount > waterfall.rows.length ? (
        <WindowBar waterfall={waterfall} state={state} />
      ) : (
        ''
      )}
    </section>
  );
}

function Ruler({ durationNano }: { durationNano: bigint }): JSX.Element {
  const ticks = rulerTicks(durationNano, RULER_TICKS);
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

interface RowProps {
  readonly row: WaterfallRow;
  readonly tree: TraceTree;
  readonly state: TraceState;
  readonly focusable: boolean;
}

function Row({ row, tree, state, focusable }: RowProps): JSX.Element {
  const { node } = row;
  const { span } = node;
  const href = attr(traceHref(state, { span: span.spanId }));
  const hasChildren = node.descendants > 0;
  return (
    <div
      role="row"
      id={`row-${node.index}`}
      data-span={span.spanId}
      class={`wf-row ${serviceClass(span.serviceName)}`}
      aria-level={node.depth + 1}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-rowindex={row.row + 2}
      aria-expanded={hasChildren ? (row.expanded ? 'true' : 'false') : undefined}
      aria-selected={span.spanId === state.span ? 'true' : 'false'}
      tabindex={focusable ? '0' : '-1'}
    >
      <div role="gridcell" class="wf-name">
        <Indent depth={node.depth} />
        <Toggle row={row} state={state} />
        <a
          class="wf-link"
          href={href}
          tabindex="-1"
          hx-get={href}
          hx-target="#span-panel"
          hx-push-url="true"
          data-open
        >
          <ServiceName name={span.serviceName} />
          <SpanName name={span.name} />
        </a>
        <Flags row={row} />
      </div>
      <div role="gridcell" class="num wf-duration" safe>
        {formatDuration(span.durationNano)}
      </div>
      <div role="gridcell" class="wf-bar">
        <Bar row={row} tree={tree} />
      </div>
    </div>
  );
}

/** Lines that lead from a span down to its children. */
function Indent({ depth }: { depth: number }): JSX.Element {
  const levels = Math.min(depth, MAX_INDENT);
  let path = '';
  for (let level = 0; level < levels; level++) path += `M${level * INDENT_PX + 8} 0V${ROW_PX}`;
  return (
    <>
      {levels > 0 ? (
        <svg class="indent" width={levels * INDENT_PX} height={ROW_PX} aria-hidden="true">
          <path d={path} />
        </svg>
      ) : (
        ''
      )}
      {depth > MAX_INDENT ? (
        <span class="depth" title={`Level ${depth + 1}`}>
          {depth + 1}
        </span>
      ) : (
        ''
      )}
    </>
  );
}

function Toggle({ row, state }: { row: WaterfallRow; state: TraceState }): JSX.Element {
  const { node, expanded } = row;
  if (node.descendants === 0) return <span class="toggle"></span>;
  const href = attr(traceHref(state, { collapsed: toggled(state, node.span.spanId) }));
  const label = `${expanded ? 'Collapse' : 'Expand'} ${plural(node.descendants, 'span')} below`;
  return (
    <a
      class="toggle"
      href={href}
      tabindex="-1"
      hx-get={href}
      hx-target="#waterfall"
      aria-label={label}
      title={label}
      data-toggle
    >
      <Icon name={expanded ? 'chevronDown' : 'chevronRight'} />
    </a>
  );
}

/** What a row says besides its name: its error, errors hidden below it, a parent that never came. */
function Flags({ row }: { row: WaterfallRow }): JSX.Element {
  const { node, expanded } = row;
  const hidden = !expanded && node.descendants > 0;
  return (
    <span class="wf-flags">
      {isError(node.span) ? (
        <span
          class="error"
          title={attr(node.span.statusMessage === '' ? 'Error' : `Error: ${node.span.statusMessage}`)}
        >
          <Icon name="error" />
          <span class="hidden-visually">Error</span>
        </span>
      ) : (
        ''
      )}
      {hidden && node.errorsBelow > 0 ? (
        <span class="error below" title={`${plural(node.errorsBelow, 'error')} below`}>
          <Icon name="error" />
          <span safe>{formatCount(node.errorsBelow)}</span>
          <span class="hidden-visually">errors below</span>
        </span>
      ) : (
        ''
      )}
      {hidden ? <span class="badge">{`+${formatCount(node.descendants)}` as 'safe'}</span> : ''}
      {node.rootReason === 'orphan' ? (
        <span class="badge" title={`Its parent ${node.span.parentSpanId} has not arrived`}>
          <Icon name="info" />
          <span class="words"> parent missing</span>
        </span>
      ) : (
        ''
      )}
      {node.rootReason === 'cycle' ? (
        <span class="badge" title="Its ancestors form a ring; it is shown at the top">
          <Icon name="info" />
          <span class="words"> ring of parents</span>
        </span>
      ) : (
        ''
      )}
    </span>
  );
}

/** Below this share of the line a bar would not be seen. */
const MIN_BAR = 0.0025;

function Bar({ row, tree }: { row: WaterfallRow; tree: TraceTree }): JSX.Element {
  const { left, width, marks, node } = row;
  const wide = Math.max(width, MIN_BAR);
  const x = Math.min(left, 1 - wide);
  const start = formatDuration(node.span.startTimeUnixNano - tree.startUnixNano);
  return (
    <svg class={isError(node.span) ? 'bar has-error' : 'bar'} width="100%" height={ROW_PX} role="img">
      <title safe>{`Starts at ${start}, takes ${formatDuration(node.span.durationNano)}`}</title>
      <rect class="bar-fill" x={percent(x)} width={percent(wide)} y="9" height="10" rx="2" />
      {marks.map((mark) => (
        <circle class="bar-event" cx={percent(mark)} cy="14" r="2.5" />
      ))}
    </svg>
  );
}

/** Which rows of a long trace are in the page, and the way to the others. */
function WindowBar({ waterfall, state }: { waterfall: Waterfall; state: TraceState }): JSX.Element {
  const { from, rows, visibleCount } = waterfall;
  if (visibleCount <= rows.length) return <></>;
  const last = from + rows.length;
  const lastWindow = Math.floor((visibleCount - 1) / WINDOW_ROWS) * WINDOW_ROWS;
  return (
    <nav class="window-bar" aria-label="Rows of the waterfall">
      <WindowLink state={state} from={from > 0 ? 0 : -1} text="First" />
      <WindowLink state={state} from={from > 0 ? Math.max(0, from - WINDOW_ROWS) : -1} text="Earlier" />
      <span class="num" safe>
        {`Rows ${formatCount(from + 1)}–${formatCount(last)} of ${formatCount(visibleCount)}`}
      </span>
      <WindowLink state={state} from={last < visibleCount ? last : -1} text="Later" />
      <WindowLink state={state} from={last < visibleCount ? lastWindow : -1} text="Last" />
    </nav>
  );
}

function WindowLink({ state, from, text }: { state: TraceState; from: number; text: string }): JSX.Element {
  if (from < 0) {
    return (
      <span class="off" aria-disabled="true" safe>
        {text}
      </span>
    );
  }
  const href = attr(traceHref(state, { from, span: '' }));
  return (
    <a href={href} hx-get={href} hx-target="#waterfall" hx-swap="outerHTML show:top" safe>
      {text}
    </a>
  );
}
