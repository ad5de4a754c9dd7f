// `npm start -- ARGS`: sets up, compiles if needed, and runs the binary as if it had been called itself.
// package.json calls it by `exec`: the shell between npm and this would die of a signal and not pass it on.
import { binary, build } from './build.mjs';
import { runInPlace } from './run.mjs';
import { setUp } from './setup.mjs';

setUp();
build();
runInPlace(binary, process.argv.slice(2));
