/**
 * How many large questions are in progress at once; the others wait in the order in which they came. Two keep all
 * workers busy, and what each holds while it is answered adds up.
 */

interface Waiter {
  readonly enter: () => void;
}

export class Gate {
  #free: number;
  readonly #waiting: Waiter[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Questions that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves to true when there is a place, which `leave` gives back; to false after `waitMs`, without one. Rejects
   * with the signal's reason.
   */
  enter(waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
      const abort = (): void => {
        end();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        enter: () => {
          end();
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        end();
        resolve(false);
      }, waitMs);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** The place goes to who waits longest. */
  leave(): void {
    const next = this.#waiting[0];
    if (next) next.enter();
    else this.#free++;
  }
}
