/** What the limits took from spans: counted when the span is kept, so that a rejected one counts for nothing. */

/** Why something of a span is not kept. The members are indices. */
export enum Loss {
  /** Attributes beyond `SpanLimits.attributes`. */
  attribute,
  /** Attributes whose key is new beyond `SpanLimits.keys`, or longer than MAX_KEY_BYTES. */
  key,
  event,
  link,
  /** Texts cut to `SpanLimits.valueBytes`. */
  text,
  /** Names cut to MAX_NAME_BYTES. */
  name,
}

const CAUSES = 6;

/** How often each happened, by the members of `Loss`. */
export type LossCounts = readonly number[];

export class Losses {
  /** Of what is kept. */
  #kept: number[] = noLosses();
  /** Of what is being read. */
  #open: number[] = noLosses();
  /** False almost always: then a span costs one look at it. */
  #anyOpen = false;

  add(cause: Loss, count = 1): void {
    this.#open[cause] += count;
    this.#anyOpen = true;
  }

  /** What was read since the last `keep` or `discard` is kept. */
  keep(): void {
    if (!this.#anyOpen) return;
    this.#kept = this.#kept.map((count, cause) => count + this.#open[cause]);
    this.discard();
  }

  discard(): void {
    if (!this.#anyOpen) return;
    this.#open = noLosses();
    this.#anyOpen = false;
  }

  /** As they stand: the array is not changed later. */
  get counts(): LossCounts {
    return this.#kept;
  }

  /** Back to what `counts` answered before. */
  restore(counts: LossCounts): void {
    this.#kept = [...counts];
    this.discard();
  }
}

function noLosses(): number[] {
  return Array.from({ length: CAUSES }, () => 0);
}

/** What `after` counts beyond `before`. */
export function lossesSince(before: LossCounts, after: LossCounts): LossCounts {
  return after.map((count, cause) => count - before[cause]);
}

/** A dropped count, which the format keeps in 32 bits, with more added to it. */
export function addDropped(count: number, more: number): number {
  return Math.min(count + more, 0xffffffff);
}
