/** The Parquet store: a writing half, a reading half, and between them snapshots. */
import type { SpanStore } from '../span-store.ts';
import { LakeReader } from './read/reader.ts';
import { openWriteSide } from './write/write-side.ts';
import type { LakeOptions, WriteSide } from './write/write-side.ts';

export type { LakeOptions } from './write/write-side.ts';

/** A store on a folder of this machine. */
export interface Lake extends SpanStore {
  /** Resolves when all spans that were appended stand in Parquet files. */
  flush(): Promise<void>;
  /** For tests: ends as a killed process would, with nothing drained. */
  abandon(): Promise<void>;
}

/**
 * Opens the store of a data folder, and creates it when there is none. Resolves when everything that was
 * acknowledged can be searched. Throws DataFolderInUseError and CatalogError.
 */
export async function openLake(options: LakeOptions): Promise<Lake> {
  return lakeOf(await openWriteSide(options));
}

function lakeOf(writing: WriteSide): Lake {
  const reading = new LakeReader({
    dataDir: writing.dataDir,
    snapshot: (projectId) => writing.snapshot(projectId),
  });
  return {
    append: (projectId, request) => writing.append(projectId, request),
    flush: () => writing.flush(),
    isEmpty: (projectId) => writing.isEmpty(projectId),
    health: () => writing.health(),
    searchSpans: (projectId, question) => reading.searchSpans(projectId, question),
    searchTraces: (projectId, question) => reading.searchTraces(projectId, question),
    trace: (projectId, traceId) => reading.trace(projectId, traceId),
    serviceStats: (projectId, range) => reading.serviceStats(projectId, range),
    operationStats: (projectId, serviceName, range) => reading.operationStats(projectId, serviceName, range),
    attributeKeys: (projectId, question) => reading.attributeKeys(projectId, question),
    attributeValues: (projectId, field, question) => reading.attributeValues(projectId, field, question),
    async abandon() {
      await writing.abandon();
      reading.close();
    },
    async close() {
      await writing.close();
      reading.close();
    },
  };
}
