/**
 * A lake through random histories against a plain list: repeats, doubles, late and future spans, flushes,
 * compactions, crashes, deletions, pins.
 */
import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODEL_NOW_MS, commandArbitraries } from './testing/model-commands.ts';
import { World } from './testing/model-world.ts';
import { scaled } from './testing/scale.ts';
import { Rewriter } from './merge/rewriter.ts';
import { Writer } from './write/writer.ts';

/** One takes about half a second. */
const HISTORIES = scaled('histories', 10);

const writer = new Writer();
const rewriter = new Rewriter();
const root = mkdtempSync(join(tmpdir(), 'model-'));
afterAll(() => {
  writer.close();
  rewriter.close();
  rmSync(root, { recursive: true });
});

let histories = 0;

test('a lake answers as a plain list does, whatever happened to it', async () => {
  const property = fc.asyncProperty(
    fc.commands([...commandArbitraries], { maxCommands: 40, size: 'max' }),
    async (commands) => {
      const dataDir = join(root, String(histories++));
      const world = await World.open({ dataDir, writer, rewriter }, MODEL_NOW_MS);
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await world.check();
        await world.checkCounts();
        await world.check();
      } finally {
        await world.lake.close();
        rmSync(dataDir, { recursive: true });
      }
    },
  );
  // Shortening a failure takes many minutes: with `endOnFailure: false` and the seed that is printed it does.
  await fc.assert(property, { numRuns: HISTORIES, endOnFailure: true });
  expect(histories).toBeGreaterThanOrEqual(HISTORIES);
}, 600_000);
