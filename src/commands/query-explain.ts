/** How an answer was come by, in lines for a terminal. */
import type { Explain, PruneCount } from '../store/span-store.ts';
import { safeText } from './terminal.ts';

export function explainLines(explain: Explain): string[] {
  const { files, rowGroups, bufferRows, rowsMatched, traces, cache } = explain;
  const lines: [string, string][] = [
    ['query', explain.query],
    ...explain.predicates.map(({ text, by }): [string, string] => ['predicate', `${text}  (${by})`]),
    ...only('residual', explain.residual),
    ['files', counted(files)],
    ['row groups', counted(rowGroups)],
    ...only('columns', explain.columns.join(', ')),
    ['rows', `${shown(bufferRows)} in memory; ${shown(rowsMatched)} matched`],
    ['traces', `${shown(traces.candidates)} candidates, ${shown(traces.read)} read`],
    ['cache', `${shown(cache.hits)} hits, ${shown(cache.misses)} misses`],
    ...only('stopped', explain.earlyStop),
    ...explain.stages.map(({ name, ms, detail }): [string, string] => [
      `- ${name}`,
      `${ms.toFixed(1)} ms${detail === '' ? '' : `  ${detail}`}`,
    ]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${safeText(name).padEnd(width)}  ${safeText(text)}`);
}

function only(name: string, text: string): [string, string][] {
  return text === '' ? [] : [[name, text]];
}

function counted({ considered, read, pruned }: PruneCount): string {
  const reasons = Object.entries(pruned).map(([reason, count]) => `${shown(count)} by ${reason}`);
  const left = reasons.length === 0 ? '' : `; left out: ${reasons.join(', ')}`;
  return `${shown(read)} read of ${shown(considered)}${left}`;
}

function shown(count: number): string {
  return count.toLocaleString('en-US');
}
