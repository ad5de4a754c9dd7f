/** The map as a picture: nodes and edges are links, so that the keyboard goes through it too. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import {
  attr,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  plural,
  serviceClass,
} from '../format.ts';
import { rangeParams } from '../shared/range-fields.ts';
import { callHref, callWord, END_WORDS } from './calls.ts';
import type { Call } from './calls.ts';
import { END_SHAPES } from './end.tsx';
import type { MapEdge, MapGraph, MapNode } from './map-graph.ts';
import { layOut } from './map-layout.ts';
import type { Layout, Point } from './map-layout.ts';
import { mapHref } from './map-state.ts';
import type { MapState } from './map-state.ts';
import { serviceHref } from './stats-state.ts';

const SIZE = { nodeWidth: 176, nodeHeight: 46, columnGap: 80, rowGap: 20 };
/** Around all of it: for labels of edges, and lines that leave a column and come back into it. */
const MARGIN = 28;
/** Smaller letters are hard to read: then the picture scrolls. */
const LEAST_SCALE = 0.8;
/** Of the widths that the style sheet knows: pages have no styles of their own. */
const [WIDTH_STEP, FIRST_WIDTH, LAST_WIDTH] = [160, 4, 15];
const NAME_LETTERS = 20;

export interface MapPictureProps {
  readonly graph: MapGraph;
  readonly state: MapState;
  readonly seconds: number;
}

export function MapPicture({ graph, state, seconds }: MapPictureProps): JSX.Element {
  const layout = layOut(
    graph.nodes.map(({ key }) => key),
    graph.edges,
    SIZE,
  );
  const width = layout.width + 2 * MARGIN;
  const height = layout.height + 2 * MARGIN;
  const most = Math.max(1, ...graph.edges.map(({ call }) => call.calls));
  // The busiest last: they are drawn over the others.
  const edges = graph.edges.toReversed();
  return (
    <div class="map-scroll" tabindex="0" role="region" aria-label="Map of calls">
      <svg
        class={leastWidth(width)}
        width={String(width)}
        height={String(height)}
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        role="group"
        aria-label="Who calls whom, from left to right; the table below has the same figures"
      >
        <defs>
          <Arrow id="arrow" />
          <Arrow id="arrow-error" />
        </defs>
        {edges.map((edge) => (
          <EdgePath edge={edge} points={layout.edges.get(edge.key) ?? []} most={most} state={state} />
        ))}
        {inOrder(graph.nodes, layout).map((node) => (
          <Node node={node} at={layout.nodes.get(node.key)} state={state} seconds={seconds} />
        ))}
      </svg>
    </div>
  );
}

/** A picture wider than its place is made smaller, as far as it can be read. */
function leastWidth(width: number): string {
  const steps = Math.floor((width * LEAST_SCALE) / WIDTH_STEP);
  return steps < FIRST_WIDTH || steps > LAST_WIDTH ? 'map' : `map is-fitted map-least-${steps}`;
}

function Arrow({ id }: { id: string }): JSX.Element {
  return (
    <marker
      id={id}
      class={id}
      viewBox="0 0 8 8"
      refX="7.5"
      refY="4"
      markerWidth="8"
      markerHeight="8"
      markerUnits="userSpaceOnUse"
      orient="auto"
    >
      <path d="M0 0.5 8 4 0 7.5Z" />
    </marker>
  );
}

/** As one reads: column by column, from the top. */
function inOrder(nodes: readonly MapNode[], { nodes: places }: Layout): MapNode[] {
  const at = (node: MapNode): Point => places.get(node.key) ?? { x: 0, y: 0 };
  return nodes.toSorted((a, b) => at(a).x - at(b).x || at(a).y - at(b).y);
}

const THINNEST = 1.2;
const THICKEST = 5;
/** From then on a line says that its calls fail. */
const FAILING = 0.01;

