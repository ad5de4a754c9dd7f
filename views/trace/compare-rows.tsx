/** The paths of two traces, a row each: when and how long in A, and in B. */
import { Html } from '@elysiajs/html';
import type { FlamePath } from '../../src/trace/flame.ts';
import type { DiffRow } from '../../src/trace/structure-diff.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount } from '../format.ts';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { compareHref, COMPARE_ROWS } from './compare-state.ts';
import type { CompareState } from './compare-state.ts';
import { deltaText, nanoText } from './view-nav.tsx';

export interface CompareRowsProps {
  readonly state: CompareState;
  readonly a: TraceTree;
  readonly b: TraceTree;
  readonly rows: readonly DiffRow[];
  readonly total: number;
}

export function CompareRows({ state, a, b, rows, total }: CompareRowsProps): JSX.Element {
  const longest = Math.max(lengthOf(a), lengthOf(b), 1);
  return (
    <>
      <table class="list compare-table">
        <caption class="hidden-visually">Paths of both traces</caption>
        <thead>
          <tr>
            <th scope="col">Path</th>
            <th scope="col">Change</th>
            <th scope="col" class="num">
              Spans
            </th>
            <th scope="col" class="num">
              A
            </th>
            <th scope="col" class="num">
              B
            </th>
            <th scope="col" class="num">
              Δ total
            </th>
            <th scope="col" class="num">
              Δ self time
            </th>
            <th scope="col">A above B, on one scale</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row row={row} state={state} longest={longest} />
          ))}
        </tbody>
      </table>
      <Windows state={state} shown={rows.length} total={total} />
    </>
  );
}

function lengthOf(tree: TraceTree): number {
  return Number(tree.endUnixNano - tree.startUnixNano);
}

/** Levels drawn as indentation. */
const MAX_INDENT = 12;

function Row({ row, state, longest }: { row: DiffRow; state: CompareState; longest: number }): JSX.Element {
  const { a, b } = row;
  const path = a ?? b;
  if (path === undefined) return <></>;
  const indent = state.order === 'structure' ? Math.min(row.depth, MAX_INDENT) : 0;
  return (
    <tr class={`diff-${row.side}`}>
      <td class={`col-main indent-${indent}`} title={attr(pathText(path))}>
        <ServiceName name={path.serviceName} /> <SpanName name={path.name} />
      </td>
      <td>
        <Change row={row} />
      </td>
      <td class="num" data-label="Spans" safe>
        {countsText(a, b)}
      </td>
      <td class="num" data-label="A">
        <TotalLink path={a} traceId={state.a} />
      </td>
      <td class="num" data-label="B">
        <TotalLink path={b} traceId={state.b} />
      </td>
      <td class="num" data-label="Δ total" safe>
        {deltaText(row.totalDeltaNano)}
      </td>
      <td class="num strong" data-label="Δ self" safe>
        {deltaText(row.selfDeltaNano)}
      </td>
      <td class="twin-cell">
        <svg class="twin" width="100%" height="16" aria-hidden="true">
          {a ? <Bar path={a} longest={longest} y={1} side="a" /> : ''}
          {b ? <Bar path={b} longest={longest} y={9} side="b" /> : ''}
        </svg>
      </td>
    </tr>
  );
}

/** In words and by a sign, not by colour alone. */
function Change({ row }: { row: DiffRow }): JSX.Element {
  switch (row.side) {
    case 'onlyA':
      return <span class="badge is-a">− only in A</span>;
    case 'onlyB':
      return <span class="badge is-b">+ only in B</span>;
    case 'both':
      if (Math.round(row.totalDeltaNano) === 0) return <span class="none">alike</span>;
      return row.totalDeltaNano > 0 ? <span>▲ slower</span> : <span>▼ faster</span>;
  }
}

function countsText(a: FlamePath | undefined, b: FlamePath | undefined): string {
  const [left, right] = [a?.count ?? 0, b?.count ?? 0];
  return left === right ? formatCount(left) : `${formatCount(left)} → ${formatCount(right)}`;
}

function TotalLink({ path, traceId }: { path: FlamePath | undefined; traceId: string }): JSX.Element {
  if (path === undefined) return <span class="none">–</span>;
  return (
    <a href={`/traces/${traceId}?span=${path.first.span.spanId}`} title="Open its first span" safe>
      {nanoText(path.totalNano)}
    </a>
  );
}

interface BarProps {
  readonly path: FlamePath;
  readonly longest: number;
  readonly y: number;
  readonly side: 'a' | 'b';
}

/** From the first start to the last end. */
function Bar({ path, longest, y, side }: BarProps): JSX.Element {
  const left = (path.firstStartNano / longest) * 100;
  const width = Math.max(0.4, ((path.lastEndNano - path.firstStartNano) / longest) * 100);
  return (
    <rect
      class={`twin-${side}`}
      x={`${Math.min(left, 99.6).toFixed(2)}%`}
      width={`${width.toFixed(2)}%`}
      y={y}
      height="6"
      rx="1.5"
    />
  );
}

/** The way from the root, for a title. */
function pathText(path: FlamePath): string {
  const names = [];
  for (let at: FlamePath | null = path; at && names.length < MAX_INDENT; at = at.parent) {
    names.push(`${at.serviceName} ${at.name}`.slice(0, 100));
  }
  return names.reverse().join(' › ');
}

function Windows({
  state,
  shown,
  total,
}: {
  state: CompareState;
  shown: number;
  total: number;
}): JSX.Element {
  if (total <= shown) return <></>;
  const last = state.row + shown;
  return (
    <nav class="window-bar" aria-label="Rows">
      {state.row > 0 ? (
        <a href={attr(compareHref(state, { row: Math.max(0, state.row - COMPARE_ROWS) }))}>Earlier</a>
      ) : (
        <span class="off">Earlier</span>
      )}
      <span class="num" safe>
        {`${formatCount(state.row + 1)}–${formatCount(last)} of ${formatCount(total)}`}
      </span>
      {last < total ? (
        <a href={attr(compareHref(state, { row: last }))}>Later</a>
      ) : (
        <span class="off">Later</span>
      )}
    </nav>
  );
}
