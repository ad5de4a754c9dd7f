/** Which series are answered: told by their sums, before any of them is made. */
import { labelsKey } from './metrics-stages.ts';
import type { Label, Series } from './metrics-stages.ts';

/** Series that were counted and not made yet: numbered from 0. */
export interface SeriesCandidates {
  /** By candidate: its samples added up in order of time, without those that are none. */
  readonly sums: Float64Array;
  /** By candidate: spans that it was counted of. */
  readonly sizes: Float64Array;
  readonly labels: (candidate: number) => readonly Label[];
  /** Those that are chosen, in that order. */
  readonly make: (chosen: readonly number[]) => Generator<void, Series[]>;
}

const KEYS_A_STEP = 512;

/** So many with the largest sums, the largest first; of equal ones by labels. */
export function* largestSums({ sums, labels }: SeriesCandidates, most: number): Generator<void, number[]> {
  const { chosen, level } = split(sums, most);
  const keys = new Map<number, string>();
  for (const candidate of [...chosen, ...level]) {
    keys.set(candidate, labelsKey(labels(candidate)));
    if (keys.size % KEYS_A_STEP === 0) yield;
  }
  const byKey = (a: number, b: number): number => {
    const [ofA, ofB] = [keys.get(a) ?? '', keys.get(b) ?? ''];
    return ofA < ofB ? -1 : ofA > ofB ? 1 : 0;
  };
  const all = [...chosen, ...level.sort(byKey).slice(0, most - chosen.length)];
  return all.sort((a, b) => ranked(sums[b]) - ranked(sums[a]) || byKey(a, b));
}

/** So many of the most spans; of equal ones, those that were met first. */
export function mostSpans({ sizes }: SeriesCandidates, most: number): number[] {
  const { chosen, level } = split(sizes, most);
  return [...chosen, ...level.slice(0, most - chosen.length)].sort((a, b) => sizes[b] - sizes[a] || a - b);
}

/** Those of the `most` largest numbers that are surely among them, and those that share the last places. */
function split(numbers: Float64Array, most: number): { readonly chosen: number[]; readonly level: number[] } {
  const sorted = numbers.map(ranked).sort();
  const least = sorted[Math.max(0, sorted.length - most)];
  const chosen: number[] = [];
  const level: number[] = [];
  numbers.forEach((number, i) => {
    if (ranked(number) > least) chosen.push(i);
    else if (ranked(number) === least) level.push(i);
  });
  return { chosen, level };
}

/** Infinities of both signs add up to no number, which has no rank; and the difference of equal ones is none. */
function ranked(sum: number): number {
  if (sum !== sum) return -Number.MAX_VALUE;
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
}
