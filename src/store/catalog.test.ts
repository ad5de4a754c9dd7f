import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATALOG_FILE, CatalogError, FORMAT_VERSION, openCatalog, readMeta, writeMeta } from './catalog.ts';

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-'));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a new catalog has the default project and survives a reopen', () =>
  inFolder((folder) => {
    const db = openCatalog(folder);
    expect(db.query('SELECT id FROM projects').values()).toEqual([['default']]);
    writeMeta(db, 'flushed_through', '17');
    db.close();
    const again = openCatalog(folder);
    expect(readMeta(again, 'flushed_through')).toBe('17');
    expect(readMeta(again, 'format_version')).toBe(String(FORMAT_VERSION));
    expect(again.query('SELECT count(*) FROM projects').values()).toEqual([[1]]);
    again.close();
  }));

test('two connections work beside each other', () =>
  inFolder((folder) => {
    const server = openCatalog(folder);
    const command = openCatalog(folder);
    command.query("INSERT INTO projects (id, name, created_at) VALUES ('shop', 'Shop', 1)").run();
    expect(server.query("SELECT name FROM projects WHERE id = 'shop'").values()).toEqual([['Shop']]);
    command.close();
    server.close();
  }));

test('a newer format is refused and left as it was', () =>
  inFolder((folder) => {
    const db = openCatalog(folder);
    writeMeta(db, 'format_version', String(FORMAT_VERSION + 1));
    db.close();
    expect(() => openCatalog(folder)).toThrow(
      new CatalogError(
        `the data folder has format ${FORMAT_VERSION + 1}, this program knows ${FORMAT_VERSION} and older: use a newer one`,
      ),
    );
    const raw = new Database(join(folder, CATALOG_FILE), { readonly: true });
    expect(readMeta(raw, 'format_version')).toBe(String(FORMAT_VERSION + 1));
    raw.close();
  }));

test('a file that is no database is refused by name', () =>
  inFolder((folder) => {
    writeFileSync(
      join(folder, CATALOG_FILE),
      'not a database at all, long enough to be read as a header '.repeat(9),
    );
    expect(() => openCatalog(folder)).toThrow(CATALOG_FILE);
  }));
