/** The record of what was removed: entries are written in the transaction that removes. */
import type { Database } from 'bun:sqlite';
import type { AuditEntry } from '../../store-upkeep.ts';

type NewAuditEntry = Omit<AuditEntry, 'id'>;

/** A query or a list of rules may be long, and is kept for ever. */
const MAX_DETAIL_CHARS = 10_000;

export function addAudit(db: Database, entry: NewAuditEntry): number {
  const detail =
    entry.detail.length > MAX_DETAIL_CHARS ? `${entry.detail.slice(0, MAX_DETAIL_CHARS)}...` : entry.detail;
  const row = db
    .query<{ id: number }, (string | number)[]>(
      `INSERT INTO audit (at, project_id, action, actor, detail, spans, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    )
    .get(entry.at, entry.projectId, entry.action, entry.actor, detail, entry.spans, entry.bytes);
  if (row === null) throw new Error('the audit gave no id');
  return row.id;
}

/** Newest first. */
export function listAudit(db: Database, projectId: string, limit: number): AuditEntry[] {
  return db
    .query<AuditEntry, [string, number]>(
      `SELECT id, at, project_id AS projectId, action, actor, detail, spans, bytes
       FROM audit WHERE project_id = ? ORDER BY id DESC LIMIT ?`,
    )
    .all(projectId, Math.max(0, Math.trunc(limit)));
}

/**
 * One entry for a removal that goes through several files: made with the first file's transaction, it grows
 * with each further one. So its figures are right whenever the removal is cut short.
 */
export class RemovalAudit {
  #id: number | undefined;
  /** Of an entry whose transaction is not committed yet. */
  #pending: number | undefined;
  /** As committed so far. */
  spans = 0;
  bytes = 0;

  constructor(
    private readonly db: Database,
    private readonly entry: Omit<NewAuditEntry, 'spans' | 'bytes'>,
  ) {}

  /** Inside the transaction that removes. The caller tells by `committed` when that is done. */
  record(spans: number, bytes: number): void {
    if (spans === 0) return;
    if (this.#id === undefined) {
      this.#pending = addAudit(this.db, { ...this.entry, spans, bytes });
    } else {
      this.db
        .query('UPDATE audit SET spans = spans + ?, bytes = bytes + ? WHERE id = ?')
        .run(spans, bytes, this.#id);
    }
  }

  committed(spans: number, bytes: number): void {
    if (spans === 0) return;
    this.#id ??= this.#pending;
    this.spans += spans;
    this.bytes += bytes;
  }
}
