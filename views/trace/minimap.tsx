/** The whole trace in a strip, with the part of its time that the waterfall shows; and the links that change that part. */
import { Html } from '@elysiajs/html';
import { MINIMAP_COLUMNS } from '../../src/trace/minimap.ts';
import type { Minimap } from '../../src/trace/minimap.ts';
import { attr, formatDuration, plural, serviceClass } from '../format.ts';
import type { TraceState } from './trace-state.ts';
import { traceHref } from './trace-state.ts';
import type { WaterfallState } from './waterfall-state.ts';
import { pan, WHOLE, zoomIn, zoomOut, zoomTo } from './zoom.ts';
import type { TimeWindow } from './zoom.ts';

interface MinimapProps {
  readonly minimap: Minimap;
  readonly state: TraceState;
  readonly window: TimeWindow;
  readonly durationNano: bigint;
  readonly errorCount: number;
  /** Times of the open span, from the trace's start. */
  readonly openSpan: TimeWindow | undefined;
}

const MAP_PX = 48;

export function MinimapStrip(props: MinimapProps): JSX.Element {
  const { minimap, state, window, durationNano, errorCount } = props;
  const share = (nano: bigint): number =>
    durationNano > 0n ? (Number(nano) / Number(durationNano)) * MINIMAP_COLUMNS : 0;
  const zoomed = window.from > 0n || window.to < durationNano;
  const [left, right] = [share(window.from), share(window.to)];
  const errors = errorCount > 0 ? `, ${plural(errorCount, 'error')}` : '';
  return (
    <div class="minimap">
      <div
        class="minimap-map"
        data-zoom-from="0"
        data-zoom-to={durationNano.toString()}
        data-zoom-href={attr(traceHref(state, { rows: { ...state.rows, ...WHOLE, row: 0 } }))}
      >
        <svg
          width="100%"
          height={MAP_PX}
          viewBox={`0 0 ${MINIMAP_COLUMNS} ${minimap.lanes}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={attr(`The whole trace, ${formatDuration(durationNano)}${errors}`)}
        >
          {[...paths(minimap)].map(([className, path]) => (
            <path class={`minimap-spans ${className}`} d={path} />
          ))}
          {zoomed ? (
            <path
              class="minimap-outside"
              d={`M0 0H${left.toFixed(2)}V${minimap.lanes}H0zM${right.toFixed(2)} 0H${MINIMAP_COLUMNS}V${minimap.lanes}H${right.toFixed(2)}z`}
            />
          ) : (
            ''
          )}
        </svg>
        {minimap.errors.length > 0 ? (
          <svg
            class="minimap-errors"
            width="100%"
            height="4"
            viewBox={`0 0 ${MINIMAP_COLUMNS} 1`}
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            <path d={minimap.errors.map((column) => `M${column} 0h2v1h-2z`).join('')} />
          </svg>
        ) : (
          ''
        )}
      </div>
      <ZoomLinks {...props} zoomed={zoomed} />
    </div>
  );
}

/** One path a colour. Lanes leave a little ground between them. */
function paths({ runs, lanes }: Minimap): ReadonlyMap<string, string> {
  const height = lanes > 24 ? 1 : 0.75;
  const found = new Map<string, string>();
  const classes = new Map<string, string>();
  for (const { lane, from, to, service } of runs) {
    let name = classes.get(service);
    if (name === undefined) classes.set(service, (name = serviceClass(service)));
    found.set(name, `${found.get(name) ?? ''}M${from} ${lane}h${to - from}v${height}h${from - to}z`);
  }
  return found;
}

function ZoomLinks(props: MinimapProps & { readonly zoomed: boolean }): JSX.Element {
  const { state, window, durationNano, openSpan, zoomed } = props;
  const toSpan = openSpan && zoomTo(openSpan.from, openSpan.to, durationNano);
  const from = window.from === 0n ? '0' : formatDuration(window.from);
  const shown = zoomed ? `${from} – ${formatDuration(window.to)}` : 'Whole trace';
  return (
    <nav class="zoom" aria-label="Time shown">
      <span class="num none" safe>
        {shown}
      </span>
      <ZoomLink state={state} change={pan(window, durationNano, -1)} text="←" name="Earlier" key_="" />
      <ZoomLink state={state} change={zoomIn(window, durationNano)} text="+" name="Zoom in (+)" key_="+" />
      <ZoomLink state={state} change={zoomOut(window, durationNano)} text="−" name="Zoom out (−)" key_="-" />
      <ZoomLink state={state} change={pan(window, durationNano, 1)} text="→" name="Later" key_="" />
      <ZoomLink
        state={state}
        change={zoomed ? WHOLE : undefined}
        text="Fit"
        name="Fit the whole trace (0)"
        key_="0"
      />
      <ZoomLink state={state} change={toSpan} text="Span" name="Zoom to the open span (x)" key_="" />
    </nav>
  );
}

interface ZoomLinkProps {
  readonly state: TraceState;
  readonly change: Partial<WaterfallState> | undefined;
  readonly text: string;
  readonly name: string;
  readonly key_: string;
}

function ZoomLink({ state, change, text, name, key_ }: ZoomLinkProps): JSX.Element {
  if (change === undefined) {
    return (
      <span class="off" aria-hidden="true" safe>
        {text}
      </span>
    );
  }
  const href = attr(traceHref(state, { rows: { ...state.rows, ...change } }));
  return (
    <a
      href={href}
      hx-get={href}
      hx-target="#waterfall"
      aria-label={name}
      title={name}
      data-key={key_ === '' ? undefined : key_}
      safe
    >
      {text}
    </a>
  );
}
