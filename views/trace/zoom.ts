/** From when to when the waterfall is drawn, and where zooming leads. Nanoseconds from the trace's start. */
import type { WaterfallState } from './waterfall-state.ts';

export interface TimeWindow {
  readonly from: bigint;
  readonly to: bigint;
}

/** Closer, the ruler would have no round figures left. */
const MIN_NANO = 100n;

/** What the state asks for, within the trace. */
export function timeWindow({ fromNano, toNano }: WaterfallState, durationNano: bigint): TimeWindow {
  if (toNano <= fromNano || fromNano >= durationNano) return { from: 0n, to: durationNano };
  return { from: fromNano, to: toNano < durationNano ? toNano : durationNano };
}

type Change = Pick<WaterfallState, 'fromNano' | 'toNano'>;

export const WHOLE: Change = { fromNano: 0n, toNano: 0n };

/** Moved into the trace; the whole of it when it is as long. */
function within(from: bigint, length: bigint, durationNano: bigint): Change {
  if (length >= durationNano) return WHOLE;
  const latest = durationNano - length;
  const fromNano = from < 0n ? 0n : from > latest ? latest : from;
  return { fromNano, toNano: fromNano + length };
}

/** Half as long, around the middle. Undefined where it gets no closer. */
export function zoomIn({ from, to }: TimeWindow, durationNano: bigint): Change | undefined {
  const length = (to - from) / 2n;
  return length < MIN_NANO ? undefined : within(from + length / 2n, length, durationNano);
}

/** Twice as long. Undefined for the whole trace. */
export function zoomOut({ from, to }: TimeWindow, durationNano: bigint): Change | undefined {
  const length = to - from;
  return length >= durationNano ? undefined : within(from - length / 2n, length * 2n, durationNano);
}

/** Half a window earlier (-1) or later (1). Undefined at the end. */
export function pan({ from, to }: TimeWindow, durationNano: bigint, way: -1 | 1): Change | undefined {
  if (way < 0 ? from <= 0n : to >= durationNano) return undefined;
  return within(from + (BigInt(way) * (to - from)) / 2n, to - from, durationNano);
}

/** A span with a little air on both sides. */
export function zoomTo(start: bigint, end: bigint, durationNano: bigint): Change {
  const length = end - start > MIN_NANO ? end - start : MIN_NANO;
  const air = length / 20n;
  return within(start - air, length + 2n * air, durationNano);
}
