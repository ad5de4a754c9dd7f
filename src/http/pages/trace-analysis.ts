/** What is computed of a trace for its waterfall, each once while its tree is kept. */
import { setImmediate } from 'node:timers/promises';
import { criticalPathSteps } from '../../trace/critical-path.ts';
import type { CriticalPath } from '../../trace/critical-path.ts';
import {
  countMarks,
  isEntry,
  marksSteps,
  runsWithin,
  textFinder,
  withAncestors,
} from '../../trace/matches.ts';
import type { Marks } from '../../trace/matches.ts';
import { minimapSteps } from '../../trace/minimap.ts';
import type { Minimap } from '../../trace/minimap.ts';
import { inSteps } from '../../trace/steps.ts';
import { timingSteps } from '../../trace/timing.ts';
import type { Timing } from '../../trace/timing.ts';
import { isError } from '../../trace/tree.ts';
import type { TraceTree } from '../../trace/tree.ts';
import { layoutSteps } from '../../trace/waterfall.ts';
import type { Layout, Shape } from '../../trace/waterfall.ts';
import { TraceqlError } from '../../traceql/error.ts';
import type { WaterfallState } from '../../../views/trace/waterfall-state.ts';
import { queryMarks } from './trace-query.ts';

/** Someone walks through a trace by few ways at a time. 100,000 rows take some 8 MB. */
const KEPT_LAYOUTS = 3;
const KEPT_QUERIES = 3;

/** What was looked for. */
export interface Found {
  readonly marks: Marks;
  readonly count: number;
  /** Why nothing could be looked for, '' when it was. */
  readonly problem: string;
}

export class TraceAnalysis {
  #timing: Promise<Timing> | undefined;
  #critical: Promise<CriticalPath> | undefined;
  #minimap: Promise<Minimap> | undefined;
  #errors: Promise<Marks> | undefined;
  readonly #layouts = new Recent<Promise<Layout>>(KEPT_LAYOUTS);
  readonly #found = new Recent<Promise<Found>>(KEPT_QUERIES);

  constructor(readonly tree: TraceTree) {}

  timing(): Promise<Timing> {
    return (this.#timing ??= inSteps(timingSteps(this.tree), pause));
  }

  critical(): Promise<CriticalPath> {
    return (this.#critical ??= this.timing().then((timing) =>
      inSteps(criticalPathSteps(this.tree, timing), pause),
    ));
  }

  minimap(): Promise<Minimap> {
    return (this.#minimap ??= this.timing().then((timing) =>
      inSteps(minimapSteps(this.tree, timing), pause),
    ));
  }

  errors(): Promise<Marks> {
    return (this.#errors ??= inSteps(
      marksSteps(this.tree, ({ span }) => isError(span)),
      pause,
    ));
  }

  /** Undefined when nothing is looked for. */
  async found(q: string): Promise<Found | undefined> {
    return q === '' ? undefined : this.#found.get(q, () => this.#find(q));
  }

  async #find(q: string): Promise<Found> {
    try {
      const marks = await (q.startsWith('{')
        ? queryMarks(this.tree, await this.timing(), q, pause)
        : inSteps(marksSteps(this.tree, textFinder(q)), pause));
      return { marks, count: countMarks(marks), problem: '' };
    } catch (error) {
      if (!(error instanceof TraceqlError)) throw error;
      return { marks: new Uint8Array(this.tree.nodes.length), count: 0, problem: error.message };
    }
  }

  layout(shape: Shape, state: WaterfallState): Promise<Layout> {
    const { levels, closed, toggled, only, q, folds, fromNano, toNano } = state;
    const key = JSON.stringify([levels, [...closed], [...toggled], folds, ...(only ? [only] : [])]);
    const ofMatches = only === 'matches' ? q : '';
    const ofWindow = only === 'window' ? `${fromNano} ${toNano}` : '';
    return this.#layouts.get(`${key}\n${ofWindow}\n${ofMatches}`, () =>
      inSteps(layoutSteps(this.tree, shape), pause),
    );
  }

  /** The marks that a choice leaves, before what stands above them. Undefined for all. */
  async chosen({ only, q, fromNano, toNano }: WaterfallState): Promise<Marks | undefined> {
    switch (only) {
      case '':
        return undefined;
      case 'errors':
        return this.errors();
      case 'matches':
        return (await this.found(q))?.marks;
      case 'critical':
        return (await this.critical()).isOn;
      case 'entries':
        return inSteps(marksSteps(this.tree, isEntry), pause);
      case 'window': {
        if (toNano <= fromNano) return undefined;
        const within = runsWithin(await this.timing(), Number(fromNano), Number(toNano));
        return inSteps(marksSteps(this.tree, within), pause);
      }
    }
  }

  async shape(state: WaterfallState): Promise<Shape> {
    const { levels, closed, toggled, folds } = state;
    const chosen = await this.chosen(state);
    const kept = chosen && withAncestors(this.tree, chosen);
    return { levels, closed, toggled, folds, kept };
  }
}

const pause = (): Promise<unknown> => setImmediate();

/** The few things asked for last. */
class Recent<T> {
  readonly #kept = new Map<string, T>();

  constructor(readonly limit: number) {}

  get(key: string, make: () => T): T {
    const kept = this.#kept.get(key) ?? make();
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > this.limit) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest);
    }
    return kept;
  }
}

/** Goes with its tree. */
const analyses = new WeakMap<TraceTree, TraceAnalysis>();

export function analysisOf(tree: TraceTree): TraceAnalysis {
  let analysis = analyses.get(tree);
  if (analysis === undefined) analyses.set(tree, (analysis = new TraceAnalysis(tree)));
  return analysis;
}
