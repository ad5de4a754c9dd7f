// `node .scripts/bun.mjs FILE ARGS...`: runs a program of ours under Bun, with everything set up before.
import { build } from './build.mjs';
import { runInPlace } from './run.mjs';
import { bun, root, setUp } from './setup.mjs';

setUp();
build();
runInPlace(bun, process.argv.slice(2), root);
