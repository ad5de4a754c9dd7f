/**
 * One task at a time, the most urgent first: two rewrites never meet. A task must not wait for another one
 * of the lane, it would wait for ever.
 */
import { StoreUnavailableError } from '../../span-store.ts';

const URGENCIES = ['asked', 'removal', 'compaction'] as const;

/** `asked`: somebody waits for the answer. `removal`: retention. */
export type Urgency = (typeof URGENCIES)[number];

interface Task {
  run(): Promise<void>;
  refuse(error: Error): void;
}

export class Lane {
  readonly #waiting = new Map<Urgency, Task[]>(URGENCIES.map((urgency) => [urgency, []]));
  #running: Promise<void> | undefined;
  #closed = false;

  /** Resolves as the work does. Throws StoreUnavailableError once the lane is closed. */
  run<T>(urgency: Urgency, work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closing());
    return new Promise((resolve, reject) => {
      const run = async () => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#waiting.get(urgency)?.push({ run, refuse: reject });
      this.#running ??= this.#runAll();
    });
  }

  /** Refuses what waits, and resolves when the task under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const tasks of this.#waiting.values()) for (const task of tasks.splice(0)) task.refuse(closing());
    await this.#running;
  }

  async #runAll(): Promise<void> {
    for (let task = this.#next(); task !== undefined; task = this.#next()) await task.run();
    this.#running = undefined;
  }

  #next(): Task | undefined {
    for (const urgency of URGENCIES) {
      const task = this.#waiting.get(urgency)?.shift();
      if (task !== undefined) return task;
    }
    return undefined;
  }
}

function closing(): StoreUnavailableError {
  return new StoreUnavailableError('the store is closing', 30);
}
