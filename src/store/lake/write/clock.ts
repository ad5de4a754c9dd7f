/** Time, passed in so that tests own it. */
export interface Clock {
  /** Unix milliseconds: may jump. */
  wallMs(): number;
  /** Milliseconds that never go back: for ages. */
  monotonicMs(): number;
}

export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
