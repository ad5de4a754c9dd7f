/** For tests: the writing half of a lake on its own, in a folder of the test. */
import type { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { openCatalog } from '../../catalog.ts';
import type { AppendResult } from '../../span-store.ts';
import { loadFiles } from '../files/catalog-files.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LOG_FOLDER } from '../files/names.ts';
import { Snapshots } from '../files/snapshot.ts';
import { realClock } from '../write/clock.ts';
import { WriteSide } from '../write/write-side.ts';
import type { WriteOptions } from '../write/write-side.ts';
import { testRequest, testSpan } from './requests.ts';
import { spanIds, spanIdsInFiles } from './stored-ids.ts';

export class WriteHalf {
  readonly side: WriteSide;
  readonly problems: string[] = [];
  readonly #catalog: Database;
  readonly #snapshots = new Snapshots(() => {});
  #ended = false;

  private constructor(
    readonly dataDir: string,
    files: FileSystem,
    options: WriteOptions,
  ) {
    this.#catalog = openCatalog(dataDir);
    const parts = { dataDir, catalog: this.#catalog, files, clock: realClock, snapshots: this.#snapshots };
    const report = (problem: string) => this.problems.push(problem);
    this.side = new WriteSide({ ...parts, report }, options);
  }

  static async start(dataDir: string, files: FileSystem, options: WriteOptions): Promise<WriteHalf> {
    await files.makeFolder(join(dataDir, LOG_FOLDER));
    const half = new WriteHalf(dataDir, files, options);
    for (const { entry } of loadFiles(half.#catalog, 'spans')) {
      half.#snapshots.publish([{ projectId: entry.projectId, addFiles: [entry] }]);
    }
    await half.side.start();
    return half;
  }

  /** The nth test span in a request of its own, the same bytes each time. */
  append(n: number, projectId = 'default'): Promise<AppendResult> {
    return this.side.append(projectId, testRequest([testSpan(n)]));
  }

  /** Ids of all its spans, in buffers and files, sorted. */
  async ids(projectId = 'default'): Promise<string[]> {
    const lake = { dataDir: this.dataDir, snapshot: (id: string) => this.#snapshots.acquire(id) };
    return [...spanIds(lake, projectId), ...(await spanIdsInFiles(lake, projectId))].sort();
  }

  async end(how: 'close' | 'kill'): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (how === 'kill') await this.side.abandon();
    else {
      await this.side.stopTaking();
      await this.side.close();
    }
    this.#catalog.close();
  }
}
