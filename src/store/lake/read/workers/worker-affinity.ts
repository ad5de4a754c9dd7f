/** Which worker read a row group last: its columns are decoded there. */
import type { Job } from './jobs.ts';

/** Row groups of which that is known: those of 5G spans, some 5 MB. */
const MAX_KNOWN = 40_000;

export class Affinity {
  /** Least recently read first. */
  readonly #slots = new Map<string, number>();

  /** The worker that read most of the job's row groups; undefined when none did. */
  of(job: Job): number | undefined {
    const votes = new Map<number, number>();
    let best: number | undefined;
    for (const key of keysOf(job)) {
      const slot = this.#slots.get(key);
      if (slot === undefined) continue;
      const count = (votes.get(slot) ?? 0) + 1;
      votes.set(slot, count);
      if (best === undefined || count > (votes.get(best) ?? 0)) best = slot;
    }
    return best;
  }

  set(job: Job, slot: number): void {
    for (const key of keysOf(job)) {
      this.#slots.delete(key);
      this.#slots.set(key, slot);
    }
    for (const oldest of this.#slots.keys()) {
      if (this.#slots.size <= MAX_KNOWN) break;
      this.#slots.delete(oldest);
    }
  }

  /** What that worker had is gone. */
  forget(slot: number): void {
    for (const [key, known] of this.#slots) if (known === slot) this.#slots.delete(key);
  }
}

function keysOf(job: Job): string[] {
  if ('picks' in job) return job.picks.map(({ rowGroup }) => `${job.path} ${rowGroup}`);
  if (!('rowGroups' in job)) return [];
  return job.rowGroups.map((group) => `${job.path} ${typeof group === 'number' ? group : group.index}`);
}

/** Up to so many rows are read within some milliseconds. */
const FEW_ROWS = 512;

/** A job for which somebody waits who asked for little: a trace by its id, the spans of a page of results. */
export function isSmall(job: Job): boolean {
  if (job.kind !== 'spans' && job.kind !== 'slim') return false;
  return job.picks.reduce((sum, { rows }) => sum + rows.length, 0) <= FEW_ROWS;
}
