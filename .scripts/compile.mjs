// `bun .scripts/compile.mjs OUTFILE ENTRY...`: one file with Bun, the sources, the workers and every asset inside.
import { constants, zstdCompressSync } from 'node:zlib';

const [outfile, ...entrypoints] = process.argv.slice(2);

const result = await Bun.build({
  entrypoints,
  target: 'bun',
  // Parses nothing at start; format esm because top-level await is used. docs/adr/001 has the figures.
  bytecode: true,
  bytecodeDepth: 1,
  // Loops in bytecode that was optimised ahead run at a third of their speed in the last tier of the JIT: `rate() by
  // (name)` over 10M spans took 740 CPU ms, and takes 260. A start takes as long without.
  optimize: { bytecode: false },
  format: 'esm',
  minify: true,
  sourcemap: 'none',
  // What the program and its workers share stands in the file once: 2.8 MB less.
  splitting: true,
  compile: {
    outfile,
    // The binary obeys its arguments and SPANLAKE_* only, not files that lie in the folder it is started in.
    autoloadDotenv: false,
    autoloadBunfig: false,
    // A query that lists a thousand trace ids is 33 KB of URL; Bun answers a bare 431 from 16 KiB on.
    execArgv: ['--max-http-header-size=65536'],
  },
  plugins: [
    {
      // 5 MB of wasm are 1.3 MB compressed and take 10 ms to open, in a worker: files/parquet-reader.ts.
      name: 'compressed wasm',
      setup(build) {
        build.onLoad({ filter: /parquet_wasm\w*\.wasm$/ }, async ({ path }) => ({
          contents: zstdCompressSync(await Bun.file(path).bytes(), {
            params: { [constants.ZSTD_c_compressionLevel]: 19 },
          }),
          loader: 'file',
        }));
      },
    },
  ],
});
if (!result.success) {
  console.error(result.logs.join('\n'));
  process.exit(1);
}
