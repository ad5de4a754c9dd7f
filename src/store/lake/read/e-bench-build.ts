import { requests } from '../../../../bench/traffic.ts';
import { decodeTraces } from '../../../otlp/decode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { encodeSpans } from '../write/encode.ts';
import { traceIndexPath } from '../files/file-entry.ts';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
const dir = '/tmp/e-bench'; const entries: unknown[] = []; let columns = new SpanColumns(); let n = 0; let total=0; let bytes=0;
async function flush() { columns.publishedRows = columns.rows; const t=performance.now(); for (const f of await encodeSpans([columns.block()])) { const path=`lake/project=test/date=${f.day}/${n++}.parquet`; mkdirSync(dirname(join(dir,path)),{recursive:true}); await Bun.write(join(dir,path), f.parquet); await Bun.write(join(dir,traceIndexPath(path)), f.traceIndex); bytes+=f.parquet.length; entries.push({...f.statistics, path, projectId:'test', day:f.day, rows:f.rows, bytes:f.parquet.length, hash:f.hash, traceIndexBytes:f.traceIndex.length, traceIndexHash:'', firstSequence:0,lastSequence:0}); } console.log('flush', columns.rows, performance.now()-t); columns = new SpanColumns(); }
for (const body of requests(Number(process.argv[2] ?? 1_000_000), { seed: 1, startUnixNano: 1_760_000_000_000_000_000n } as never)) { total += decodeTraces({ format: 'protobuf', body }, columns).accepted; if (columns.rows >= 262_144) await flush(); }
if (columns.rows) await flush();
await Bun.write(join(dir,'entries.json'), JSON.stringify(entries, (_k, v) => typeof v === 'bigint' ? `${v}n` : v));
console.log(total, bytes/total, 'B/span');
