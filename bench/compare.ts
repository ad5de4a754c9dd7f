/**
 * This tree against a git ref: each is copied into a folder of its own below the system's temporary one and
 * built there, then measured by turns, in fresh processes, by the benches of this tree.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Comparison } from './comparison.ts';
import { compared } from './comparison.ts';
import type { Measure } from './measure.ts';
import type { Bench } from './suite.ts';

const ROOT = resolve(import.meta.dir, '..');

export interface CompareOptions {
  readonly ref: string;
  readonly benches: readonly Bench[];
  readonly rounds: number;
  readonly spans: number;
}

export async function compareWith({ ref, benches, rounds, spans }: CompareOptions): Promise<Comparison> {
  const commit = git(['rev-parse', '--short', 'HEAD']).trim();
  const against = git(['rev-parse', '--short', '--verify', `${ref}^{commit}`]).trim();
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-against-'));
  const children = new Set<Bun.Subprocess>();
  // Ctrl-C and an error end here as well: nothing runs on, nothing stays on the disk.
  process.on('exit', () => {
    for (const child of children) killGroup(child);
    rmSync(folder, { recursive: true, force: true });
  });
  const here = join(folder, 'here');
  const there = join(folder, 'there');
  copyTree(here);
  extractRef(against, there);
  for (const root of [here, there]) {
    shareModules(root);
    note(`building ${root === here ? 'this tree' : against}`);
    await run(children, ['node', '.scripts/build.mjs'], root, folder);
  }
  const results = { here: [] as Measure[][], there: [] as Measure[][] };
  for (let round = 0; round < rounds; round++) {
    // A B B A: what the machine does meanwhile, or warms up to, hits both sides alike.
    const order = round % 2 === 0 ? (['here', 'there'] as const) : (['there', 'here'] as const);
    for (const bench of benches) {
      for (const side of order) {
        note(`round ${round + 1} of ${rounds}: ${bench}, ${side === 'here' ? 'this tree' : against}`);
        const root = side === 'here' ? here : there;
        const json = join(folder, 'figures.json');
        const words = ['--only', bench, '--spans', String(spans), '--root', root, '--json', json];
        const binary = join(root, 'dist', 'spanlake');
        const bun = join(here, 'node_modules', '.bin', 'bun');
        await run(children, [bun, 'bench/main.ts', ...words, '--binary', binary], here, folder);
        const { measures } = JSON.parse(readFileSync(json, 'utf8')) as { measures: Measure[] };
        results[side].push(measures);
      }
    }
  }
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`;
  return { commit, against, machine, spans, rounds, measures: compared(results.here, results.there) };
}

function note(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

function git(words: readonly string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(['git', ...words], { cwd: ROOT });
  if (success) return stdout.toString();
  process.stderr.write(stderr.toString());
  return process.exit(2);
}

/** As it is now, with what is not committed yet and without what git ignores. */
function copyTree(to: string): void {
  const listed = git(['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  for (const name of listed.split('\0')) {
    const from = join(ROOT, name);
    if (name === '' || !existsSync(from)) continue;
    mkdirSync(dirname(join(to, name)), { recursive: true });
    copyFileSync(from, join(to, name));
  }
}

/** Not a worktree, which would leave its mark in the repository if this ended half way. */
function extractRef(ref: string, to: string): void {
  mkdirSync(to);
  const { success, stderr } = Bun.spawnSync(['sh', '-c', 'git archive "$0" | tar -x -C "$1"', ref, to], {
    cwd: ROOT,
  });
  if (!success) throw new Error(`${ref} can't be unpacked: ${stderr.toString()}`);
}

/**
 * The packages as hard links in folders of their own, where what is installed here is what `root` wants; else
 * building installs them. Never a link to our folder: `npm ci` in `root` would follow it and empty ours.
 */
function shareModules(root: string): void {
  const modules = join(ROOT, 'node_modules');
  if (!isInstalled(join(root, 'package-lock.json'), join(modules, '.package-lock.json'))) return;
  const copy = join(root, 'node_modules');
  // Across file systems there are no hard links: then they are installed as well.
  if (!Bun.spawnSync(['cp', '-al', modules, copy]).success) rmSync(copy, { recursive: true, force: true });
}

/** @param record what npm noted of the packages that it put into node_modules */
function isInstalled(lock: string, record: string): boolean {
  if (!existsSync(record)) return false;
  const [wanted, present] = [packagesOf(lock), packagesOf(record)];
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return present[path] === undefined ? optional === true : present[path].version === version;
  });
}

interface LockedPackage {
  readonly version?: string;
  readonly optional?: boolean;
}

function packagesOf(file: string): Record<string, LockedPackage> {
  return (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockedPackage> }).packages;
}

/** In a group of its own, so that its servers end with it. */
async function run(
  children: Set<Bun.Subprocess>,
  words: readonly string[],
  cwd: string,
  folder: string,
): Promise<void> {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const child = Bun.spawn([...words], {
    cwd,
    detached: true,
    stdout: 'ignore',
    stderr: 'inherit',
    env: { ...Bun.env, TMPDIR: temporary },
  });
  children.add(child);
  await child.exited;
  children.delete(child);
  if (child.exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${child.exitCode}`);
}

function killGroup({ pid }: Bun.Subprocess): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
