/** `npm run soak`: the compiled binary at a pace for many minutes, asked meanwhile; then: is everything there, once? */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Server, tidyOnSignals } from '../server.ts';
import { diskNeeded, soak } from './soak.ts';
import type { Verdict } from './verdicts.ts';

const USAGE = `npm run soak -- [--minutes 15] [--rate 50000] [--kill] [--data DIR] [--binary FILE] [--json FILE] [-- FLAGS]

Sends at --rate spans a second, asks questions meanwhile, and tells each minute how it goes. Then counts all
spans, through the API and with DuckDB over the files. Exits 1 when a verdict fails, and keeps the folder.

--kill   kill -9 and a start again half way
FLAGS    of spanlake serve
`;

const TEXT = { type: 'string' } as const;

function usageError(message: string): never {
  process.stderr.write(`${message}\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        minutes: { ...TEXT, default: '15' },
        rate: { ...TEXT, default: '50000' },
        kill: { type: 'boolean', default: false },
        data: TEXT,
        binary: TEXT,
        json: TEXT,
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usageError(error instanceof Error ? error.message : String(error));
  }
}

function positive(text: string, name: string): number {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : usageError(`--${name} is a number above 0`);
}

function print(verdicts: readonly Verdict[]): void {
  const width = Math.max(...verdicts.map(({ name }) => name.length));
  for (const { name, passed, told } of verdicts)
    console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${told}`);
}

tidyOnSignals();
const { values, positionals: flags } = readArguments();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const seconds = positive(values.minutes, 'minutes') * 60;
const spansPerSecond = positive(values.rate, 'rate');
if (values.binary !== undefined) Server.binary = resolve(values.binary);
const dataDir =
  values.data === undefined ? mkdtempSync(join(tmpdir(), 'spanlake-soak-')) : resolve(values.data);
const needed = diskNeeded(spansPerSecond * seconds);
const { bavail, bsize } = statfsSync(values.data === undefined ? tmpdir() : join(dataDir, '..'));
const GB = 1e9;
console.log(
  `soak: ${Math.round(spansPerSecond * seconds)} spans in ${(seconds / 60).toFixed(1)} minutes; ` +
    `needs some ${(needed / GB).toFixed(1)} GB in ${dataDir}, ${((bavail * bsize) / GB).toFixed(1)} GB are free`,
);
if (bavail * bsize < needed) usageError('the disk is too small for that: choose another with --data DIR');
const { verdicts, minutes } = await soak({
  dataDir,
  flags,
  seconds,
  spansPerSecond,
  kill: values.kill,
  print: (line) => console.log(line),
});
print(verdicts);
if (values.json !== undefined)
  await Bun.write(values.json, `${JSON.stringify({ minutes, verdicts }, null, 2)}\n`);
const passed = verdicts.every((verdict) => verdict.passed);
if (passed) rmSync(dataDir, { recursive: true });
else console.log(`the data folder is kept: ${dataDir}`);
process.exit(passed ? 0 : 1);
