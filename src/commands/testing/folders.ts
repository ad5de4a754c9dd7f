/** For tests of commands: data folders of their own, and the command line as a user would type it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLake } from '../../store/lake/lake.ts';
import type { Lake } from '../../store/lake/lake.ts';
import { ReadOnlyLake } from '../../store/lake/read-only.ts';
import { testRequest, testSpan } from '../../store/lake/testing/requests.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { runCommandLine } from '../run.ts';

export class TestFolders {
  readonly #folders: string[] = [];
  readonly #lakes = new Set<Lake>();

  make(): string {
    const folder = mkdtempSync(join(tmpdir(), 'spanlake-command-'));
    this.#folders.push(folder);
    return folder;
  }

  async open(dataDir: string): Promise<Lake> {
    const lake = await openLake({ dataDir, background: false });
    this.#lakes.add(lake);
    return lake;
  }

  async close(lake: Lake): Promise<void> {
    this.#lakes.delete(lake);
    await lake.close();
  }

  /** A folder with a file for each range of test spans, closed. */
  async filled(...ranges: readonly (readonly [number, number])[]): Promise<string> {
    const dataDir = this.make();
    const lake = await this.open(dataDir);
    for (const [from, to] of ranges) {
      await lake.append('default', testRequest(spansOf(from, to)));
      await lake.flush();
    }
    await this.close(lake);
    return dataDir;
  }

  async end(): Promise<void> {
    for (const lake of this.#lakes) await lake.abandon();
    this.#lakes.clear();
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

export function spansOf(from: number, to: number) {
  return Array.from({ length: to - from }, (_, i) => testSpan(from + i));
}

export function idsOf(from: number, to: number): string[] {
  return spansOf(from, to).map((span) => span.spanId);
}

/** Span ids of a folder that nobody need hold, oldest first; throws for an incomplete answer. */
export async function idsIn(dataDir: string, projectId = 'default'): Promise<string[]> {
  const lake = await ReadOnlyLake.open({ dataDir });
  try {
    const page = await lake.searchSpans(projectId, {
      query: parseQuery('{}'),
      range: { startUnixNano: 0n, endUnixNano: 2n ** 64n - 1n },
      order: 'oldest',
      limit: 10_000,
    });
    if (page.complete !== true) throw new Error(`incomplete: ${page.complete.reason}`);
    return page.spans.map((span) => span.spanId);
  } finally {
    await lake.close();
  }
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function run(...words: string[]): Promise<Ran> {
  const lines = { out: '', err: '' };
  const output = {
    out: (line: string) => void (lines.out += `${line}\n`),
    err: (line: string) => void (lines.err += `${line}\n`),
  };
  return { code: await runCommandLine(words, {}, output), ...lines };
}
