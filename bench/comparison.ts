/** Two sides of the same measures: medians, raw values, the ratio, and whether it says anything. */
import type { Measure } from './measure.ts';
import { median, shown } from './measure.ts';

export interface ComparedMeasure {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly goal?: number;
  /** In the order of the rounds. */
  readonly here: readonly number[];
  readonly there: readonly number[];
  /** Median here by median there. */
  readonly ratio: number;
  /** The medians lie further apart than the values of either side among themselves. */
  readonly beyondNoise: boolean;
}

export interface Comparison {
  readonly commit: string;
  readonly against: string;
  readonly machine: string;
  readonly spans: number;
  readonly rounds: number;
  readonly measures: readonly ComparedMeasure[];
}

/** What both sides have measured. A round is what one run of the benches gave. */
export function compared(
  here: readonly (readonly Measure[])[],
  there: readonly (readonly Measure[])[],
): ComparedMeasure[] {
  const theirs = valuesByName(there);
  return [...valuesByName(here)].flatMap(([key, { measure, values }]) => {
    const other = theirs.get(key)?.values;
    if (other === undefined) return [];
    const { id, name, unit, goal } = measure;
    return [
      {
        id,
        name,
        unit,
        ...(goal === undefined ? {} : { goal }),
        here: values,
        there: other,
        ratio: median(values) / median(other),
        beyondNoise: isBeyondNoise(values, other),
      },
    ];
  });
}

function valuesByName(rounds: readonly (readonly Measure[])[]) {
  const byName = new Map<string, { readonly measure: Measure; readonly values: number[] }>();
  for (const measure of rounds.flat()) {
    const key = `${measure.id} ${measure.name}`;
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { measure, values: [measure.value] });
    else known.values.push(measure.value);
  }
  return byName;
}

/** One value a side has no spread, and says nothing. */
export function isBeyondNoise(here: readonly number[], there: readonly number[]): boolean {
  if (here.length < 2 || there.length < 2) return false;
  return Math.abs(median(here) - median(there)) > Math.max(spread(here), spread(there));
}

function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

export function printComparison({ against, measures }: Comparison): void {
  for (const { id, name, unit, here, there, ratio, beyondNoise } of measures) {
    console.log(`${id}  ${name}, ${unit === '' ? 'plain number' : unit}`);
    console.log(`      here ${side(here)}`);
    console.log(`      ${against} ${side(there)}`);
    console.log(`      ratio ${shown(ratio)}${beyondNoise ? '' : ', within the noise'}`);
  }
}

function side(values: readonly number[]): string {
  return `${shown(median(values))}  (${values.map(shown).join(', ')})`;
}
