/** For tests: a small data folder with a file of each kind, and what of it an owner gets to see. */
import { cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseQuery } from '../../../traceql/parse.ts';
import { openLake } from '../lake.ts';
import type { Lake } from '../lake.ts';
import { verifyLake } from '../check/verify.ts';
import { realFileSystem } from '../files/file-system.ts';
import { EVER } from './model-world.ts';
import { testRequest, testSpan, textAttribute } from './requests.ts';
import type { Workers } from './whole-life.ts';

export const KINDS = ['log', 'parquet', 'traces', 'tokens', 'catalog'] as const;
export type Kind = (typeof KINDS)[number];

/** Files that a rewrite made, files as flushed, and a log of three frames that no file holds. */
export async function buildTemplate(dataDir: string, workers: Workers): Promise<void> {
  const lake = await openLake({ dataDir, ...workers, background: false });
  const append = (from: number, to: number) =>
    lake.append(
      'default',
      testRequest(
        Array.from({ length: to - from }, (_, i) =>
          testSpan(from + i, { more: { attributes: [textAttribute('user.id', `user ${from + i}`)] } }),
        ),
      ),
    );
  for (let part = 0; part < 3; part++) {
    await append(part * 40, part * 40 + 40);
    await lake.flush();
  }
  await lake.compact();
  for (let part = 3; part < 5; part++) {
    await append(part * 40, part * 40 + 40);
    await lake.flush();
  }
  for (let n = 200; n < 206; n += 2) await append(n, n + 2);
  await lake.abandon();
}

/** Paths below the folder, by kind. */
export function filesByKind(dataDir: string): ReadonlyMap<Kind, readonly string[]> {
  const all = readdirSync(dataDir, { recursive: true, encoding: 'utf8' });
  const ending = (text: string) => all.filter((path) => path.endsWith(text)).toSorted();
  return new Map<Kind, readonly string[]>([
    ['log', ending('.log')],
    ['parquet', ending('.parquet')],
    ['traces', ending('.traces')],
    ['tokens', ending('.tokens')],
    ['catalog', ['catalog.sqlite']],
  ]);
}

export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}

export function bytesOf(dataDir: string, path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(dataDir, path)));
}

export interface Seen {
  /** Why it does not start; '' when it does. */
  readonly refusal: string;
  /** What the start told of. */
  readonly told: readonly string[];
  /** Every span as text, by search and, for those of `traceIds`, by id. */
  readonly searched: readonly string[];
  readonly byId: readonly string[];
  readonly isComplete: boolean;
}

/** What somebody sees who starts on the folder and asks for everything. */
export async function look(dataDir: string, workers: Workers, traceIds: readonly string[]): Promise<Seen> {
  const told: string[] = [];
  let lake: Lake;
  try {
    lake = await openLake({ dataDir, ...workers, background: false, report: (text) => told.push(text) });
  } catch (error) {
    return { refusal: String(error), told, searched: [], byId: [], isComplete: false };
  }
  try {
    const page = await lake.searchSpans('default', {
      query: parseQuery('{}'),
      range: EVER,
      order: 'oldest',
      limit: 1_000,
    });
    // Through the token filters and the statistics.
    const named = await lake.searchSpans('default', {
      query: parseQuery('{ resource.service.name = "shop" && span.user.id != nil && duration >= 0ms }'),
      range: EVER,
      order: 'oldest',
      limit: 1_000,
    });
    const byId: string[] = [];
    let isComplete = page.complete === true && named.complete === true;
    for (const traceId of traceIds) {
      const answer = await lake.trace('default', traceId);
      byId.push(...answer.spans.map(spanText));
      if (answer.complete !== true) isComplete = false;
    }
    const searched = page.spans.map(spanText);
    // An answer that prunes must not know less than one that does not.
    const pruned = named.spans.map(spanText);
    return { refusal: '', told, searched: shorter(searched, pruned), byId, isComplete };
  } finally {
    await lake.close();
  }
}

function shorter(a: readonly string[], b: readonly string[]): readonly string[] {
  return a.length <= b.length ? a : b;
}

function spanText(span: object): string {
  return JSON.stringify(span, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** What `verify` finds, told in one line each. */
export async function verified(dataDir: string): Promise<string[]> {
  const { findings } = await verifyLake({ dataDir, files: realFileSystem });
  return findings.filter(({ damage }) => damage).map(({ path, problem }) => `${path}: ${problem}`);
}
