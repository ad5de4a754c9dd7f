/** A row's bar: when the span ran, what of it was its own work, what held the trace up, its events. */
import { Html } from '@elysiajs/html';
import type { SpanEvent } from '../../src/span/span.ts';
import type { SimilarFigures, SimilarSpans } from '../../src/trace/fold.ts';
import { selfParts } from '../../src/trace/timing.ts';
import type { Timing } from '../../src/trace/timing.ts';
import { isError } from '../../src/trace/tree.ts';
import type { TraceNode, TraceTree } from '../../src/trace/tree.ts';
import { formatDuration } from '../format.ts';
import { ROW_PX } from './waterfall-props.ts';
import type { WaterfallProps } from './waterfall-props.ts';
import type { TimeWindow } from './zoom.ts';

/** Units across: a twentieth of a pixel on a wide screen. */
const UNITS = 20_000;
/** Below this share of the line a bar would not be seen. */
const MIN_BAR = 0.0025;
/** Marks drawn on one bar: more than this would be a solid line. */
const MAX_MARKS = 40;

type BarProps = Pick<WaterfallProps, 'tree' | 'timing' | 'critical'> & { readonly window: TimeWindow };

/** Where a moment lies in the window: 0 to 1, beyond that outside of it. */
function placer({ from, to }: TimeWindow): (nano: number) => number {
  const start = Number(from);
  const length = Number(to - from);
  return length <= 0 ? () => 0 : (nano) => (nano - start) / length;
}

