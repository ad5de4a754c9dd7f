/** The benches by name. Each is loaded when it is run: DuckDB is not needed to measure the decoder. */
import { resolve } from 'node:path';
import type { Measure } from './measure.ts';
import { Server } from './server.ts';

export const BENCHES = ['decode', 'ingest', 'store', 'query', 'pages'] as const;
export type Bench = (typeof BENCHES)[number];

/** Rounds of the decoder take a second each at this number, and more of them say no more. */
const MOST_DECODED_SPANS = 400_000;

export interface BenchOptions {
  readonly spans: number;
  /** The source tree whose decoder is measured. */
  readonly root?: string | undefined;
  /** The server that is measured. */
  readonly binary?: string | undefined;
  readonly keep?: string | undefined;
}

export function isBench(name: string): name is Bench {
  return BENCHES.some((bench) => bench === name);
}

export async function runBench(
  bench: Bench,
  { spans, root, binary, keep }: BenchOptions,
): Promise<Measure[]> {
  if (binary !== undefined) Server.binary = resolve(binary);
  switch (bench) {
    case 'decode': {
      const { measureDecode } = await import('./decode.ts');
      return measureDecode(Math.min(spans, MOST_DECODED_SPANS), root);
    }
    case 'ingest': {
      const { measureIngest } = await import('./ingest.ts');
      return measureIngest(spans);
    }
    case 'store': {
      const { measureStore } = await import('./store.ts');
      return measureStore(spans);
    }
    case 'query': {
      const { measureQueries } = await import('./query.ts');
      return measureQueries(spans, keep === undefined ? {} : { keep });
    }
    case 'pages': {
      const { measurePagesAlone } = await import('./pages.ts');
      return measurePagesAlone(spans);
    }
  }
}
