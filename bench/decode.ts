/**
 * P1: spans a second that one core decodes into columns. Run alone (`bun bench/decode.ts [SPANS] [ROOT]`), or by
 * bench/main.ts. ROOT is the source tree whose decoder is measured, this one unless told.
 */
import { resolve } from 'node:path';
import type { decodeTraces } from '../src/otlp/decode.ts';
import type { SpanColumns } from '../src/span/columns.ts';
import type { Measure } from './measure.ts';
import { atLeast, figure, median, printMeasures } from './measure.ts';
import { asJson, requests } from './traffic.ts';

/** Rows after which a buffer of the store is sealed and a new one begins, with empty dictionaries. */
const ROWS_A_BUFFER = 200_000;
const ROUNDS = 5;
const OWN_ROOT = resolve(import.meta.dir, '..');

/** What is called of a source tree, which may be that of another commit. */
interface Decoder {
  readonly decodeTraces: typeof decodeTraces;
  readonly SpanColumns: typeof SpanColumns;
}

async function decoderOf(root: string): Promise<Decoder> {
  const decode = (await import(resolve(root, 'src/otlp/decode.ts'))) as Pick<Decoder, 'decodeTraces'>;
  const columns = (await import(resolve(root, 'src/span/columns.ts'))) as Pick<Decoder, 'SpanColumns'>;
  return { ...decode, ...columns };
}

export async function measureDecode(spans: number, root = OWN_ROOT): Promise<Measure[]> {
  const decoder = await decoderOf(root);
  const start = { seed: 1, startUnixNano: 1_790_000_000_000_000_000n };
  const protobuf = [...requests(spans, start)];
  const jsonSpans = Math.ceil(spans / 4);
  const json = [...requests(jsonSpans, start)].map(asJson);
  const bytes = protobuf.reduce((sum, body) => sum + body.length, 0) / spans;
  const protobufRate = spansPerSecond(decoder, 'protobuf', protobuf, spans);
  const jsonRate = spansPerSecond(decoder, 'json', json, jsonSpans);
  return [
    atLeast('P1', 'decode protobuf', protobufRate, 'spans/s', 1_000_000),
    atLeast('P1', 'decode JSON', jsonRate, 'spans/s', 150_000),
    figure('P1', 'OTLP bytes a span', bytes, 'B'),
  ];
}

function spansPerSecond(
  decoder: Decoder,
  format: 'protobuf' | 'json',
  bodies: readonly Uint8Array[],
  spans: number,
): number {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const cpuBefore = process.cpuUsage();
    let columns = new decoder.SpanColumns();
    for (const body of bodies) {
      if (columns.rows >= ROWS_A_BUFFER) columns = new decoder.SpanColumns();
      const { rejected } = decoder.decodeTraces({ format, body }, columns);
      if (rejected > 0) throw new Error(`${rejected} spans of the reference traffic were rejected`);
    }
    const { user } = process.cpuUsage(cpuBefore);
    // The first round warms the compiler up.
    if (round > 0) rates.push(spans / (user / 1e6));
  }
  return median(rates);
}

if (import.meta.main) {
  const [, , spans = '400000', root] = process.argv;
  printMeasures(await measureDecode(Number(spans), root));
}
