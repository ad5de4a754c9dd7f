/** The traffic of a shop as a pure generator: the same options give the same spans. */
import type { Span } from '../span/span.ts';
import { askAssistant } from './assistant.ts';
import { categoryPage, homePage, productPage, searchPage } from './browse.ts';
import { addToCart, checkout } from './buy.ts';
import { Random } from './random.ts';
import { TraceRecorder } from './recorder.ts';
import { Shop, newVisit } from './shop.ts';
import type { Visit } from './shop.ts';
import { consume, orderHistory, stockReport } from './work.ts';

export interface TrafficOptions {
  readonly seed: number;
  /** When the first visitor comes. Part of the seed: another start gives other ids. */
  readonly startUnixNano: bigint;
  /** Visits a second, on average. Consumers of the queue come on top. */
  readonly tracesPerSecond?: number;
}

type Scenario = (trace: TraceRecorder, visit: Visit) => void;

/** Of a hundred visits. The dear ones (a report has 400 spans) are rare, yet come in each hundred. */
const SCENARIOS: readonly (readonly [visits: number, Scenario])[] = [
  [20, homePage],
  [26, productPage],
  [14, searchPage],
  [14, addToCart],
  [11, checkout],
  [5, orderHistory],
  [6, askAssistant],
  [3, categoryPage],
  [1, stockReport],
];

/** Messages that a consumer takes at once. */
const POLL_LIMIT = 5;

/** Endless. One trace at a time, in order of arrival; a trace's last span may end seconds after the next begins. */
export function* shopTraces(options: TrafficOptions): Generator<Span[], never> {
  const { seed, startUnixNano, tracesPerSecond = 5 } = options;
  const random = new Random(seed, startUnixNano);
  const shop = new Shop(random, seed);
  const scenarios = dealt(random);
  for (let nowUnixNano = startUnixNano; ;) {
    yield record(shop, nowUnixNano, scenarios.next().value);
    nowUnixNano += BigInt(Math.ceil(random.exponential(1e9 / tracesPerSecond)));
    for (let batch = shop.take(nowUnixNano, POLL_LIMIT); batch.length > 0;) {
      const messages = batch;
      const newest = messages.reduce(
        (last, message) => (message.dueUnixNano > last ? message.dueUnixNano : last),
        0n,
      );
      yield record(shop, newest, (trace, visit) => consume(trace, visit, messages));
      batch = shop.take(nowUnixNano, POLL_LIMIT);
    }
  }
}

/** Dealt as from a deck of cards: drawn one by one with their chances, the rarest would be missing from some demos. */
function* dealt(random: Random): Generator<Scenario, never> {
  for (;;) {
    const cards = SCENARIOS.flatMap(([visits, run]) => Array.from({ length: visits }, () => run));
    while (cards.length > 0) yield* cards.splice(random.between(0, cards.length - 1), 1);
  }
}

/** In order of start, parents before children; exporters send them in any order. */
function record(shop: Shop, startUnixNano: bigint, run: Scenario): Span[] {
  const visit = newVisit(shop, startUnixNano);
  const traceState = shop.random.chance(0.2)
    ? `shop=exp:${shop.random.pick(['a', 'b'])},rojo=00f067aa0ba902b7`
    : '';
  const trace = new TraceRecorder(shop.random, startUnixNano, traceState);
  run(trace, visit);
  return trace.spans.toReversed().sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
}

/** When the last span of the trace ends: before that, no service could have sent it whole. */
export function endUnixNano(spans: readonly Span[]): bigint {
  return spans.reduce((end, span) => {
    const own = span.startTimeUnixNano + span.durationNano;
    return own > end ? own : end;
  }, 0n);
}
