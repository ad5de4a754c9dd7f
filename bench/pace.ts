/** Requests that leave on a fixed clock, so that a slow answer does not slow the next request down. */

/** So many without an answer: a server that is behind is not buried, and what could not leave in time is told. */
const MOST_UNDER_WAY = 256;

export interface PaceOptions {
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** Ends it before its time. */
  readonly isOver?: () => boolean;
}

export interface Paced {
  /** Milliseconds from the first byte to the acknowledgement, a request each. */
  readonly latencies: number[];
  readonly requestsPerSecond: number;
}

/** Calls `sendOne` with 0, 1, 2, ... on the beat, and resolves when all have resolved. */
export async function pace(
  { requestsPerSecond, seconds, isOver = () => false }: PaceOptions,
  sendOne: (index: number) => Promise<void>,
): Promise<Paced> {
  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  const begin = performance.now();
  const timed = async (index: number): Promise<void> => {
    const before = performance.now();
    await sendOne(index);
    latencies.push(performance.now() - before);
  };
  for (let index = 0; !isOver(); index++) {
    const due = begin + (index * 1000) / requestsPerSecond;
    if (due >= begin + seconds * 1000 || performance.now() >= begin + seconds * 1000) break;
    while (performance.now() < due) await Bun.sleep(Math.max(0, due - performance.now()));
    while (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay);
    const request = timed(index).finally(() => underWay.delete(request));
    underWay.add(request);
  }
  await Promise.all(underWay);
  return { latencies, requestsPerSecond: (latencies.length * 1000) / (performance.now() - begin) };
}