function EdgePath(props: {
  edge: MapEdge;
  points: readonly Point[];
  most: number;
  state: MapState;
}): JSX.Element {
  const { edge, points, most, state } = props;
  const { call } = edge;
  if (points.length < 2) return <></>;
  const href = callHref(call, {}, rangeParams(state.range));
  const width = THINNEST + (THICKEST - THINNEST) * (Math.log1p(call.calls) / Math.log1p(most));
  const failing = call.calls > 0 && call.errors / call.calls >= FAILING;
  const d = pathOf(points);
  const middle = points[Math.floor((points.length - 1) / 2)];
  const next = points[Math.floor((points.length - 1) / 2) + 1];
  const [x, y] = [(middle.x + next.x) / 2, (middle.y + next.y) / 2];
  const className = `map-edge is-${callWord(call)}${failing ? ' is-failing' : ''}`;
  return (
    <Linked className={className} href={href}>
      <title safe>{edgeWords(call)}</title>
      <path class="map-edge-hit" d={d} />
      <path
        class="map-edge-line"
        d={d}
        stroke-width={width.toFixed(1)}
        marker-end={failing ? 'url(#arrow-error)' : 'url(#arrow)'}
      />
      {failing ? <ErrorMark x={x} y={y} /> : ''}
      <text class="map-edge-label" x={x.toFixed(1)} y={(y - 10).toFixed(1)} text-anchor="middle" safe>
        {edgeLabel(call)}
      </text>
    </Linked>
  );
}

/** A link, named by its `title`, unless it leads nowhere. */
function Linked(props: { className: string; href: string; children?: Children }): JSX.Element {
  const { className, href } = props;
  if (href === '') return <g class={className}>{props.children}</g>;
  return (
    <a class={className} href={attr(href)}>
      {props.children}
    </a>
  );
}

/** On the line itself: colour alone would not tell everybody. */
function ErrorMark({ x, y }: { x: number; y: number }): JSX.Element {
  return (
    <g class="map-error-mark" transform={`translate(${(x - 7).toFixed(1)} ${(y - 8).toFixed(1)})`}>
      <path class="map-error-ground" d="M7 0.5 14 13.5H0Z" />
      <path class="map-error-sign" d="M7 5v4M7 11v0.4" />
    </g>
  );
}

function edgeLabel(call: Call): string {
  const errors = call.errors === 0 ? '' : `, ${formatPercent(call.errors / call.calls)} errors`;
  return `${plural(call.calls, 'call')}${errors}, p95 ${formatDuration(call.p95Nano)}`;
}

function edgeWords(call: Call): string {
  return `${nameOf(call.from.name)} to ${nameOf(call.to.name)} (${callWord(call)}): ${edgeLabel(call)}`;
}

function nameOf(name: string): string {
  return name === '' ? 'no service.name' : name;
}

