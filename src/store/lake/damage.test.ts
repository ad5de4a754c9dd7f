/**
 * Flipped bits, cut, empty and missing files of every kind: told at the start, found by `verify`, or without
 * any effect on an answer; and after a repair no answer shows a span that is not one.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../demo/random.ts';
import { SPANS } from '../../span/schema.ts';
import { openCatalog } from '../catalog.ts';
import { flushedThrough, loadFiles } from './files/catalog-files.ts';
import type { FileEntry } from './files/file-entry.ts';
import { realFileSystem } from './files/file-system.ts';
import { KINDS, buildTemplate, bytesOf, copyFolder, filesByKind, look, verified } from './testing/damage.ts';
import type { Kind, Seen } from './testing/damage.ts';
import { testSpan } from './testing/requests.ts';
import { scaled } from './testing/scale.ts';
import { indexDamageOf } from './upkeep/index-repair.ts';
import { damageOf } from './upkeep/quarantine.ts';
import { repairLake } from './check/repair.ts';
import { Rewriter } from './merge/rewriter.ts';
import { LOG_MAGIC, readLog } from './write/log-frame.ts';
import { Writer } from './write/writer.ts';

/** By the checks themselves, and the whole way through start, verify, repair and every answer. */
const FLIPS = scaled('flips', 1_500);
const WHOLE_WAYS = scaled('wholeways', 5);

const workers = { writer: new Writer(), rewriter: new Rewriter() };
const root = mkdtempSync(join(tmpdir(), 'damage-'));
const template = join(root, 'template');
let files: ReadonlyMap<Kind, readonly string[]>;
let entries: readonly FileEntry[];
let whole: Seen;
let copies = 0;

/** Ten spans a trace: one of a rewritten file, one as flushed, one of the log. */
const TRACES = [3, 130, 201].map((n) => testSpan(n).traceId);

beforeAll(async () => {
  await buildTemplate(template, workers);
  files = filesByKind(template);
  entries = read(template).listed.map(({ entry }) => entry);
  whole = await look(copy(), workers, TRACES);
});

afterAll(() => {
  workers.writer.close();
  workers.rewriter.close();
  rmSync(root, { recursive: true });
});

function copy(): string {
  const folder = join(root, String(copies++));
  copyFolder(template, folder);
  return folder;
}

function read(dataDir: string) {
  const catalog = openCatalog(dataDir);
  try {
    return { listed: loadFiles(catalog, SPANS.name), through: flushedThrough(catalog) };
  } finally {
    catalog.close();
  }
}

interface Flip {
  readonly kind: Kind;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly where: string;
}

function flip(random: Random, kind: Kind): Flip {
  const path = random.pick(files.get(kind) ?? []);
  const bytes = bytesOf(template, path);
  const at = random.between(0, bytes.length - 1);
  const bit = random.between(0, 7);
  bytes[at] ^= 1 << bit;
  return { kind, path, bytes, where: `bit ${bit} of byte ${at} of ${path}` };
}

/** As start, scrub and verify test it. `no effect`: of a catalog that says of its files what it said before. */
async function detection(
  { kind, path, bytes }: Flip,
  bench: string,
): Promise<'found' | 'no effect' | 'missed'> {
  if (kind === 'log') return logDetection(bytes);
  if (kind === 'catalog') {
    rmSync(bench, { recursive: true, force: true });
    mkdirSync(bench);
    writeFileSync(join(bench, path), bytes);
    return catalogDetection(bench);
  }
  const entry = entries.find(
    (one) => one.path.replace(/parquet$/, '') === path.replace(/(parquet|traces|tokens)$/, ''),
  );
  if (entry === undefined) throw new Error(`${path} is nobody's`);
  writeFileSync(join(bench, path), bytes);
  try {
    const damage =
      kind === 'parquet'
        ? await damageOf(realFileSystem, join(bench, path), entry)
        : await indexDamageOf({ files: realFileSystem, dataDir: bench }, entry, true);
    return damage === undefined ? 'missed' : 'found';
  } finally {
    writeFileSync(join(bench, path), bytesOf(template, path));
  }
}

