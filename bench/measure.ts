/** One figure of a benchmark, and how figures are shown and written. */
import { cpus } from 'node:os';

/** An id of the goals in bench/README.md; `met` is left out where a figure has no goal. */
export interface Measure {
  readonly id: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: number;
  readonly met?: boolean;
}

export function atLeast(id: string, name: string, value: number, unit: string, goal: number): Measure {
  return { id, name, value, unit, goal, met: value >= goal };
}

export function atMost(id: string, name: string, value: number, unit: string, goal: number): Measure {
  return { id, name, value, unit, goal, met: value <= goal };
}

export function figure(id: string, name: string, value: number, unit: string): Measure {
  return { id, name, value, unit };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function printMeasures(measures: readonly Measure[]): void {
  const rows = measures.map((measure) => {
    const goal = measure.goal === undefined ? '' : shown(measure.goal);
    const met = measure.met === undefined ? '' : measure.met ? 'yes' : 'no';
    return [measure.id, measure.name, `${shown(measure.value)} ${measure.unit}`, goal, met];
  });
  const head = ['', 'measure', 'value', 'goal', 'met'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  for (const row of [head, ...rows])
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
}

export function shown(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

export async function writeMeasures(
  file: string,
  spans: number,
  measures: readonly Measure[],
): Promise<void> {
  const commit = Bun.spawnSync(['git', 'rev-parse', '--short', 'HEAD']).stdout.toString().trim();
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`;
  await Bun.write(file, `${JSON.stringify({ commit, machine, spans, measures }, null, 2)}\n`);
}
