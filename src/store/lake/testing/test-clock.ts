/** For tests: a clock that stands still until it is told. */
import type { Clock } from '../write/clock.ts';

export class TestClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;

  constructor(wallMs: number) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Time passes. */
  pass(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }
}
