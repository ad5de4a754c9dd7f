/**
 * The catalog of a folder that this process must not change: beside a running server, of a backup, on a
 * disk that can't be written. SQLite itself writes where it reads (it makes `-wal` and `-shm` files), so how
 * the catalog is opened depends on what lies beside it.
 */
import { Database, constants } from 'bun:sqlite';
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CATALOG_FILE, CatalogError, FORMAT_VERSION, openCatalog, readMeta } from './catalog.ts';

/** As in catalog.ts: another process's write takes milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

export interface ReadOnlyCatalog {
  readonly db: Database;
  readonly close: () => void;
}

/** Throws CatalogError: there is no catalog, it is damaged, or of a newer program. */
export function openCatalogReadOnly(dataDir: string, name: string = CATALOG_FILE): ReadOnlyCatalog {
  const path = join(dataDir, name);
  if (sizeOf(path) === undefined) throw new CatalogError(`${dataDir} has no ${name}`);
  try {
    return openAsFound(path);
  } catch (error) {
    if (error instanceof CatalogError) throw error;
    throw new CatalogError(`can't read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function openAsFound(path: string): ReadOnlyCatalog {
  // Somebody has it open, or was killed: what the last commits hold is in the -wal file.
  if (existsSync(`${path}-shm`)) {
    try {
      return current(path, checked(new Database(path, { readonly: true })));
    } catch (error) {
      if (error instanceof CatalogError) throw error;
      return current(path, openCopy(path));
    }
  }
  if ((sizeOf(`${path}-wal`) ?? 0) > 0) return current(path, openCopy(path));
  // Nobody has it open, and it is whole without a -wal file: SQLite needs neither locks nor files for it.
  const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;
  return current(path, checked(new Database(`${pathToFileURL(path).href}?immutable=1`, flags)));
}

/** A catalog of an older format is brought up to this one in a copy of its own. */
function current(path: string, opened: ReadOnlyCatalog): ReadOnlyCatalog {
  const format = Number(readMeta(opened.db, 'format_version') ?? 0);
  if (format === FORMAT_VERSION) return opened;
  opened.close();
  if (format > FORMAT_VERSION) {
    throw new CatalogError(
      `${path} has format ${format}, this program knows ${FORMAT_VERSION} and older: use a newer one`,
    );
  }
  const folder = copyToTemporary(path);
  return temporary(folder, () => openCatalog(folder));
}

function checked(db: Database): ReadOnlyCatalog {
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.query('SELECT count(*) FROM meta').get();
    return { db, close: () => db.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}

function openCopy(path: string): ReadOnlyCatalog {
  const folder = copyToTemporary(path);
  return temporary(folder, () => checked(new Database(join(folder, CATALOG_FILE), { readonly: true })).db);
}

function copyToTemporary(path: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-catalog-'));
  copyFileSync(path, join(folder, CATALOG_FILE));
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, join(folder, `${CATALOG_FILE}-wal`));
  return folder;
}

function temporary(folder: string, open: () => Database): ReadOnlyCatalog {
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const db = open();
    return {
      db,
      close() {
        db.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** Changes whenever a commit may have changed the catalog. */
export function catalogSignature(dataDir: string): string {
  const path = join(dataDir, CATALOG_FILE);
  return [path, `${path}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }))
    .map((found) => (found === undefined ? '-' : `${found.ino} ${found.size} ${found.mtimeNs}`))
    .join(', ');
}

/** Projects and tokens of one catalog in place of those of another. */
export function copyProjects(from: Database, to: Database): void {
  const tables = ['projects', 'tokens'] as const;
  const rows = tables.map((table) =>
    from.query<Record<string, string | number | Uint8Array | null>, []>(`SELECT * FROM ${table}`).all(),
  );
  to.transaction(() => {
    for (const table of tables.toReversed()) to.run(`DELETE FROM ${table}`);
    tables.forEach((table, i) => {
      for (const row of rows[i]) {
        const names = Object.keys(row);
        const places = names.map(() => '?').join(', ');
        to.query(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`).run(...Object.values(row));
      }
    });
  }).immediate();
}
