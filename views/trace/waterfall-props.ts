/** What the waterfall's parts are drawn from. */
import type { CriticalPath } from '../../src/trace/critical-path.ts';
import type { Marks } from '../../src/trace/matches.ts';
import type { Minimap } from '../../src/trace/minimap.ts';
import type { Timing } from '../../src/trace/timing.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import type { Waterfall } from '../../src/trace/waterfall.ts';
import type { TraceState } from './trace-state.ts';

/** Rows of one piece of the page; pieces come and go as one scrolls. */
export const CHUNK_ROWS = 100;
/** Rows in the page at first: a screen, and one more in each direction. */
export const WINDOW_ROWS = 300;
export const ROW_PX = 28;

export interface WaterfallProps {
  readonly tree: TraceTree;
  readonly timing: Timing;
  readonly critical: CriticalPath;
  readonly minimap: Minimap;
  readonly errors: Marks;
  /** Undefined when nothing is looked for. */
  readonly found: { readonly marks: Marks; readonly count: number; readonly problem: string } | undefined;
  /** Spans that a choice leaves, without those above them; undefined for all. */
  readonly chosenCount: number | undefined;
  readonly waterfall: Waterfall;
  readonly state: TraceState;
}
