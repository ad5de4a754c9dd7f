/**
 * The power goes at every step of a store's life, and the disk keeps of what was not synced what it likes.
 * SQLite syncs at each commit (synchronous=FULL), so the catalog is taken as it was committed last.
 */
import { afterAll, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../demo/random.ts';
import { CATALOG_FILE } from '../catalog.ts';
import { realFileSystem } from './files/file-system.ts';
import { openLake } from './lake.ts';
import { PowerLossFileSystem } from './testing/power-loss.ts';
import type { PowerPlan } from './testing/power-loss.ts';
import { scaled } from './testing/scale.ts';
import { Life, LifeRecord, recoveredIds, within } from './testing/whole-life.ts';
import { Rewriter } from './merge/rewriter.ts';
import { Writer } from './write/writer.ts';

/** One in so many calls; the long form has each. */
const STEP = scaled('powerstep', 17);

/** Ways in which a disk may be left, for each. */
const LEFTOVERS = 2;

const writer = new Writer();
const rewriter = new Rewriter();
const root = mkdtempSync(join(tmpdir(), 'power-'));
afterAll(() => {
  writer.close();
  rewriter.close();
  rmSync(root, { recursive: true });
});

let runs = 0;

interface Outcome {
  readonly calls: number;
  readonly wentOff: boolean;
}

/** A life until the power goes, then what may be left of it, `leftovers` times. */
async function run(plan: PowerPlan | undefined, leftovers: number): Promise<Outcome> {
  const home = join(root, String(runs++));
  const dataDir = join(home, 'data');
  const saved = join(home, 'catalog');
  for (const folder of [dataDir, saved]) mkdirSync(folder, { recursive: true });
  const files = new PowerLossFileSystem(realFileSystem, dataDir, plan, () => saveCatalog(dataDir, saved));
  const record = await live(dataDir, files);
  if (!files.isOff) saveCatalog(dataDir, saved);
  for (let seed = 0; seed < leftovers; seed++) {
    const left = join(home, `left-${seed}`);
    files.restore(left, new Random(runs, BigInt(seed)));
    cpSync(saved, left, { recursive: true });
    const where = `${plan?.when ?? 'never'} ${plan?.call ?? ''}, leftovers ${seed}`;
    try {
      record.check(await recoveredIds(left, { writer, rewriter }));
    } catch (error) {
      throw new Error(`the power went ${where}: ${String(error)}`, { cause: error });
    }
  }
  rmSync(home, { recursive: true });
  return { calls: files.calls, wentOff: files.isOff };
}

function saveCatalog(dataDir: string, target: string): void {
  for (const name of [CATALOG_FILE, `${CATALOG_FILE}-wal`]) {
    if (existsSync(join(dataDir, name))) cpSync(join(dataDir, name), join(target, name));
  }
}

async function live(dataDir: string, fileSystem: PowerLossFileSystem): Promise<LifeRecord> {
  let reported = () => {};
  const problem = new Promise<void>((resolve) => (reported = resolve));
  const options = { dataDir, fileSystem, writer, rewriter, report: () => fileSystem.isOff && reported() };
  const lake = await openLake(options).catch(() => undefined);
  if (lake === undefined) return new LifeRecord();
  const life = new Life(lake, problem, () => fileSystem.isOff);
  await life.write();
  await life.maintain();
  await within('abandon', lake.abandon());
  return life.record;
}

test('without a loss everything is there', async () => {
  const { calls, wentOff } = await run(undefined, 4);
  expect(wentOff).toBe(false);
  expect(calls).toBeGreaterThan(60);
});

test.each([
  ['before', 0],
  ['after', 2],
] as const)(
  'the power goes %s a call',
  async (when, first) => {
    let call = first;
    let tried = 0;
    for (; (await run({ call, when }, LEFTOVERS)).wentOff; call += STEP) tried++;
    console.log(`the power went ${when} ${tried} of ${call} calls, ${LEFTOVERS} ways each`);
    expect(call).toBeGreaterThan(60);
  },
  3_600_000,
);
