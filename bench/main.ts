/** `npm run bench`: all benches, one after the other, or some of them, of this tree or against a git ref. */
import { parseArgs } from 'node:util';
import { compareWith } from './compare.ts';
import { printComparison } from './comparison.ts';
import { printMeasures, writeMeasures } from './measure.ts';
import { tidyOnSignals } from './server.ts';
import { BENCHES, isBench, runBench } from './suite.ts';
import type { Bench } from './suite.ts';

const USAGE = `npm run bench -- [--only NAME,...] [--spans N] [--keep DIR] [--binary FILE] [--json FILE]
npm run bench -- --against REF [--rounds N] [--only NAME,...] [--spans N] [--json FILE]

--only      some of ${BENCHES.join(', ')}
--spans     of the traffic (default 1000000, with --against 200000)
--against   builds this tree and a git ref, each in a temporary folder, and measures both by turns
--rounds    of both, with --against (default 3)
--keep      folders of the query bench are made there once and used again
--binary    measures this one instead of dist/spanlake
--json      also writes the figures there
`;

const TEXT = { type: 'string' } as const;

function usageError(message: string): never {
  process.stderr.write(`${message}\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        only: { ...TEXT, default: BENCHES.join(',') },
        spans: TEXT,
        against: TEXT,
        rounds: { ...TEXT, default: '3' },
        keep: TEXT,
        binary: TEXT,
        root: TEXT,
        json: TEXT,
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return usageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(text: string, name: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  return usageError(`--${name} is a number of ${least} or more`);
}

function benchesOf(text: string): Bench[] {
  return text
    .split(',')
    .map((name) => (isBench(name) ? name : usageError(`--only "${name}" is none of ${BENCHES.join(', ')}`)));
}

tidyOnSignals();
const values = readArguments();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const only = benchesOf(values.only);
const { against, json } = values;
const spans = wholeNumber(values.spans ?? (against === undefined ? '1000000' : '200000'), 'spans', 20_000);
if (against === undefined) {
  const measures = [];
  for (const bench of only) measures.push(...(await runBench(bench, { ...values, spans })));
  printMeasures(measures);
  if (json !== undefined) await writeMeasures(json, spans, measures);
} else {
  const rounds = wholeNumber(values.rounds, 'rounds', 1);
  const comparison = await compareWith({ ref: against, benches: only, rounds, spans });
  printComparison(comparison);
  if (json !== undefined) await Bun.write(json, `${JSON.stringify(comparison, null, 2)}\n`);
}
// Whatever a bench left open must not keep the program.
process.exit(0);
