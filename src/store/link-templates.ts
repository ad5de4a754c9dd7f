/** Links out of the pages, per project, in the catalog. Nothing else reads the table, so it is no part of the format's version. */
import { Database } from 'bun:sqlite';
import { randomBytes } from 'node:crypto';

const TABLE = `
CREATE TABLE IF NOT EXISTS link_templates (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,              -- with places to fill: see trace/link-templates.ts
  created_at INTEGER NOT NULL     -- Unix ms
) STRICT, WITHOUT ROWID`;

/** Each is a link beside each span that is looked at. */
export const MAX_LINK_TEMPLATES = 20;

export interface StoredLinkTemplate {
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

export class LinkTemplates {
  readonly #db: Database;

  /** Without a catalog they are forgotten at the end. */
  constructor(db: Database = new Database(':memory:')) {
    this.#db = db;
  }

  list(projectId: string): readonly StoredLinkTemplate[] {
    if (!this.#exists()) return [];
    return this.#db
      .query<StoredLinkTemplate, [string, number]>(
        'SELECT id, name, url FROM link_templates WHERE project_id = ? ORDER BY created_at, id LIMIT ?',
      )
      .all(projectId, MAX_LINK_TEMPLATES);
  }

  /** False when the project has as many as it may. */
  add(projectId: string, { name, url }: { readonly name: string; readonly url: string }): boolean {
    return this.#db
      .transaction(() => {
        this.#db.run(TABLE);
        if (this.list(projectId).length >= MAX_LINK_TEMPLATES) return false;
        this.#db
          .query('INSERT INTO link_templates (id, project_id, name, url, created_at) VALUES (?, ?, ?, ?, ?)')
          .run(randomBytes(6).toString('hex'), projectId, name, url, Date.now());
        return true;
      })
      .immediate();
  }

  /** False when the project has none of that id. */
  remove(projectId: string, id: string): boolean {
    if (!this.#exists()) return false;
    const done = this.#db
      .query('DELETE FROM link_templates WHERE project_id = ? AND id = ?')
      .run(projectId, id);
    return done.changes > 0;
  }

  #exists(): boolean {
    const has = this.#db.query(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'link_templates'",
    );
    return has.get() !== null;
  }
}
