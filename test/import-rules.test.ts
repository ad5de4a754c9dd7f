/** The linter holds the directions of imports: each line is a file that it must refuse or take. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './support/server.ts';

const ROOT = join(import.meta.dir, '..');

const CASES: readonly (readonly ['refused' | 'taken', file: string, line: string])[] = [
  ['refused', 'src/span/a.ts', "import { x } from '../otlp/errors.ts';"],
  ['refused', 'src/span/b.ts', "import { x } from '../config.ts';"],
  ['taken', 'src/span/c.ts', "import { x } from '../limits.ts';"],
  ['refused', 'src/otlp/a.ts', "import { x } from '../store/span-store.ts';"],
  ['taken', 'src/otlp/b.ts', "import { x } from '../span/columns.ts';"],
  ['refused', 'src/traceql/a.ts', "import { x } from '../trace/tree.ts';"],
  ['refused', 'src/trace/a.ts', "const x = import('../http/server.ts');"],
  ['refused', 'src/store/lake/write/a.ts', "import { x } from '../../../http/server.ts';"],
  ['refused', 'src/store/b.ts', "export * from '../../views/layout.tsx';"],
  ['taken', 'src/store/lake/read/c.ts', "import { x } from '../../../traceql/ast.ts';"],
  ['refused', 'src/http/a.ts', "import { x } from '../store/lake/lake.ts';"],
  ['refused', 'src/http/pages/b.ts', "import type { X } from '../../store/lake/lake.ts';"],
  ['taken', 'src/http/pages/c.tsx', "import { x } from '../../../views/search.tsx';"],
  ['taken', 'src/http/d.ts', "import type { X } from '../store/span-store.ts';"],
  ['taken', 'src/http/e.ts', "import { X } from '../store/projects.ts';"],
  ['refused', 'src/demo/a.ts', "import { x } from '../store/lake/lake.ts';"],
  ['refused', 'src/commands/a.ts', "import { x } from '../main.ts';"],
  ['refused', 'views/a.tsx', "import { x } from '../src/store/span-store.ts';"],
  ['taken', 'views/b.tsx', "import type { X } from '../src/store/span-store.ts';"],
  ['refused', 'views/shared/c.tsx', "import { x } from '../../src/http/server.ts';"],
  ['refused', 'views/d.tsx', "import { x } from 'bun:sqlite';"],
];

let folder = '';
let report = '';

beforeAll(() => {
  folder = temporaryFolder();
  cpSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [, file, line] of CASES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${line}\n`);
  }
  const lint = Bun.spawnSync([join(ROOT, 'node_modules/.bin/oxlint'), '-f', 'unix', '.'], { cwd: folder });
  report = lint.stdout.toString();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(CASES)('%s: %s with %s', (expected, file) => {
  const complaints = report
    .split('\n')
    .filter((line) => line.startsWith(`${file}:`) && line.includes('no-restricted-imports'));
  expect(complaints.length > 0 ? 'refused' : 'taken').toBe(expected);
});
