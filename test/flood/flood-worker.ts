/** One flood on a thread of its own: the clock of those who watch must not wait for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { FLOODS } from './floods.ts';
import type { FloodOptions } from './floods.ts';

const { name, options } = workerData as { readonly name: string; readonly options: FloodOptions };
const flood = FLOODS.get(name);
if (flood === undefined) throw new Error(`no flood ${name}`);
parentPort?.postMessage(await flood(options));
