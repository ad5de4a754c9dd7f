/**
 * Long computations as generators: each `yield` is a place where the event loop may answer others. A trace of
 * 100,000 spans would hold it for some 100 ms.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** `pause` is awaited between steps of some milliseconds. */
export async function inSteps<T>(steps: Steps<T>, pause: () => Promise<unknown>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}

/** Sorted at once: 8,192 take some 3 ms. */
const RUN = 8_192;

/** The places 0, 1, ... of `length` things, in order. Stable: equal ones keep their places. */
export function* sortedPlaces(length: number, compare: (a: number, b: number) => number): Steps<Uint32Array> {
  let from = Uint32Array.from({ length }, (_, i) => i);
  for (let start = 0; start < length; start += RUN) {
    from.subarray(start, start + RUN).sort((a, b) => compare(a, b) || a - b);
    yield;
  }
  let to = new Uint32Array(length);
  for (let run = RUN; run < length; run *= 2) {
    for (let start = 0; start < length; start += 2 * run) {
      yield* merged(
        from,
        to,
        start,
        Math.min(start + run, length),
        Math.min(start + 2 * run, length),
        compare,
      );
    }
    [from, to] = [to, from];
  }
  return from;
}

function* merged(
  from: Uint32Array,
  to: Uint32Array,
  start: number,
  middle: number,
  end: number,
  compare: (a: number, b: number) => number,
): Steps<void> {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const takesLeft = left < middle && (right >= end || compare(from[left], from[right]) <= 0);
    to[at] = takesLeft ? from[left++] : from[right++];
    if ((at & 0x7fff) === 0x7fff) yield;
  }
}
