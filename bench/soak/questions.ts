/** What people ask while spans come in, one question after the other. */
import { SPANS_PER_REQUEST } from '../traffic.ts';
import type { Load } from './load.ts';

/** Between two questions: some eight a second with their answers. */
const PAUSE_MS = 100;
const ANSWER_TIMEOUT_MS = 30_000;

type Kind = 'attribute' | 'trace' | 'metrics' | 'page';

export interface QuestionCounts {
  answered: number;
  /** By kind and what was answered. */
  readonly failed: Map<string, number>;
  /** Answered with less than all, and said so. */
  incomplete: number;
}

export class Questions {
  readonly counts: QuestionCounts = { answered: 0, failed: new Map(), incomplete: 0 };
  #latencies: number[] = [];

  /** `isAway` while the server is down because it was killed, `kills` how often it was: nobody can answer then. */
  constructor(
    readonly load: Load,
    readonly url: () => string,
    readonly isAway: () => boolean,
    readonly kills: () => number,
  ) {}

  async run(isOver: () => boolean): Promise<void> {
    const kinds: readonly Kind[] = ['attribute', 'trace', 'metrics', 'trace', 'page'];
    for (let i = 0; !isOver(); i++) {
      await Bun.sleep(PAUSE_MS);
      if (this.load.latest === undefined || this.isAway()) continue;
      await this.#ask(kinds[i % kinds.length], i);
    }
  }

  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  async #ask(kind: Kind, round: number): Promise<void> {
    const path = this.#path(kind, round);
    const killsBefore = this.kills();
    const before = performance.now();
    let problem: string | undefined;
    try {
      const answer = await fetch(this.url() + path, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      const text = await answer.text();
      problem = answer.status === 200 ? this.#fault(kind, text) : String(answer.status);
    } catch (error) {
      problem = error instanceof Error ? error.name : String(error);
    }
    // Cut by the kill: no fault of the answer.
    if (problem !== undefined && (this.isAway() || this.kills() > killsBefore)) return;
    this.#latencies.push(performance.now() - before);
    if (problem === undefined) this.counts.answered++;
    else {
      const what = `${kind}: ${problem}`;
      this.counts.failed.set(what, (this.counts.failed.get(what) ?? 0) + 1);
    }
  }

  #path(kind: Kind, round: number): string {
    switch (kind) {
      case 'attribute': {
        const query = `{ span.user.id = "u-${(round % 50_000).toString(36)}" }`;
        return `/api/v1/spans?since=15m&limit=20&q=${encodeURIComponent(query)}`;
      }
      case 'trace':
        return `/api/v1/traces/${this.load.stamps.traceId(this.load.latest ?? 0)}`;
      case 'metrics':
        return `/api/v1/metrics?since=15m&q=${encodeURIComponent('{} | rate() by (resource.service.name)')}`;
      case 'page':
        return '/search?since=15m';
    }
  }

  /** What is wrong with an answer of 200. */
  #fault(kind: Kind, text: string): string | undefined {
    if (kind === 'page') return text.includes('</html>') ? undefined : 'half a page';
    const body = JSON.parse(text) as { complete: true | object; spans?: readonly unknown[] };
    if (body.complete !== true) this.counts.incomplete++;
    // Acknowledged, so it is to be found: traces of the traffic have 10 of a request's spans.
    if (kind === 'trace' && (body.spans?.length ?? 0) !== SPANS_PER_REQUEST / 50) return 'spans are missing';
    return undefined;
  }
}
