/**
 * How ingest fared, in the catalog, so that "nothing for 3 days" is still known after a restart. A row a
 * sender; harmless to lose, and nothing else reads it, so it is no part of the format's version.
 */
import type { Database } from 'bun:sqlite';
import type { StoredSender } from './ingest-health.ts';

const TABLE = `
CREATE TABLE IF NOT EXISTS ingest_senders (
  project_id TEXT NOT NULL,       -- '': of the whole server
  token_id TEXT NOT NULL,         -- '': without a token
  updated_at INTEGER NOT NULL,    -- Unix ms
  data TEXT NOT NULL,             -- JSON: see store/ingest-health.ts
  PRIMARY KEY (project_id, token_id)
) STRICT, WITHOUT ROWID`;

export class IngestRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The latest `most`. A row that does not read is left out. */
  load(most: number): readonly StoredSender[] {
    const has = this.#db.query(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ingest_senders'",
    );
    if (has.get() === null) return [];
    return this.#db
      .query<{ data: string }, [number]>('SELECT data FROM ingest_senders ORDER BY updated_at DESC LIMIT ?')
      .all(most)
      .flatMap(({ data }) => {
        const stored = parse(data);
        return stored === undefined ? [] : [stored];
      });
  }

  /** In one transaction. Throws what SQLite says of a full disk or a long lock. */
  save(senders: readonly StoredSender[], nowMs: number): void {
    this.#db
      .transaction(() => {
        this.#db.run(TABLE);
        const put = this.#db.query(
          'INSERT OR REPLACE INTO ingest_senders (project_id, token_id, updated_at, data) VALUES (?, ?, ?, ?)',
        );
        for (const stored of senders) {
          put.run(stored.projectId, stored.tokenId, nowMs, JSON.stringify(stored));
        }
      })
      .immediate();
  }
}

/** Written by this program or an earlier one: what the shape says is believed, what is missing is not. */
function parse(data: string): StoredSender | undefined {
  try {
    const read = JSON.parse(data) as Partial<StoredSender> | null;
    if (typeof read?.projectId !== 'string' || typeof read.tokenId !== 'string') return undefined;
    return {
      sinceMs: 0,
      lastTakenMs: 0,
      lastRefusedMs: 0,
      lastRequest: undefined,
      sdks: [],
      refusals: [],
      total: {},
      fiveMinutes: [],
      hour: [],
      day: [],
      ...read,
      projectId: read.projectId,
      tokenId: read.tokenId,
    };
  } catch {
    return undefined;
  }
}