/** What is recovered is what was written, and what is not is told. */
function logDetection(bytes: Uint8Array): 'found' | 'missed' {
  const [path] = files.get('log') ?? [];
  const before = readLog(bytesOf(template, path)).frames;
  const { frames, damaged, soundEnd } = readLog(bytes);
  const known = new Set(
    before.map((frame) => JSON.stringify({ ...frame, payload: [...frame.payload] }, plain)),
  );
  const isSound = frames.every((frame) =>
    known.has(JSON.stringify({ ...frame, payload: [...frame.payload] }, plain)),
  );
  const isTold =
    damaged.length > 0 || soundEnd < bytes.length || !LOG_MAGIC.every((byte, i) => bytes[i] === byte);
  return isSound && isTold ? 'found' : 'missed';
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function catalogDetection(folder: string): 'found' | 'no effect' | 'missed' {
  let now: ReturnType<typeof read>;
  try {
    now = read(folder);
  } catch {
    return 'found';
  }
  const shown = (listed: typeof now.listed) =>
    JSON.stringify(
      listed.filter(({ quarantined }) => quarantined === undefined).map(({ entry }) => entry),
      plain,
    );
  const sound = now.listed.filter(({ quarantined }) => quarantined === undefined);
  if (sound.length < entries.length) {
    // Rows that are left say what they said.
    const all = new Set(entries.map((entry) => JSON.stringify(entry, plain)));
    return sound.every(({ entry }) => all.has(JSON.stringify(entry, plain))) ? 'found' : 'missed';
  }
  const before = read(template);
  return shown(now.listed) === shown(before.listed) && now.through === before.through
    ? 'no effect'
    : 'missed';
}

test(`${FLIPS} flipped bits: each is found, or changes no record of a file`, async () => {
  const random = new Random(FLIPS, BigInt(FLIPS));
  const bench = copy();
  const catalogBench = join(root, 'catalog');
  const counts = new Map<string, number>();
  for (let i = 0; i < FLIPS; i++) {
    const one = flip(random, KINDS[i % KINDS.length]);
    const outcome = await detection(one, one.kind === 'catalog' ? catalogBench : bench);
    if (outcome === 'missed') throw new Error(`nobody noticed ${one.where}`);
    const name = `${one.kind} ${outcome}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  console.log([...counts].map(([name, count]) => `${name} ${count}`).join(', '));
  for (const kind of KINDS) expect(counts.get(`${kind} found`) ?? 0).toBeGreaterThan(0);
  for (const kind of KINDS) if (kind !== 'catalog') expect(counts.get(`${kind} no effect`)).toBeUndefined();
}, 1_200_000);

/** Start, verify, repair, start: what is shown at each step. */
async function checkWholeWay(folder: string, where: string): Promise<'refused' | 'found' | 'no effect'> {
  const findings = await verified(folder);
  const looked = join(root, `look-${copies++}`);
  copyFolder(folder, looked);
  const seen = await look(looked, workers, TRACES);
  rmSync(looked, { recursive: true });
  const isWhole = isSame(seen.searched, whole.searched) && isSame(seen.byId, whole.byId);
  if (seen.refusal !== '') expect(seen.refusal).toMatch(/put back|verify --repair|remove it/i);
  const isTold = findings.length > 0 || seen.told.length > 0;
  if (seen.refusal === '' && !isTold && !isWhole) {
    throw new Error(
      `${where}: ${seen.searched.length} of ${whole.searched.length} spans, and nothing is told`,
    );
  }
  await repairLake({ dataDir: folder, files: realFileSystem, now: () => new Date() });
  const mended = await look(folder, workers, TRACES);
  expect([where, mended.refusal]).toEqual([where, '']);
  const known = new Set([...whole.searched, ...whole.byId]);
  expect([where, ...mended.searched.filter((text) => !known.has(text))]).toEqual([where]);
  expect([where, ...mended.byId.filter((text) => !known.has(text))]).toEqual([where]);
  expect(new Set(mended.searched).size).toBe(mended.searched.length);
  if (seen.refusal !== '') return 'refused';
  return isTold ? 'found' : 'no effect';
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

test(`${WHOLE_WAYS} flipped bits the whole way: told, repaired, and no wrong span in an answer`, async () => {
  const random = new Random(WHOLE_WAYS, 77n);
  for (let i = 0; i < WHOLE_WAYS; i++) {
    const one = flip(random, KINDS[i % KINDS.length]);
    const folder = copy();
    writeFileSync(join(folder, one.path), one.bytes);
    await checkWholeWay(folder, one.where);
    rmSync(folder, { recursive: true });
  }
}, 1_200_000);

test.each(KINDS.flatMap((kind) => [[kind, 'empty'] as const, [kind, 'missing'] as const]))(
  'a %s that is %s: it starts and tells, or refuses naming the mend',
  async (kind, how) => {
    const [path] = files.get(kind) ?? [];
    const folder = copy();
    if (how === 'missing') rmSync(join(folder, path));
    else truncateSync(join(folder, path), 0);
    // A log that is gone altogether leaves no trace, as a bottle that was taken away leaves none in the rack.
    if (kind === 'log' && how === 'missing') {
      const seen = await look(folder, workers, TRACES);
      expect([seen.refusal, seen.searched.length]).toEqual(['', whole.searched.length - 6]);
      return;
    }
    expect(await checkWholeWay(folder, `${how} ${path}`)).not.toBe('no effect');
    rmSync(folder, { recursive: true });
  },
  60_000,
);

test('a log cut off at every byte of its last three frames', async () => {
  const [path] = files.get('log') ?? [];
  const bytes = bytesOf(template, path);
  const { frames } = readLog(bytes);
  expect(frames.length).toBe(3);
  for (let length = 0; length < bytes.length; length++) {
    const cut = readLog(bytes.subarray(0, length));
    // Whole frames before the cut, and nothing else.
    expect(cut.frames.map((frame) => frame.sequence)).toEqual(
      frames.slice(0, cut.frames.length).map((frame) => frame.sequence),
    );
    expect(cut.damaged).toEqual([]);
    expect(cut.soundEnd).toBeLessThanOrEqual(length);
    const next = frames[cut.frames.length];
    expect(length - cut.soundEnd).toBeLessThan(next.payload.length + 100);
  }
});
