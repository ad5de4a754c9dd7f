/** Questions that a page does not wait long for. */

/** For what a page shows at once: above it, the page comes first and the answer into it later. */
export const AT_ONCE_MS = 40;

/**
 * The answer if it is there in time. One that is not is given up: whoever shows the page asks again, then
 * with patience. `Infinity` waits.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  if (ms === Infinity) return ask(signal);
  const late = new AbortController();
  const answer = ask(AbortSignal.any([signal, late.signal]));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    const first = await Promise.race([answer, timeout]);
    if (first !== undefined) return first;
    answer.catch(() => undefined);
    late.abort();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
