/** What the waterfall of a trace is drawn from: its analysis, the rows that the address asks for, the window of them. */
import { Html } from '@elysiajs/html';
import { countMarks } from '../../trace/matches.ts';
import type { TraceTree } from '../../trace/tree.ts';
import { revealed, waterfallWindow } from '../../trace/waterfall.ts';
import type { Waterfall } from '../../trace/waterfall.ts';
import { WaterfallChunk } from '../../../views/trace/waterfall.tsx';
import { CHUNK_ROWS, WINDOW_ROWS } from '../../../views/trace/waterfall-props.ts';
import type { WaterfallProps } from '../../../views/trace/waterfall-props.ts';
import type { TraceState } from '../../../views/trace/trace-state.ts';
import { timeWindow, zoomTo } from '../../../views/trace/zoom.ts';
import { analysisOf } from './trace-analysis.ts';
import type { TraceAnalysis } from './trace-analysis.ts';

/** `around`: the window is moved to the open span. */
export async function waterfallProps(
  tree: TraceTree,
  state: TraceState,
  around: boolean,
): Promise<WaterfallProps> {
  const analysis = analysisOf(tree);
  const timing = await analysis.timing();
  const chosen = await analysis.chosen(state.rows);
  const waterfall = await windowOf(analysis, state, WINDOW_ROWS, around);
  return {
    tree,
    timing,
    critical: await analysis.critical(),
    minimap: await analysis.minimap(),
    errors: await analysis.errors(),
    found: await analysis.found(state.rows.q),
    chosenCount: chosen && countMarks(chosen),
    waterfall,
    state,
  };
}

/** Chunks begin at multiples of their size, wherever a window begins. */
async function windowOf(
  analysis: TraceAnalysis,
  { rows, span }: TraceState,
  limit: number,
  around: boolean,
): Promise<Waterfall> {
  const layout = await analysis.layout(await analysis.shape(rows), rows);
  const timing = await analysis.timing();
  const from = rows.row - (rows.row % CHUNK_ROWS);
  const window = { from, limit, around: around && span !== '' ? span : undefined };
  const found = waterfallWindow(layout, timing, window);
  if (found.from % CHUNK_ROWS === 0) return found;
  return waterfallWindow(layout, timing, { from: found.from - (found.from % CHUNK_ROWS), limit });
}

/** The rows from `row` on alone. */
export async function chunkOf(tree: TraceTree, state: TraceState): Promise<JSX.Element> {
  const analysis = analysisOf(tree);
  const timing = await analysis.timing();
  const { rows } = await windowOf(analysis, state, CHUNK_ROWS, false);
  const critical = await analysis.critical();
  const found = await analysis.found(state.rows.q);
  const window = timeWindow(state.rows, tree.endUnixNano - tree.startUnixNano);
  const all = { tree, timing, critical, found, state, window };
  return Html.createElement(WaterfallChunk, { rows, all, focused: -1 });
}

/** The state in which the open span has a row: whatever hides it is opened, and a choice that leaves it out goes. */
export async function showingSpan(tree: TraceTree, state: TraceState): Promise<TraceState> {
  const node = tree.byId.get(state.span);
  if (!node) return state;
  const shape = await analysisOf(tree).shape(state.rows);
  const isOut = shape.kept?.[node.index] === 0;
  const rows = isOut ? { ...state.rows, only: '' as const } : state.rows;
  const toggled = revealed({ node, shape: isOut ? { ...shape, kept: undefined } : shape });
  return { ...state, rows: { ...rows, toggled } };
}

/** `?zoom=SPAN` is the way of a key: the answer says which times that is. */
export function zoomedTo(tree: TraceTree, state: TraceState, spanId: string): TraceState {
  const node = tree.byId.get(spanId);
  if (!node) return state;
  const { startTimeUnixNano, durationNano } = node.span;
  const start = startTimeUnixNano - tree.startUnixNano;
  const end = start + (durationNano > 0n ? durationNano : 0n);
  const change = zoomTo(start, end, tree.endUnixNano - tree.startUnixNano);
  return { ...state, rows: { ...state.rows, ...change } };
}
