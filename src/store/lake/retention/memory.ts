/**
 * What retention remembers between passes and starts: when a file is worth looking at again, and which
 * traces are on their way out of several files. Tables `retention_checked` and `retention_going`.
 */
import type { Database } from 'bun:sqlite';

/** A file is not looked at before `dueAtMs`, as long as `rules` are the project's. */
interface CheckedFile {
  readonly rules: string;
  readonly dueAtMs: number;
}

/** Stands for "never by itself": SQLite has no infinity among its integers. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** By path. */
export function loadChecked(db: Database, projectId: string): Map<string, CheckedFile> {
  const rows = db
    .query<{ path: string; rules: string; due_at: number }, [string]>(
      'SELECT path, rules, due_at FROM retention_checked WHERE project_id = ?',
    )
    .all(projectId);
  return new Map(rows.map(({ path, rules, due_at }) => [path, { rules, dueAtMs: due_at }]));
}

/** `dueAtMs` by path; may be Infinity. Forgets files that are not among `listed`. */
export function saveChecked(
  db: Database,
  projectId: string,
  rules: string,
  dueAtMs: ReadonlyMap<string, number>,
  listed: ReadonlySet<string>,
): void {
  const save = db.query(
    `INSERT INTO retention_checked (path, project_id, rules, due_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (path) DO UPDATE SET rules = excluded.rules, due_at = excluded.due_at`,
  );
  const forget = db.query('DELETE FROM retention_checked WHERE path = ?');
  db.transaction(() => {
    for (const path of loadChecked(db, projectId).keys()) if (!listed.has(path)) forget.run(path);
    for (const [path, ms] of dueAtMs) save.run(path, projectId, rules, Math.min(NEVER_MS, Math.ceil(ms)));
  }).immediate();
}

/** Every file of the project is looked at again. Inside or outside of a transaction. */
export function forgetChecked(db: Database, projectId: string): void {
  db.query('DELETE FROM retention_checked WHERE project_id = ?').run(projectId);
}

interface GoingTraces {
  readonly rules: string;
  /** The last log sequence in the files that were judged: what has a later one came since. */
  readonly throughSequence: number;
  /** 16 bytes each. */
  readonly ids: Uint8Array;
}

export function loadGoing(db: Database, projectId: string): GoingTraces | undefined {
  const row = db
    .query<{ rules: string; planned_at: number; trace_ids: Uint8Array }, [string]>(
      'SELECT rules, planned_at, trace_ids FROM retention_going WHERE project_id = ?',
    )
    .get(projectId);
  return row === null ? undefined : { rules: row.rules, throughSequence: row.planned_at, ids: row.trace_ids };
}

/** By project that has traces on their way out by its rules: up to which log sequence files may hold parts of them. */
export function goingThrough(db: Database): Map<string, number> {
  const rows = db
    .query<{ project_id: string; planned_at: number }, []>(
      `SELECT project_id, planned_at FROM retention_going
       JOIN projects ON projects.id = project_id AND projects.retention = rules`,
    )
    .all();
  return new Map(rows.map(({ project_id, planned_at }) => [project_id, planned_at]));
}

export function saveGoing(db: Database, projectId: string, going: GoingTraces): void {
  db.query(
    'INSERT OR REPLACE INTO retention_going (project_id, rules, planned_at, trace_ids) VALUES (?, ?, ?, ?)',
  ).run(projectId, going.rules, going.throughSequence, going.ids);
}

export function forgetGoing(db: Database, projectId: string): void {
  db.query('DELETE FROM retention_going WHERE project_id = ?').run(projectId);
}
