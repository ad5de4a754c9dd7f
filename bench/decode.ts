/** P1: spans a second that one core decodes into columns. Run alone, or by bench/main.ts. */
import { decodeTraces } from '../src/otlp/decode.ts';
import { SpanColumns } from '../src/span/columns.ts';
import type { Measure } from './measure.ts';
import { atLeast, figure, median, printMeasures } from './measure.ts';
import { asJson, requests } from './traffic.ts';

/** Rows after which a buffer of the store is sealed and a new one begins, with empty dictionaries. */
const ROWS_A_BUFFER = 200_000;
const ROUNDS = 5;

export function measureDecode(spans: number): Measure[] {
  const start = { seed: 1, startUnixNano: 1_790_000_000_000_000_000n };
  const protobuf = [...requests(spans, start)];
  const json = [...requests(Math.floor(spans / 4), start)].map(asJson);
  const bytes = protobuf.reduce((sum, body) => sum + body.length, 0) / spans;
  return [
    atLeast('P1', 'decode protobuf', spansPerSecond('protobuf', protobuf, spans), 'spans/s', 1_000_000),
    atLeast('P1', 'decode JSON', spansPerSecond('json', json, Math.floor(spans / 4)), 'spans/s', 150_000),
    figure('P1', 'OTLP bytes a span', bytes, 'B'),
  ];
}

function spansPerSecond(format: 'protobuf' | 'json', bodies: readonly Uint8Array[], spans: number): number {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const cpuBefore = process.cpuUsage();
    let columns = new SpanColumns();
    for (const body of bodies) {
      if (columns.rows >= ROWS_A_BUFFER) columns = new SpanColumns();
      const { rejected } = decodeTraces({ format, body }, columns);
      if (rejected > 0) throw new Error(`${rejected} spans of the reference traffic were rejected`);
    }
    const { user } = process.cpuUsage(cpuBefore);
    // The first round warms the compiler up.
    if (round > 0) rates.push(spans / (user / 1e6));
  }
  return median(rates);
}

if (import.meta.main) printMeasures(measureDecode(Number(process.argv[2] ?? 400_000)));
