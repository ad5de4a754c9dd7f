/** Searches that people of a project saved for each other, in the catalog: a name and the address of the search. */
import type { Database } from 'bun:sqlite';
import { randomBytes } from 'node:crypto';
import { MAX_SAVED_SEARCHES } from '../limits.ts';
import { QuestionError } from './span-store.ts';

export interface SavedSearch {
  readonly id: string;
  readonly name: string;
  /** `/search` with what stands behind it. */
  readonly url: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

const MAX_NAME_CHARS = 120;
/** What browsers and proxies take in a line. */
const MAX_URL_CHARS = 8_000;

interface Row {
  id: string;
  name: string;
  url: string;
  created_at: number;
}

export class SavedSearches {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  /** By name. */
  list(projectId: string): readonly SavedSearch[] {
    return this.#db
      .query<Row, [string]>(
        'SELECT id, name, url, created_at FROM saved_searches WHERE project_id = ? ORDER BY name COLLATE NOCASE, id',
      )
      .all(projectId)
      .map(({ id, name, url, created_at }) => ({ id, name, url, createdAt: created_at }));
  }

  /** A name that is taken gets the new address. Throws QuestionError. */
  save(projectId: string, name: string, url: string): SavedSearch {
    const saved = { id: randomBytes(8).toString('hex'), name: nameOf(name), url, createdAt: this.#now() };
    if (!/^\/search(?:\?|$)/.test(url) || url.length > MAX_URL_CHARS) {
      throw new QuestionError(
        'invalid_argument',
        `a saved search is an address below /search of at most ${MAX_URL_CHARS} characters`,
      );
    }
    return this.#db
      .transaction(() => {
        const all = this.list(projectId);
        const same = all.find((one) => one.name === saved.name);
        if (same !== undefined) {
          this.#db.query('UPDATE saved_searches SET url = ? WHERE id = ?').run(url, same.id);
          return { ...same, url };
        }
        if (all.length >= MAX_SAVED_SEARCHES) {
          throw new QuestionError(
            'invalid_argument',
            `there are ${all.length} saved searches: delete one that nobody needs`,
          );
        }
        this.#db
          .query('INSERT INTO saved_searches (id, project_id, name, url, created_at) VALUES (?, ?, ?, ?, ?)')
          .run(saved.id, projectId, saved.name, url, saved.createdAt);
        return saved;
      })
      .immediate();
  }

  /** False if there is none of that id. Throws QuestionError for a name that is taken, or none. */
  rename(projectId: string, id: string, name: string): boolean {
    const next = nameOf(name);
    return this.#db
      .transaction(() => {
        const all = this.list(projectId);
        if (all.some((one) => one.name === next && one.id !== id)) {
          throw new QuestionError('invalid_argument', `there is a saved search named "${next}" already`);
        }
        const { changes } = this.#db
          .query('UPDATE saved_searches SET name = ? WHERE id = ? AND project_id = ?')
          .run(next, id, projectId);
        return changes > 0;
      })
      .immediate();
  }

  delete(projectId: string, id: string): boolean {
    const { changes } = this.#db
      .query('DELETE FROM saved_searches WHERE id = ? AND project_id = ?')
      .run(id, projectId);
    return changes > 0;
  }
}

function nameOf(text: string): string {
  const name = text.replaceAll(/\s+/g, ' ').trim();
  if (name !== '' && name.length <= MAX_NAME_CHARS) return name;
  throw new QuestionError('invalid_argument', `a name has 1 to ${MAX_NAME_CHARS} characters`);
}
