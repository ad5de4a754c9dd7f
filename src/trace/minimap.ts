/** A whole trace on a few lines: rows are spans in the waterfall's order, several to a line when there are many. */
import type { Steps } from './steps.ts';
import type { Timing } from './timing.ts';
import { isError } from './tree.ts';
import type { TraceTree } from './tree.ts';

export const MINIMAP_COLUMNS = 400;
const MAX_LANES = 48;

export interface MinimapRun {
  readonly lane: number;
  /** Columns, `to` excluded. */
  readonly from: number;
  readonly to: number;
  readonly service: string;
}

export interface Minimap {
  readonly lanes: number;
  readonly runs: readonly MinimapRun[];
  /** Columns in which a span with an error starts. */
  readonly errors: readonly number[];
}

const STEP = 500;

export function* minimapSteps(tree: TraceTree, timing: Timing): Steps<Minimap> {
  const { nodes } = tree;
  const lanes = Math.min(MAX_LANES, nodes.length);
  const cells = new Int32Array(lanes * MINIMAP_COLUMNS);
  const services: string[] = [];
  const codes = new Map<string, number>();
  const errors = new Set<number>();
  const scale = timing.durationNano > 0 ? MINIMAP_COLUMNS / timing.durationNano : 0;
  for (let i = 0; i < nodes.length; i++) {
    if (i % STEP === STEP - 1) yield;
    const { span } = nodes[i];
    let code = codes.get(span.serviceName);
    if (code === undefined) codes.set(span.serviceName, (code = services.push(span.serviceName)));
    const first = Math.min(MINIMAP_COLUMNS - 1, Math.floor(timing.starts[i] * scale));
    const last = scale === 0 ? MINIMAP_COLUMNS : Math.min(MINIMAP_COLUMNS, Math.ceil(timing.ends[i] * scale));
    const lane = Math.floor((i * lanes) / nodes.length) * MINIMAP_COLUMNS;
    // Deeper spans come later and lie above.
    cells.fill(code, lane + first, lane + Math.max(first + 1, last));
    if (isError(span)) errors.add(first);
  }
  return { lanes, runs: runsOf(cells, lanes, services), errors: [...errors].sort((a, b) => a - b) };
}

function runsOf(cells: Int32Array, lanes: number, services: readonly string[]): MinimapRun[] {
  const runs: MinimapRun[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    const row = cells.subarray(lane * MINIMAP_COLUMNS, (lane + 1) * MINIMAP_COLUMNS);
    for (let from = 0; from < MINIMAP_COLUMNS;) {
      let to = from + 1;
      while (to < MINIMAP_COLUMNS && row[to] === row[from]) to++;
      if (row[from] > 0) runs.push({ lane, from, to, service: services[row[from] - 1] });
      from = to;
    }
  }
  return runs;
}
