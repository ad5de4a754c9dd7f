import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from './catalog.ts';
import { Projects } from './projects.ts';
import { SavedSearches } from './saved-searches.ts';

test('saved by project, renamed, replaced and deleted', () => {
  const dir = mkdtempSync(join(tmpdir(), 'spanlake-saved-'));
  const db = openCatalog(dir);
  try {
    new Projects(db).createProject('other');
    const saved = new SavedSearches(db, () => 7);
    const slow = saved.save('default', '  Slow\n calls ', '/search?q=%7B%7D');
    expect(slow).toMatchObject({ name: 'Slow calls', url: '/search?q=%7B%7D', createdAt: 7 });
    const errors = saved.save('default', 'errors', '/search?q=a');
    expect(saved.list('default').map(({ name }) => name)).toEqual(['errors', 'Slow calls']);
    expect(saved.list('other')).toEqual([]);
    expect(saved.save('default', 'errors', '/search?q=b').id).toBe(errors.id);
    expect(() => saved.rename('default', slow.id, 'errors')).toThrow('already');
    expect(saved.rename('other', slow.id, 'x')).toBe(false);
    expect(saved.rename('default', slow.id, 'Slower')).toBe(true);
    expect(saved.delete('other', slow.id)).toBe(false);
    expect(saved.delete('default', slow.id)).toBe(true);
    expect(saved.list('default')).toMatchObject([{ name: 'errors', url: '/search?q=b' }]);
    expect(() => saved.save('default', ' ', '/search')).toThrow('1 to 120');
    for (const url of ['//evil.example', '/searchx', 'javascript:1', `/search?q=${'x'.repeat(9_000)}`]) {
      expect(() => saved.save('default', 'a', url)).toThrow('below /search');
    }
  } finally {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
