/** What a soak has shown, as lines that passed or failed. */
import { median } from '../measure.ts';

export interface Verdict {
  readonly name: string;
  readonly passed: boolean;
  /** The figures, in words. */
  readonly told: string;
}

const MOST_MEMORY_MIB = 768;
const MOST_GROWTH = 1.1;
/** Buffers, caches and workers fill for the first minute or two: thirds of less say nothing. */
const FEWEST_SECONDS = 180;

export interface MemoryTold {
  /** One a second. */
  readonly residentMiB: readonly number[];
  readonly peakMiB: number;
}

/** The median of the last third is at most 10 % over that of the second. */
export function memoryVerdicts({ residentMiB, peakMiB }: MemoryTold): Verdict[] {
  const peak = {
    name: 'memory bounded',
    passed: peakMiB <= MOST_MEMORY_MIB,
    told: `at most ${peakMiB.toFixed(0)} MiB of ${MOST_MEMORY_MIB}`,
  };
  if (residentMiB.length < FEWEST_SECONDS) {
    return [peak, { name: 'memory flat', passed: true, told: `not judged below ${FEWEST_SECONDS} s` }];
  }
  const third = Math.floor(residentMiB.length / 3);
  const second = median(residentMiB.slice(third, 2 * third));
  const last = median(residentMiB.slice(2 * third));
  const told = `median ${second.toFixed(0)} MiB in the second third, ${last.toFixed(0)} in the last`;
  return [peak, { name: 'memory flat', passed: last <= second * MOST_GROWTH, told }];
}

/** Passed when nothing was counted. */
export function noneOf(name: string, counts: ReadonlyMap<string | number, number>): Verdict {
  const some = [...counts].map(([what, times]) => `${times} x ${what}`).join(', ');
  return { name, passed: counts.size === 0, told: counts.size === 0 ? 'none' : some };
}

export function countVerdict(name: string, found: number, wanted: number): Verdict {
  const told =
    found === wanted
      ? `all ${wanted}`
      : `${found} of ${wanted} (${found - wanted > 0 ? '+' : ''}${found - wanted})`;
  return { name, passed: found === wanted, told };
}
