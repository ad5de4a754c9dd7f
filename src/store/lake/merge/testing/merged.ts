/** Test support: spans in files, files through a rewrite, and what must come out of it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SPANS } from '../../../../span/schema.ts';
import type { Span } from '../../../../span/span.ts';
import { traceIndexPath } from '../../files/names.ts';
import { ParquetReader, compileParquetWasm, initParquet } from '../../files/parquet-reader.ts';
import { SpanReader } from '../../read/scan/block-spans.ts';
import { columnsOf } from '../../read/testing/test-lake.ts';
import { byKey } from '../../testing/duckdb.ts';
import { encodeSpans } from '../../write/encode.ts';
import type { WholeFile } from '../../write/encode.ts';
import { rewriteFile } from '../rewrite-file.ts';
import type { RewriteInput, RewriteJob, RewriteResult } from '../rewrite-job.ts';

export interface DayFile extends RewriteInput {
  readonly day: string;
  readonly traceIndex: Uint8Array;
}

export interface Rewritten {
  readonly path: string;
  readonly result: RewriteResult;
  /** As our reader reads them, in order. */
  readonly spans: readonly Span[];
}

let nextFile = 0;
let ready: Promise<void> | undefined;

/** Spans as flushed: a file a day. */
export async function writeFiles(
  folder: string,
  spans: readonly Span[],
  rowGroupRows: number,
): Promise<DayFile[]> {
  const files: DayFile[] = [];
  for (const file of encodeSpans([columnsOf(spans).block()], rowGroupRows)) {
    files.push(await writeFile(folder, file));
  }
  return files;
}

async function writeFile(
  folder: string,
  { day, rows, parquet, traceIndex, statistics }: WholeFile,
): Promise<DayFile> {
  const path = join(folder, day, `${nextFile++}.parquet`);
  mkdirSync(join(folder, day), { recursive: true });
  await Bun.write(path, parquet);
  await Bun.write(traceIndexPath(path), traceIndex);
  return { ...statistics, day, path, rows, traceIndex };
}

export function jobOf(inputs: readonly RewriteInput[], rest: Partial<RewriteJob> = {}): RewriteJob {
  return { inputs, peers: [], drop: { kind: 'nothing' }, rowGroupRows: 7, metadata: new Map(), ...rest };
}

/** In this thread, so that an error has its stack. */
export async function rewrite(folder: string, job: RewriteJob): Promise<Rewritten> {
  ready ??= compileParquetWasm().then(initParquet);
  await ready;
  const reader = new ParquetReader(SPANS);
  const chunks: Uint8Array[] = [];
  const result = await rewriteFile(job, {
    foreign: async () => reader,
    onReading() {},
    send: async (bytes) => void chunks.push(bytes),
  });
  const path = join(folder, `out-${nextFile++}.parquet`);
  await Bun.write(path, Buffer.concat(chunks));
  return { path, result, spans: result.rows === 0 ? [] : await readSpans(reader, path) };
}

export async function readSpans(reader: ParquetReader, path: string): Promise<Span[]> {
  const spans: Span[] = [];
  for (const rowGroup of (await reader.rowGroupRows(path)).keys()) {
    await reader.withBlock(path, rowGroup, undefined, (block) => {
      const rows = new SpanReader(block);
      for (let row = 0; row < block.rows; row++) spans.push(rows.span(row));
    });
  }
  return spans;
}

/** What makes a span the same one delivered again. */
export function identityOf({ traceId, spanId, kind, startTimeUnixNano }: Span): string {
  return `${traceId} ${spanId} ${kind} ${startTimeUnixNano}`;
}

/** Of spans with one identity the longest, the first of these. */
export function once(spans: readonly Span[]): Span[] {
  const found = new Map<string, Span>();
  for (const span of spans) {
    const known = found.get(identityOf(span));
    if (known === undefined || span.durationNano > known.durationNano) found.set(identityOf(span), span);
  }
  return [...found.values()];
}

/** Attributes as sets. */
export function normal(span: Span): Span {
  return {
    ...span,
    attributes: byKey(span.attributes),
    events: span.events.map((event) => ({ ...event, attributes: byKey(event.attributes) })),
    links: span.links.map((link) => ({ ...link, attributes: byKey(link.attributes) })),
    resource: { ...span.resource, attributes: byKey(span.resource.attributes) },
    scope: { ...span.scope, attributes: byKey(span.scope.attributes) },
  };
}

/** By identity, attributes as sets: comparable whatever the order. */
export function inAnyOrder(spans: readonly Span[]): Span[] {
  const keyed = spans.map((span) => ({ key: identityOf(span), span: normal(span) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ span }) => span);
}

/** Traces by first start and id, their rows together and by start. */
export function isInFileOrder(spans: readonly Span[]): boolean {
  const traces: { readonly id: string; readonly start: bigint }[] = [];
  for (const [at, { traceId, startTimeUnixNano: start }] of spans.entries()) {
    const last = traces.at(-1);
    if (last?.id === traceId) {
      if (start < spans[at - 1].startTimeUnixNano) return false;
    } else traces.push({ id: traceId, start });
  }
  if (new Set(traces.map(({ id }) => id)).size !== traces.length) return false;
  return traces.every(({ id, start }, i) => {
    const before = traces[i - 1];
    if (before === undefined || before.start < start) return true;
    return before.start === start && wordsKey(before.id) < wordsKey(id);
  });
}

/** Ids are ordered as little-endian words (write/partition.ts). */
function wordsKey(id: string): string {
  return Buffer.from(id, 'hex').swap32().toString('hex');
}
