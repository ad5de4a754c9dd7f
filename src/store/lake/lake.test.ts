import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spanStoreSuite } from '../span-store.suite.ts';
import { openLake } from './lake.ts';
import type { Lake } from './lake.ts';

spanStoreSuite('lake', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lake-suite-'));
  const lakes = new Map<unknown, Lake>();
  const lakeOf = (store: unknown): Lake => {
    const lake = lakes.get(store);
    if (lake === undefined) throw new Error('not a store of this place');
    return lake;
  };
  return {
    async open() {
      const lake = await openLake({ dataDir });
      lakes.set(lake, lake);
      return lake;
    },
    kill: (store) => lakeOf(store).abandon(),
    settle: (store) => lakeOf(store).flush(),
    async remove() {
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
});