function clamp(share: number): number {
  return share < 0 ? 0 : share > 1 ? 1 : share;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/** Flat pairs `from, to` as boxes of height 1; those that touch on a screen are one. */
function boxes(parts: readonly number[], place: (nano: number) => number): string {
  const least = MIN_BAR * UNITS * 0.4;
  let path = '';
  let from = -1;
  let to = -1;
  const close = (): void => {
    if (from >= 0) path += `M${from} 0H${to}V1H${from}z`;
  };
  for (let i = 0; i < parts.length; i += 2) {
    const left = Math.round(clamp(place(parts[i])) * UNITS);
    const right = Math.round(clamp(place(parts[i + 1])) * UNITS);
    if (right - left < 1) continue;
    if (from >= 0 && left - to < least) {
      to = Math.max(to, right);
    } else {
      close();
      [from, to] = [left, right];
    }
  }
  close();
  return path;
}

function Boxes(props: { name: string; y: number; height: number; path: string }): JSX.Element {
  if (props.path === '') return <></>;
  return (
    <svg
      class={props.name}
      y={String(props.y)}
      width="100%"
      height={String(props.height)}
      viewBox={`0 0 ${UNITS} 1`}
      preserveAspectRatio="none"
    >
      <path d={props.path} />
    </svg>
  );
}

/** The span lies before or behind what is drawn. */
function Outside({ isBefore }: { isBefore: boolean }): JSX.Element {
  return (
    <svg class="bar-outside" x={isBefore ? '0' : '100%'} overflow="visible">
      <path d={isBefore ? 'M7 10 3 14l4 4' : 'M-7 10-3 14l-4 4'} />
    </svg>
  );
}

export function SpanBar({ node, ...props }: BarProps & { node: TraceNode }): JSX.Element {
  const { timing, critical, window } = props;
  const place = placer(window);
  const { starts, ends, lastEnds } = timing;
  const [left, right] = [place(starts[node.index]), place(ends[node.index])];
  const own = selfParts(timing, node);
  const path = critical.parts.get(node.index);
  const title = titleOf(node, props, own, path);
  const outlived = place(lastEnds[node.index]);
  const x = Math.min(clamp(left), 1 - MIN_BAR);
  return (
    <svg class={isError(node.span) ? 'bar has-error' : 'bar'} width="100%" height={ROW_PX} role="img">
      <title safe>{title}</title>
      {outlived > right && outlived > 0 && right < 1 ? (
        <line class="bar-outlived" x1={percent(clamp(right))} x2={percent(clamp(outlived))} y1="14" y2="14" />
      ) : (
        ''
      )}
      {right < 0 || left > 1 ? (
        <Outside isBefore={right < 0} />
      ) : (
        <rect
          class={node.children.length === 0 ? 'bar-fill' : 'bar-wait'}
          x={percent(x)}
          width={percent(Math.max(clamp(right) - x, MIN_BAR))}
          y="9"
          height="10"
          rx="2"
        />
      )}
      {node.children.length > 0 ? <Boxes name="bar-self" y={10} height={8} path={boxes(own, place)} /> : ''}
      {path ? <Boxes name="bar-critical" y={21} height={3} path={boxes(path, place)} /> : ''}
      {node.span.events.slice(0, MAX_MARKS).map((event) => (
        <EventMark event={event} node={node} tree={props.tree} place={place} />
      ))}
    </svg>
  );
}

interface EventProps {
  readonly event: SpanEvent;
  readonly node: TraceNode;
  readonly tree: TraceTree;
  readonly place: (nano: number) => number;
}

const MAX_EVENT_NAME = 80;

function EventMark({ event, node, tree, place }: EventProps): JSX.Element {
  // A moment outside of the trace's time stays on the line: its clock may be off.
  const inTrace = clamp(
    Number(event.timeUnixNano - tree.startUnixNano) / (Number(tree.endUnixNano - tree.startUnixNano) || 1),
  );
  const at = place(inTrace * Number(tree.endUnixNano - tree.startUnixNano));
  if (at < 0 || at > 1) return <></>;
  const since = formatDuration(event.timeUnixNano - node.span.startTimeUnixNano);
  const isException = event.name === 'exception';
  return (
    <svg class={isException ? 'bar-event is-exception' : 'bar-event'} x={percent(at)} overflow="visible">
      <title safe>{`Event ${event.name.slice(0, MAX_EVENT_NAME)}, after ${since}`}</title>
      <path d={isException ? 'M-4 10 4 18M4 10-4 18' : 'M0 10 4 14 0 18-4 14z'} />
    </svg>
  );
}

function titleOf(
  { index, span, children }: TraceNode,
  { timing, critical }: BarProps,
  own: readonly number[],
  path: readonly number[] | undefined,
): string {
  const parts = [`Starts at ${duration(timing.starts[index])}, takes ${formatDuration(span.durationNano)}`];
  if (children.length > 0) parts.push(`${duration(lengthOf(own))} of its own`);
  if (path) parts.push(`holds the trace up for ${duration(lengthOf(path))} (critical path)`);
  else if (critical.isOn[index] === 1) parts.push('on the critical path through its children');
  const late = timing.lastEnds[index] - timing.ends[index];
  if (late > 0) parts.push(`spans below it run ${duration(late)} longer`);
  return parts.join('; ');
}

export function lengthOf(parts: readonly number[]): number {
  let length = 0;
  for (let i = 0; i < parts.length; i += 2) length += Math.abs(parts[i + 1] - parts[i]);
  return length;
}

export function duration(nano: number): string {
  return formatDuration(BigInt(Math.round(nano)));
}

interface FoldProps {
  readonly fold: SimilarSpans;
  readonly figures: SimilarFigures;
  readonly timing: Timing;
  readonly window: TimeWindow;
}

/** Every call of a fold on one line. Members stand in order of start. */
export function FoldBar({ fold, figures, timing, window }: FoldProps): JSX.Element {
  const place = placer(window);
  const parts: number[] = [];
  fold.members.forEach(({ index }, i) => {
    parts[i * 2] = timing.starts[index];
    // A short call is still seen.
    parts[i * 2 + 1] = Math.max(
      timing.ends[index],
      timing.starts[index] + Number(window.to - window.from) / 1000,
    );
  });
  const [left, right] = [place(figures.from), place(figures.to)];
  return (
    <svg class="bar is-fold" width="100%" height={ROW_PX} role="img">
      <title
        safe
      >{`From ${duration(figures.from)} to ${duration(figures.to)}, ${duration(figures.sumNano)} in sum`}</title>
      {right < 0 || left > 1 ? (
        <Outside isBefore={right < 0} />
      ) : (
        <line class="bar-span" x1={percent(clamp(left))} x2={percent(clamp(right))} y1="14" y2="14" />
      )}
      <Boxes name="bar-calls" y={9} height={10} path={boxes(parts, place)} />
    </svg>
  );
}
