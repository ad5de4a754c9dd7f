/**
 * How long a thread matches regular expressions without a look at anything else. One match over a long value may
 * take seconds, and whoever asks stands deep inside of a scan: with a pace set, a match that used up its share
 * throws, is then finished in shares with breaks between them, and the scan's step is done anew with its verdict known.
 * With none set, matches end when they end.
 */

/** A share of work, some 4 ms. A unit is one character by a known transition, 4 to 8 ns; what is dearer counts more. */
export const SHARE_UNITS = 600_000;

/** Once time is up nothing is begun that is longer: to look at so much takes microseconds. */
const MAX_LATE_CHARS = 1024;

/** A match in progress. */
export interface MatchRun {
  readonly matcher: object;
  readonly text: string;
  /** Goes on for about so many units; undefined while it is not at its end. */
  advance(units: number): boolean | undefined;
}

/** Not an error: it says to whoever set the pace that a match wants a break. */
export class MatchPause extends Error {
  override readonly name = 'MatchPause';

  constructor(
    readonly pace: MatchPace,
    readonly run: MatchRun,
  ) {
    super('a match takes longer than the thread may be held');
  }
}

class MatchPace {
  /** Units left until the next break. */
  left = SHARE_UNITS;
  /** Values that were left without a verdict since time was up. */
  unjudged = 0;
  isLate = false;
  /** Verdicts since the first break: what was judged before it is asked again. Undefined: no verdict in time. */
  #verdicts: Map<object, Map<string, boolean | undefined>> | undefined;

  /** `fallback` where the text has no known verdict. */
  recall<T>(matcher: object, text: string, fallback: T): boolean | undefined | T {
    const known = this.#verdicts?.get(matcher);
    if (known !== undefined && known.has(text)) return known.get(text);
    if (!this.isLate || text.length <= MAX_LATE_CHARS) return fallback;
    this.unjudged++;
    // A step that is done anew counts it once.
    this.#verdicts ??= new Map();
    this.remember(matcher, text, undefined);
    return undefined;
  }

  remember(matcher: object, text: string, verdict: boolean | undefined): void {
    if (this.#verdicts === undefined) return;
    let known = this.#verdicts.get(matcher);
    if (known === undefined) this.#verdicts.set(matcher, (known = new Map()));
    known.set(text, verdict);
  }

  /** Other work that takes its time, done in a turn of its own: what it makes is kept for when the step is tried anew. */
  apart(matcher: object, work: () => void): void {
    if (this.isLate) return;
    const advance = () => {
      work();
      return true;
    };
    throw new MatchPause(this, { matcher, text: '', advance });
  }

  /** Share by share, with a break before each; `breathe` gives false when time is up. */
  async finish(run: MatchRun, breathe: () => Promise<boolean>): Promise<void> {
    this.#verdicts ??= new Map();
    let verdict: boolean | undefined;
    while (verdict === undefined && !this.isLate) {
      if (await breathe()) verdict = run.advance(SHARE_UNITS);
      else this.isLate = true;
    }
    if (verdict === undefined) this.unjudged++;
    this.remember(run.matcher, run.text, verdict);
    this.left = SHARE_UNITS;
  }

  /** The step is through. */
  forget(): void {
    this.#verdicts = undefined;
  }
}

/** Matches that may be given up, since who asks can do without them: all together take one share. */
export class BriefMatches {
  readonly #pace = new MatchPace();

  /** Undefined where that share was used up before there was a verdict. */
  test(step: () => boolean): boolean | undefined {
    try {
      return atPace(this.#pace, step);
    } catch (error) {
      if (error instanceof MatchPause && error.pace === this.#pace) return undefined;
      throw error;
    }
  }
}

let current: MatchPace | undefined;

/** The pace of the work in progress on this thread. */
export function matchPace(): MatchPace | undefined {
  return current;
}

function atPace<T>(pace: MatchPace, work: () => T): T {
  const before = current;
  current = pace;
  try {
    return work();
  } finally {
    current = before;
  }
}

/**
 * The pace of one question, or one job of it. Gives a function that carries out a step, anew after each break:
 * until its last match is through, a step must not have changed anything that counts.
 */
export class PacedSteps {
  readonly #pace = new MatchPace();

  /** `breathe` gives the thread away for a turn; it gives false when time is up, and throws to end the question. */
  constructor(readonly breathe: () => Promise<boolean>) {}

  /** Values without a verdict: they satisfy neither =~ nor !~, and the answer has to say so. */
  get unjudged(): number {
    return this.#pace.unjudged;
  }

  /** Undefined when the step is through, else what has to be awaited before it is tried again. */
  try(step: () => void): Promise<void> | undefined {
    try {
      atPace(this.#pace, step);
    } catch (error) {
      if (!(error instanceof MatchPause) || error.pace !== this.#pace) throw error;
      return this.#pace.finish(error.run, this.breathe);
    }
    this.#pace.forget();
    return undefined;
  }

  async do<T>(step: () => T): Promise<T> {
    const results: T[] = [];
    for (;;) {
      const pause = this.try(() => void results.push(step()));
      if (pause === undefined) return results[0];
      await pause;
    }
  }

  /** A break was taken for another reason. */
  resume(hasTime: boolean): void {
    this.#pace.left = SHARE_UNITS;
    this.#pace.isLate ||= !hasTime;
  }
}
