/** `spanlake verify`: everything in a data folder against everything else, and with --repair into order. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { switchFlag } from '../command-line.ts';
import { dataFlag } from '../config.ts';
import { CATALOG_FILE } from '../store/catalog.ts';
import { realFileSystem } from '../store/lake/files/file-system.ts';
import { LAKE_FOLDER, LOG_FOLDER } from '../store/lake/files/names.ts';
import { DataFolderInUseError, LockDamagedError, lockFolder } from '../store/lake/lock.ts';
import { repairLake } from '../store/lake/check/repair.ts';
import type { RepairReport } from '../store/lake/check/repair.ts';
import { verifyLake } from '../store/lake/check/verify.ts';
import type { VerifyReport } from '../store/lake/check/verify.ts';
import { CommandError } from './command.ts';
import type { Command, ExitCode, Output } from './command.ts';
import { Progress, quietFlag } from './progress.ts';

const flags = {
  data: dataFlag,
  repair: {
    ...switchFlag('mend what can be mended; the server must be stopped'),
    argumentOnly: true,
  },
  json: { ...switchFlag('answer as JSON'), argumentOnly: true },
  quiet: quietFlag,
};

export const verifyCommand: Command<typeof flags> = {
  flags,
  notes: `Takes no lock and writes nothing: it runs beside the server, and on a backup. Exit 1 on damage.

--repair makes indexes and statistics anew from sound files, sets damaged files in quarantine and takes whole
ones back, removes leftovers, and makes a new catalog.sqlite from the files when it is lost, damaged or older
than they are. No Parquet file is deleted: what counts no more goes to lost+found. Tokens and retention rules
stand in the catalog alone: if nothing of it can be read, they are lost.

Examples:
  spanlake verify
  spanlake verify --data /backup/spanlake --json
  spanlake verify --repair`,
  async run({ data, repair, json, quiet }, _positionals, output) {
    if (![CATALOG_FILE, LAKE_FOLDER, LOG_FOLDER].some((name) => existsSync(join(data, name)))) {
      throw new CommandError(`${data} is no data folder; choose one with --data`);
    }
    const repaired = repair ? await repairLocked(data, quiet, output) : undefined;
    const progress = new Progress('verifying', { quiet, unit: 'MB' }, output);
    const report = await verifyLake({
      dataDir: data,
      files: realFileSystem,
      progress: (done, total) => progress.show(done / 1e6, total / 1e6),
    });
    progress.clear();
    if (json) output.out(JSON.stringify({ ...report, sound: isSound(report), repair: repaired }, null, 2));
    else tell(report, repaired, output);
    return exitCode(report, repaired);
  },
};

async function repairLocked(dataDir: string, quiet: boolean, output: Output): Promise<RepairReport> {
  const lock = lockOf(dataDir);
  try {
    const progress = new Progress('repairing', { quiet, unit: 'files' }, output);
    const report = await repairLake({
      dataDir,
      files: realFileSystem,
      now: () => new Date(),
      progress: (done, total) => progress.show(done, total),
    });
    progress.clear();
    return report;
  } finally {
    lock.release();
  }
}

function lockOf(dataDir: string): ReturnType<typeof lockFolder> {
  try {
    return lockFolder(dataDir);
  } catch (error) {
    if (error instanceof DataFolderInUseError) {
      throw new CommandError(`${error.message}: stop it first, then repair`);
    }
    if (error instanceof LockDamagedError) throw new CommandError(error.message);
    throw error;
  }
}

function isSound({ findings }: VerifyReport): boolean {
  return findings.every(({ damage }) => !damage);
}

function exitCode(report: VerifyReport, repaired: RepairReport | undefined): ExitCode {
  return isSound(report) && (repaired === undefined || repaired.lost.length === 0) ? 0 : 1;
}

function tell(report: VerifyReport, repaired: RepairReport | undefined, output: Output): void {
  if (repaired !== undefined) {
    for (const line of repaired.done) output.out(`repaired  ${line}`);
    for (const line of repaired.lost) output.out(`LOST      ${line}`);
    if (repaired.done.length + repaired.lost.length === 0) output.out('repaired  nothing: all was in order');
  }
  for (const { path, problem, damage } of report.findings) {
    output.out(`${damage ? 'DAMAGED ' : 'note    '}  ${path}: ${problem}`);
  }
  const { files, rows, bytes, logs, frames, findings } = report;
  const damaged = findings.filter(({ damage }) => damage).length;
  const read =
    `${files} files with ${rows.toLocaleString('en')} spans in ${(bytes / 1e6).toFixed(1)} MB, ` +
    `${logs} logs with ${frames} requests`;
  output.out(damaged === 0 ? `sound: ${read}` : `${damaged} damaged: ${read}`);
}
