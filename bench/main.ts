/** All benches, one after the other: `npm run bench -- [--spans N] [--keep DIR] [--json FILE]`. */
import { parseArgs } from 'node:util';
import { measureDecode } from './decode.ts';
import { measureIngest } from './ingest.ts';
import { printMeasures, writeMeasures } from './measure.ts';
import { measureQueries } from './query.ts';
import { measureStore } from './store.ts';

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '1000000' },
    keep: { type: 'string' },
    json: { type: 'string' },
  },
});

const spans = Number(values.spans);
if (!Number.isSafeInteger(spans) || spans < 20_000) {
  console.error('--spans is a number of 20000 or more');
  process.exit(2);
}

const measures = [
  ...measureDecode(Math.min(spans, 400_000)),
  ...(await measureIngest(spans)),
  ...(await measureStore(spans)),
  ...(await measureQueries(spans, values.keep === undefined ? {} : { keep: values.keep })),
];
printMeasures(measures);
if (values.json !== undefined) await writeMeasures(values.json, spans, measures);