/** Leaves and arrives level. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let [x, y] = [first.x, first.y];
  let d = `M${n(x)} ${n(y)}`;
  for (const point of rest) {
    if (point.y === y) d += `H${n(point.x)}`;
    else if (point.x === x) d += `C${n(x + 60)} ${n(y)} ${n(x + 60)} ${n(point.y)} ${n(x)} ${n(point.y)}`;
    else {
      const middle = (x + point.x) / 2;
      d += `C${n(middle)} ${n(y)} ${n(middle)} ${n(point.y)} ${n(point.x)} ${n(point.y)}`;
    }
    [x, y] = [point.x, point.y];
  }
  return d;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

interface NodeProps {
  readonly node: MapNode;
  readonly at: Point | undefined;
  readonly state: MapState;
  readonly seconds: number;
}

function Node({ node, at, state, seconds }: NodeProps): JSX.Element {
  const { kind, name } = node;
  const chosen = kind === 'service' && name === state.service;
  const className = `map-node is-${kind}${chosen ? ' is-chosen' : ''} ${kind === 'service' ? serviceClass(name) : ''}`;
  const transform = `translate(${at?.x ?? 0} ${at?.y ?? 0})`;
  const href =
    kind !== 'service' ? '' : chosen ? serviceHref(name, state.range) : mapHref({ ...state, service: name });
  const does = href === '' ? '' : chosen ? '; open its page' : '; show only its neighbours';
  return (
    <g transform={transform}>
      <Linked className={className} href={href}>
        <NodeBody node={node} seconds={seconds} does={does} />
      </Linked>
    </g>
  );
}

function errorShare({ errors, count }: MapNode): string {
  return formatPercent(count === 0 ? 0 : errors / count);
}

function NodeBody(props: { node: MapNode; seconds: number; does: string }): JSX.Element {
  const { node, seconds, does } = props;
  const { kind, name, errors } = node;
  const { nodeWidth: width, nodeHeight: height } = SIZE;
  const errorText = errors === 0 ? '' : errorShare(node);
  const wrong = errorText === '' ? '' : `, ${errorText} errors`;
  return (
    <>
      <title safe>{`${nameOf(name)}\n${END_WORDS[kind]}, ${figures(node, seconds)}${wrong}${does}`}</title>
      <path class="map-shape" d={shapeOf(kind, width, height)} />
      {kind === 'service' ? (
        <rect class="map-colour" x="0" y="8" width="4" height={String(height - 16)} />
      ) : (
        <svg class="end-shape" x="12" y="15" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
          <path d={END_SHAPES[kind]} />
        </svg>
      )}
      <text class="map-name" x={kind === 'service' ? '14' : '36'} y="20" safe>
        {clipped(nameOf(name), kind === 'service' ? NAME_LETTERS : NAME_LETTERS - 5)}
      </text>
      <text class="map-figures" x={kind === 'service' ? '14' : '36'} y="36" safe>
        {figures(node, seconds)}
      </text>
      {errorText === '' ? (
        ''
      ) : (
        <g class="map-node-errors">
          <path
            transform={`translate(${width - 24 - errorText.length * 6.8} 26) scale(0.7)`}
            d="M8 1.5 15 14H1L8 1.5ZM8 6v3.6M8 11.6v.4"
          />
          <text x={String(width - 8)} y="36" text-anchor="end" safe>
            {errorText}
          </text>
        </g>
      )}
    </>
  );
}

function figures({ count, kind }: MapNode, seconds: number): string {
  if (seconds > 0) return formatRate(count, seconds);
  return kind === 'service' ? plural(count, 'span') : `${formatCount(count)} calls`;
}

/** By code points: half a letter would be none. */
function clipped(name: string, letters: number): string {
  if (name.length <= letters) return name;
  const all = Array.from(name.slice(0, letters * 2));
  return `${all.slice(0, letters - 1).join('')}…`;
}

/** A service is a box, a database a drum, a queue has cut corners, and who sends no spans is round. */
function shapeOf(kind: MapNode['kind'], width: number, height: number): string {
  switch (kind) {
    case 'service':
      return rounded(width, height, 6);
    case 'external':
      return rounded(width, height, height / 2);
    case 'queue':
      return `M10 0H${width - 10}L${width} ${height / 2} ${width - 10} ${height}H10L0 ${height / 2}Z`;
    case 'database':
      return `M0 4C0 -1.3 ${width} -1.3 ${width} 4V${height - 4}C${width} ${height + 1.3} 0 ${height + 1.3} 0 ${height - 4}ZM0 4C0 9.3 ${width} 9.3 ${width} 4`;
  }
}

function rounded(width: number, height: number, radius: number): string {
  const [w, h, r] = [width, height, radius];
  return `M${r} 0H${w - r}a${r} ${r} 0 0 1 ${r} ${r}V${h - r}a${r} ${r} 0 0 1 ${-r} ${r}H${r}a${r} ${r} 0 0 1 ${-r} ${-r}V${r}a${r} ${r} 0 0 1 ${r} ${-r}Z`;
}
