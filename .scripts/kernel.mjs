// `npm run kernel`: compiles the decoder's hot loop from AssemblyScript to src/otlp/kernel/kernel.wasm, which is
// kept with the sources: neither a build nor a test has to.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = 'src/otlp/kernel';
const outfile = process.argv[2] ?? `${folder}/kernel.wasm`;
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--initialMemory', '32'];
const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js');
const run = spawnSync(
  process.execPath,
  [compiler, `${folder}/assembly/index.ts`, ...options, '-o', outfile],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(run.status ?? 1);
