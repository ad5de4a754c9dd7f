/** `npm run crash`: kill -9 under load, again and again; and the long forms of other proofs. See docs/reliability.md. */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compiledBinary, temporaryFolder } from '../support/server.ts';
import { runCampaign } from './campaign.ts';
import type { CampaignSummary } from './campaign.ts';
import { PROOF_NAMES, runProof } from './proofs.ts';
import type { ProofName } from './proofs.ts';

const USAGE = `npm run crash -- [--runs N] [--seed N] [--data DIR] [--binary FILE]

Starts the server, checks that every acknowledged span is there once, loads it, kills it with -9 at a random
moment; N times (default 1000, about a second each). Exits 1 and keeps the data folder when a span is lost,
doubled, altered or was never sent. The seed decides the load and the moments as far as a clock lets it.

npm run crash -- [--flips N] [--histories N] [--reads N] [--power-step N] [--fault-step N]

Instead, the tests of the same proofs, told to count further than in the checks of every change:
--flips 10000        flipped bits in log, Parquet, indexes and catalog
--histories 1000     random histories against a plain list
--reads 1000000      reads while spans are written, flushed and merged
--power-step 1       the power goes at each Nth call to the file system
--fault-step 1       each Nth call to the file system fails
`;

function usageError(message: string): never {
  process.stderr.write(`${message}\n${USAGE}`);
  process.exit(2);
}

function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return usageError(`--${name} ${text} is no whole number above 0`);
}

const TEXT = { type: 'string' } as const;

function readArguments() {
  try {
    return parseArgs({
      options: {
        runs: { ...TEXT, default: '1000' },
        seed: { ...TEXT, default: String(1 + Math.floor(Math.random() * 1_000_000_000)) },
        data: TEXT,
        binary: TEXT,
        help: { type: 'boolean', default: false },
        flips: TEXT,
        histories: TEXT,
        reads: TEXT,
        'power-step': TEXT,
        'fault-step': TEXT,
      },
    }).values;
  } catch (error) {
    return usageError(error instanceof Error ? error.message : String(error));
  }
}

function summaryText(summary: CampaignSummary, seconds: number): string {
  const { counts, folder } = summary;
  const scenes = [...summary.scenes].map(([scene, times]) => `${scene} ${times}`).join(', ');
  return [
    `${summary.runs} runs in ${seconds.toFixed(0)} s: 0 acknowledged spans lost, 0 doubled, 0 altered, 0 never sent`,
    `  spans      ${summary.sentSpans} sent, ${summary.acknowledgedSpans} acknowledged`,
    `  requests   ${counts.requests}: ${counts.acknowledged} acknowledged, ${counts.refused} refused with 503, ` +
      `${counts.cut} cut off by a kill, ${counts.repeated} sent again though acknowledged`,
    `  beside it  ${summary.merges} merges on request and ${summary.deletions} deletions of traces (${summary.deletedSpans} spans) answered`,
    `  kills      ${summary.runs}, of them ${summary.killsWhileDraining} while draining; ${summary.killsAtStart} more while starting`,
    `  left by a kill: ${scenes}`,
    `  at the end ${folder.rows} rows in ${folder.files} Parquet files of ${folder.bytes} bytes, each span once`,
    '',
  ].join('\n');
}

async function kill(values: ReturnType<typeof readArguments>): Promise<boolean> {
  const seed = wholeNumber(values.seed, 'seed');
  const dataDir = values.data ?? temporaryFolder();
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  process.stdout.write(`crash: seed ${seed}, data folder ${dataDir}\n`);
  try {
    const summary = await runCampaign({
      binary: values.binary ?? compiledBinary(),
      dataDir,
      runs: wholeNumber(values.runs, 'runs'),
      seed,
      progress: (line) => process.stdout.write(`${seconds().toFixed(0)} s: ${line}\n`),
    });
    process.stdout.write(summaryText(summary, seconds()));
    rmSync(dataDir, { recursive: true });
    return true;
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`crash: ${reason}\ncrash: the data folder is kept: ${dataDir}\n`);
    return false;
  }
}

const values = readArguments();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const proofs = PROOF_NAMES.flatMap((name): [ProofName, number][] => {
  const text = values[name];
  return text === undefined ? [] : [[name, wholeNumber(text, name)]];
});
let allPassed = true;
for (const [name, count] of proofs) allPassed = (await runProof(name, count)) && allPassed;
if (proofs.length === 0) allPassed = await kill(values);
process.exit(allPassed ? 0 : 1);
