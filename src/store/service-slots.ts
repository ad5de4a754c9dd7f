/**
 * Which of the pages' colours each service of a project has. Services take the free slots in the order in
 * which they appear and keep them for ever, so that a dozen services never share one. Harmless to lose: they
 * are dealt anew; nothing else reads the table, so it is no part of the format's version.
 */
import { Database } from 'bun:sqlite';

const TABLE = `
CREATE TABLE IF NOT EXISTS service_slots (
  project_id TEXT NOT NULL,
  service_name TEXT NOT NULL,
  slot INTEGER NOT NULL,
  PRIMARY KEY (project_id, service_name)
) STRICT, WITHOUT ROWID`;

/** Services beyond are coloured by their names alone: the sheet has a line for each. */
const MAX_SERVICES = 1_000;

/** How many colours the pages have. */
export const SERVICE_SLOTS = 12;

export interface NamedService {
  readonly name: string;
  /** The slot that its name alone would give it: kept where it is free. */
  readonly preferred: number;
}

export class ServiceSlots {
  readonly #db: Database;
  readonly #known = new Map<string, Map<string, number>>();

  /** Without a catalog they are forgotten at the end. */
  constructor(db: Database = new Database(':memory:')) {
    this.#db = db;
  }

  of(projectId: string): ReadonlyMap<string, number> {
    return this.#of(projectId);
  }

  /** Deals slots to those that have none. True when there was one. Throws what SQLite says of a full disk. */
  add(projectId: string, services: readonly NamedService[]): boolean {
    const known = this.#of(projectId);
    const fresh = services.filter(({ name }) => !known.has(name)).slice(0, MAX_SERVICES - known.size);
    if (fresh.length === 0) return false;
    const used = Array.from({ length: SERVICE_SLOTS }, () => 0);
    for (const slot of known.values()) used[slot]++;
    for (const { name, preferred } of fresh) {
      const slot = leastUsed(used, preferred % SERVICE_SLOTS);
      used[slot]++;
      known.set(name, slot);
    }
    this.#save(projectId, fresh, known);
    return true;
  }

  #of(projectId: string): Map<string, number> {
    let known = this.#known.get(projectId);
    if (known === undefined) {
      known = this.#load(projectId);
      this.#known.set(projectId, known);
    }
    return known;
  }

  #load(projectId: string): Map<string, number> {
    const has = this.#db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'service_slots'");
    if (has.get() === null) return new Map();
    const rows = this.#db
      .query<{ service_name: string; slot: number }, [string, number]>(
        'SELECT service_name, slot FROM service_slots WHERE project_id = ? LIMIT ?',
      )
      .all(projectId, MAX_SERVICES);
    return new Map(
      rows
        .filter(({ slot }) => slot >= 0 && slot < SERVICE_SLOTS)
        .map(({ service_name, slot }) => [service_name, slot]),
    );
  }

  #save(projectId: string, fresh: readonly NamedService[], known: ReadonlyMap<string, number>): void {
    this.#db
      .transaction(() => {
        this.#db.run(TABLE);
        const put = this.#db.query(
          'INSERT OR IGNORE INTO service_slots (project_id, service_name, slot) VALUES (?, ?, ?)',
        );
        for (const { name } of fresh) put.run(projectId, name, known.get(name) ?? 0);
      })
      .immediate();
  }
}

/** The preferred one if no other is used less, else the next such one. */
function leastUsed(used: readonly number[], preferred: number): number {
  const least = Math.min(...used);
  for (let i = 0; i < used.length; i++) {
    const slot = (preferred + i) % used.length;
    if (used[slot] === least) return slot;
  }
  return preferred;
}
