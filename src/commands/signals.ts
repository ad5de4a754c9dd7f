/** SIGTERM and SIGINT as one request to stop, and a second one as force. */

/**
 * Ctrl-C reaches the process from the terminal and once more through `npm start`: signals that come this
 * close together are one.
 */
const SAME_SIGNAL_MS = 500;

export interface StopRequest {
  /** Resolves with the first signal. */
  readonly stopped: Promise<string>;
  /** Takes the handlers away again. */
  release(): void;
}

/** @param force called when the user asks again while the program is still stopping */
export function listenForStop(force: () => void, now: () => number = () => performance.now()): StopRequest {
  const { promise, resolve } = Promise.withResolvers<string>();
  let firstAt: number | undefined;
  const onSignal = (signal: string) => {
    if (firstAt === undefined) {
      firstAt = now();
      resolve(signal);
    } else if (now() - firstAt > SAME_SIGNAL_MS) {
      force();
    }
  };
  // Not SIGHUP: under nohup it is ignored, and a handler would undo that.
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    stopped: promise,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
