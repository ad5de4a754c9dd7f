/** For tests: what retention means, evaluated plainly over a list of spans. */
import { WRONG_CLOCK_MS } from '../policies.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface ModelSpan {
  readonly trace: number;
  readonly spanId: string;
  readonly startMs: number;
  readonly isError: boolean;
  readonly isSlow: boolean;
  /** Undefined while it is in memory. */
  arrivalMs: number | undefined;
  /** Retention was killed when the trace may have been on its way out: a part of it is gone, or none yet. */
  leaving: 'surely' | 'perhaps' | undefined;
}

export interface ModelRule {
  readonly query: string;
  readonly hours: number;
}

export const RULES = new Map<string, (span: ModelSpan) => boolean>([
  ['{ status = error }', (span) => span.isError],
  ['{ duration > 1s }', (span) => span.isSlow],
  ['{}', () => true],
]);

export interface Situation {
  readonly spans: readonly ModelSpan[];
  readonly rules: readonly ModelRule[];
  readonly pinned: ReadonlySet<number>;
  readonly nowMs: number;
  /** Traces that are `leaving` by the rules of now: the parts that are left of them go first. */
  readonly goesOn: boolean;
}

export function rulesText(rules: readonly ModelRule[]): string {
  return rules.map(({ query, hours }) => `${query} ${hours}h`).join('\n');
}

/** Of a trace with these spans; undefined when no rule finds it. */
export function ageOf(spans: readonly ModelSpan[], rules: readonly ModelRule[]): number | undefined {
  const first = rules.find(({ query }) => spans.some((span) => RULES.get(query)?.(span)));
  return first === undefined ? undefined : first.hours * HOUR;
}

/** Undefined when what is left of a trace is right; else what is expected. */
export function problemOf(
  trace: readonly ModelSpan[],
  left: ReadonlySet<string>,
  situation: Situation,
): string | undefined {
  const leaving = trace.filter(({ leaving }) => leaving !== undefined);
  if (leaving.length === 0 || !situation.goesOn || situation.pinned.has(trace[0].trace)) {
    return countProblem(trace, left, situation);
  }
  const others = trace.filter((span) => span.leaving === undefined);
  // What came after the trace was judged is judged by itself.
  const apart =
    leaving.filter(({ spanId }) => left.has(spanId)).length > 0
      ? `none of ${leaving.length} that were leaving`
      : countProblem(others, left, situation);
  if (apart === undefined || leaving[0].leaving === 'surely') return apart;
  const whole = countProblem(trace, left, situation);
  return whole === undefined ? undefined : `${apart}, or ${whole}`;
}

function countProblem(
  trace: readonly ModelSpan[],
  left: ReadonlySet<string>,
  situation: Situation,
): string | undefined {
  const there = trace.filter(({ spanId }) => left.has(spanId)).length;
  const expected = mustGo(trace, situation)
    ? [0]
    : mayGo(trace, situation)
      ? [0, trace.length]
      : [trace.length];
  if (expected.includes(there)) return undefined;
  return `${there} of ${trace.length} spans, expected ${expected.join(' or ')}`;
}

export function mayGo(trace: readonly ModelSpan[], { rules, pinned, nowMs }: Situation): boolean {
  const ageMs = ageOf(trace, rules);
  if (ageMs === undefined || trace.some((span) => pinned.has(span.trace))) return false;
  return trace.every((span) => nowMs - ownAgeFromMs(span) >= ageMs);
}

function mustGo(trace: readonly ModelSpan[], situation: Situation): boolean {
  const { rules, nowMs, spans } = situation;
  const ageMs = ageOf(trace, rules) ?? Infinity;
  return mayGo(trace, situation) && trace.every((span) => nowMs - fileAgeFromMs(span, spans) >= ageMs);
}

const dayOf = (ms: number) => Math.floor(ms / DAY);

/** No file with the span can be younger than the youngest span of its day. */
function fileAgeFromMs(span: ModelSpan, spans: readonly ModelSpan[]): number {
  const sameDay = spans.filter((other) => dayOf(other.startMs) === dayOf(span.startMs));
  return Math.max(...sameDay.map(ownAgeFromMs));
}

/** What is in memory is not judged. */
function ownAgeFromMs({ startMs, arrivalMs }: ModelSpan): number {
  if (arrivalMs === undefined) return Infinity;
  return arrivalMs - startMs > WRONG_CLOCK_MS ? arrivalMs : startMs;
}
