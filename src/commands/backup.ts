/** `spanlake backup`: a copy of a data folder, also while a server works on it. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { switchFlag } from '../command-line.ts';
import { VERSION, dataFlag } from '../config.ts';
import { CATALOG_FILE, CatalogError } from '../store/catalog.ts';
import { realFileSystem } from '../store/lake/files/file-system.ts';
import { contentHash } from '../store/lake/files/hash.ts';
import { DataFolderInUseError, lockFolder } from '../store/lake/lock.ts';
import { backUp } from '../store/lake/check/backup.ts';
import type { BackupReport } from '../store/lake/check/backup.ts';
import { folderProblem } from './catalog.ts';
import { CommandError } from './command.ts';
import type { Command, Output } from './command.ts';
import { Progress, quietFlag } from './progress.ts';

/** Says that a folder is a backup, and may be brought up to date: no other is written to. */
const MARKER = 'spanlake-backup.json';

const flags = {
  data: dataFlag,
  copy: {
    ...switchFlag('copy every file, where links would do on the same disk'),
    argumentOnly: true,
  },
  quiet: quietFlag,
};

export const backupCommand: Command<typeof flags> = {
  flags,
  notes: `All that was acknowledged before it began is in it. Into an earlier backup only what is new is copied, and
what is listed no more goes. To restore, start on it or on a copy of it: spanlake --data DIR.

On the same disk the files are hard links, which take no room: they protect against deletion, not against a
broken disk. With --copy, or onto another disk, they are copies, compared with their hashes. A backup that a
server was started on goes its own way: make the next one into another folder.

Examples:
  spanlake backup /mnt/backup/spanlake
  spanlake backup --copy --data /var/lib/spanlake /backup/today`,
  async run({ data, copy, quiet }, [dir], output) {
    const to = resolve(dir);
    checkFolders(data, to);
    const lock = prepare(to, data);
    const progress = new Progress('backing up', { quiet, unit: 'MB' }, output);
    try {
      const report = await backUp({
        from: data,
        to,
        copy,
        files: realFileSystem,
        progress: (done, total) => progress.show(done / 1e6, total / 1e6),
      });
      mark(to, data, true);
      progress.clear();
      tell(report, to, output);
      return report.lacking.length === 0 ? 0 : 1;
    } catch (error) {
      progress.clear();
      if (error instanceof CatalogError) throw new CommandError(error.message);
      throw folderProblem(error, to);
    } finally {
      lock.release();
    }
  },
};

function checkFolders(data: string, to: string): void {
  if (!existsSync(join(data, CATALOG_FILE))) {
    throw new CommandError(`${data} is no data folder (it has no ${CATALOG_FILE}); choose one with --data`);
  }
  const [realTo, realData] = [realPath(to), realPath(data)];
  if (`${realTo}${sep}`.startsWith(realData + sep) || realData.startsWith(realTo + sep)) {
    throw new CommandError(`${to} and ${data} lie in each other: a backup needs a folder of its own`);
  }
  const isNew = !existsSync(to) || readdirSync(to).length === 0;
  if (!isNew && !existsSync(join(to, MARKER))) {
    throw new CommandError(`${to} is neither empty nor a backup (it has no ${MARKER}): nothing was written`);
  }
  if (!isNew) refuseWorkedOn(to);
}

/** Of a folder that need not be there yet. By links, a project's folder can have a name elsewhere. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const above = dirname(path);
  return above === path ? path : join(realPath(above), basename(path));
}

/** Held against a server on the backup, and a second backup into the same folder. */
function prepare(to: string, data: string): ReturnType<typeof lockFolder> {
  try {
    mkdirSync(to, { recursive: true });
    const lock = lockFolder(to);
    mark(to, data, false);
    return lock;
  } catch (error) {
    if (error instanceof DataFolderInUseError) throw new CommandError(error.message);
    throw folderProblem(error, to);
  }
}

interface Marker {
  readonly spanlake: string;
  readonly from: string;
  readonly at: string;
  /** Of the catalog as the backup left it; '' while the backup is under way or was not finished. */
  readonly catalog: string;
}

/** A server that was started on it may have taken spans, which bringing it up to date would remove. */
function refuseWorkedOn(to: string): void {
  let marker: Partial<Marker>;
  try {
    marker = JSON.parse(readFileSync(join(to, MARKER), 'utf8')) as Partial<Marker>;
  } catch {
    return;
  }
  const { catalog = '' } = marker;
  if (catalog === '' || catalog === catalogHash(to)) return;
  throw new CommandError(
    `a server worked on ${to} since it was backed up to: make the backup into another folder`,
  );
}

function catalogHash(to: string): string {
  const wal = join(to, `${CATALOG_FILE}-wal`);
  const changed = existsSync(wal) && statSync(wal).size > 0;
  return changed ? 'changed' : contentHash(readFileSync(join(to, CATALOG_FILE)));
}

function mark(to: string, from: string, complete: boolean): void {
  const catalog = complete ? catalogHash(to) : '';
  const text: Marker = { spanlake: VERSION, from, at: new Date().toISOString(), catalog };
  writeFileSync(join(to, MARKER), `${JSON.stringify(text, null, 2)}\n`);
}

function tell(report: BackupReport, to: string, output: Output): void {
  const { files, rows, bytes, linked, copied, kept, removed, logs, lacking } = report;
  for (const path of lacking) output.err(`lacking: ${path}; see: spanlake verify`);
  output.out(
    `${to}: ${files} files with ${rows.toLocaleString('en')} spans in ${(bytes / 1e6).toFixed(1)} MB, ${logs} logs ` +
      `(${linked} linked, ${copied} copied, ${kept} were there, ${removed} removed)`,
  );
}
