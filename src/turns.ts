/**
 * Turns of the event loop for work that comes in slices: one slice a turn, in the order in which they asked, however
 * many questions are in progress. With `setImmediate` alone all slices that wait run in the same turn: four lanes of
 * one question, each with a slice of 8 ms, held the loop for 50.
 */

const waiting: (() => void)[] = [];

function give(): void {
  // What waited for this turn goes on when this function is left, before the loop looks at its sockets.
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(give);
}

/** Resolves when the loop has looked at everything else, and it is the turn of whoever asks. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(give);
  });
}
