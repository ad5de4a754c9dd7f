/** The flame graph of a trace: paths of services and names, as wide as the time that they and all below spent. */
import { Html } from '@elysiajs/html';
import type { FlameFrame, FlameGraph, FlameLayout, FlamePath } from '../../src/trace/flame.ts';
import { attr, formatCount, formatPercent, plural, serviceClass } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ErrorCount, ServiceName, SpanName } from '../shared/parts.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import { nanoText, viewHref, ViewLink } from './view-nav.tsx';
import type { ViewState } from './view-state.ts';

const FRAME_PX = 24;
/** Narrower ones could hold no letter. */
const TEXT_SHARE = 0.02;

export interface FlameProps {
  readonly state: TraceState;
  readonly view: ViewState;
  readonly graph: FlameGraph;
  readonly layout: FlameLayout;
  /** The path that fills the width; undefined: the whole trace. */
  readonly focus: FlamePath | undefined;
}

export function FlameView({ state, view, graph, layout, focus }: FlameProps): JSX.Element {
  return (
    <section id="trace-view" class="trace-view" aria-labelledby="flame-title">
      <h2 id="flame-title" class="hidden-visually">
        Flame graph
      </h2>
      {focus === undefined ? (
        <p class="note">
          Spans of the same path of services and names are one bar. It is as wide as the time that they and
          all below them spent themselves: work done at once adds up. Choose a bar to zoom in.
        </p>
      ) : (
        <Focus focus={focus} graph={graph} state={state} view={view} />
      )}
      <svg
        class="flame"
        width="100%"
        height={layout.rows * FRAME_PX}
        role="group"
        aria-label="Paths of the trace, widest where most time was spent"
      >
        {layout.frames.map((frame) => (
          <Frame frame={frame} graph={graph} state={state} view={view} />
        ))}
      </svg>
      {layout.hidden === 0 ? (
        ''
      ) : (
        <p class="note" safe>
          {`${plural(layout.hidden, 'branch', 'branches')} too narrow or too deep to be drawn: zoom in to see them.`}
        </p>
      )}
    </section>
  );
}

interface FrameProps extends Pick<FlameProps, 'graph' | 'state' | 'view'> {
  readonly frame: FlameFrame;
}

function Frame({ frame, graph, state, view }: FrameProps): JSX.Element {
  const { path, left, width, row } = frame;
  const href = attr(
    viewHref(state, view, {
      focus: path.parent === null && path.id !== view.focus && graph.roots.length === 1 ? '' : path.id,
    }),
  );
  const tone = path.errorCount > 0 ? ' has-error' : '';
  const chosen = path.id === view.focus ? ' is-focus' : '';
  return (
    <a
      class={`flame-frame ${serviceClass(path.serviceName)}${tone}${chosen}`}
      href={href}
      hx-get={href}
      hx-target="#trace-view"
    >
      <title safe>{frameTitle(path, graph)}</title>
      <svg x={percent(left)} y={row * FRAME_PX} width={percent(width)} height={FRAME_PX - 1}>
        <rect width="100%" height={FRAME_PX - 1} rx="2" />
        {width >= TEXT_SHARE ? (
          <text x="6" y="16" safe>
            {`${path.errorCount > 0 ? '⚠ ' : ''}${path.name === '' ? 'unnamed' : path.name}${path.count > 1 ? ` ×${formatCount(path.count)}` : ''}`}
          </text>
        ) : (
          ''
        )}
      </svg>
    </a>
  );
}

function frameTitle(path: FlamePath, graph: FlameGraph): string {
  const service = path.serviceName === '' ? 'no service.name' : path.serviceName;
  const name = path.name === '' ? 'unnamed' : path.name;
  const errors = path.errorCount > 0 ? `, ${plural(path.errorCount, 'error')}` : '';
  return `${service} ${name}: ${plural(path.count, 'span')}, ${nanoText(path.totalNano)} in all, ${nanoText(path.selfNano)} itself${shareText(path, graph)}${errors}`;
}

function shareText(path: FlamePath, graph: FlameGraph): string {
  if (graph.weight === 0) return '';
  return `, ${formatPercent(path.weight / graph.weight)} of the trace’s work with all below`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}

interface FocusProps {
  readonly focus: FlamePath;
  readonly graph: FlameGraph;
  readonly state: TraceState;
  readonly view: ViewState;
}

function Focus({ focus, graph, state, view }: FocusProps): JSX.Element {
  const open = attr(traceHref(state, { span: focus.first.span.spanId }));
  return (
    <div class="flame-focus">
      <p class="flame-path">
        <ServiceName name={focus.serviceName} />
        <SpanName name={focus.name} />
      </p>
      <p class="num">
        <span safe>
          {`${plural(focus.count, 'span')}, ${nanoText(focus.totalNano)} in all, ${nanoText(focus.selfNano)} itself${shareText(focus, graph)}`}
        </span>
        {focus.errorCount > 0 ? <ErrorCount count={focus.errorCount} /> : ''}
      </p>
      <p class="ways">
        <a href={open} hx-get={open} hx-target="#span-panel" hx-push-url="true">
          {focus.count === 1 ? 'Open the span' : 'Open the first span'}
        </a>
        <ViewLink href={viewHref(state, view, { focus: focus.parent?.id ?? '' })}>
          <Icon name="chevronDown" /> One level up
        </ViewLink>
        <ViewLink href={viewHref(state, view, { focus: '' })}>Whole trace</ViewLink>
      </p>
    </div>
  );
}
