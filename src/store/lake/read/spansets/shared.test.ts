import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FileEntry } from '../../files/file-entry.ts';
import { traceIndexPath } from '../../files/names.ts';
import { buildTraceIndex } from '../../files/trace-index.ts';
import type { Session } from '../session.ts';
import { isShared } from './runs.ts';
import { SharedTraces } from './shared.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-shared-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

let nextFile = 0;

async function fileOf(traces: readonly number[]): Promise<FileEntry> {
  const path = `${nextFile++}.parquet`;
  await Bun.write(join(dataDir, traceIndexPath(path)), buildTraceIndex(idsOf(traces)));
  return { path } as FileEntry;
}

function idsOf(traces: readonly number[]): Uint8Array {
  const ids = new Uint8Array(traces.length * 16);
  const view = new DataView(ids.buffer);
  traces.forEach((trace, i) => view.setUint32(i * 16 + 12, Math.imul(trace, 0x9e3779b1)));
  return ids;
}

function sessionOf(files: readonly FileEntry[]): Session {
  return { projectId: 'p', files, breathe: async () => {} } as unknown as Session;
}

const trace = fc.nat({ max: 400 });
const lists = fc.array(fc.array(trace, { minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 4 });

test('a trace of a file is shared if another file has it, or this one twice', async () => {
  await fc.assert(
    fc.asyncProperty(lists, async (traces) => {
      const shared = new SharedTraces(dataDir);
      const files = await Promise.all(traces.map(fileOf));
      const none = new Uint32Array(0);
      for (const [i, file] of files.entries()) {
        const keys = await shared.of(sessionOf(files), file, none);
        const elsewhere = new Set(traces.flatMap((list, other) => (other === i ? [] : list)));
        const runs = traces[i].filter((each, at) => at === 0 || traces[i][at - 1] !== each);
        for (const each of traces[i]) {
          const isTwice = runs.filter((run) => run === each).length > 1;
          expect(isShared(keys, idsOf([each]))).toBe(elsewhere.has(each) || isTwice);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('of a file whose index is gone any trace may be', async () => {
  const shared = new SharedTraces(dataDir);
  const files = [await fileOf([1, 2]), { path: 'gone.parquet' } as FileEntry];
  expect(await shared.of(sessionOf(files), files[0], new Uint32Array(0))).toBe('any');
});
