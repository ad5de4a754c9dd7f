/**
 * The folder that questions are put to: the reference traffic, and beside it what it lacks, in requests of
 * their own so that its bytes stay what they are. An attribute on 0.5 % of spans, too rare for a column;
 * traces of 1,000 spans; one span with a value that no other has.
 */
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeTracesProtobuf } from '../src/otlp/encode.ts';
import type { Attribute, Span } from '../src/span/span.ts';
import { sendAll } from './send.ts';
import { Server } from './server.ts';
import { requests, SPANS_PER_REQUEST, START_UNIX_NANO } from './traffic.ts';

export const FLAG_KEY = 'feature_flag.key';
export const FLAG_VALUES = 8;
export const NEEDLE = { key: 'order.id', value: 'the-only-one' };
export const LONG_TRACE_SPANS = 1_000;
const LONG_TRACES = 10;
/** A request of FLAGGED_SPANS after so many of the traffic: 0.5 % of all spans. */
const FLAGGED_EVERY = 10;
const FLAGGED_SPANS = (SPANS_PER_REQUEST * FLAGGED_EVERY) / 200;
/** What a request of the traffic covers in time. */
const REQUEST_NANO = 50_000_000n;
const REQUESTS_A_PIECE = 100;

export function longTraceId(index: number): string {
  return `10000000000000000000000000${index.toString(16).padStart(6, '0')}`;
}

/** Makes the folder if it isn't there; it is complete when it has its name. */
export async function makeFolder(folder: string, spans: number): Promise<void> {
  if (existsSync(join(folder, 'lake'))) return;
  const unfinished = `${folder}.unfinished`;
  mkdirSync(unfinished, { recursive: true });
  await withServer(unfinished, async ({ url }) => {
    let piece: Uint8Array[] = [];
    for (const body of allRequests(spans)) {
      if (piece.push(body) < REQUESTS_A_PIECE) continue;
      await sendAll(url, piece);
      piece = [];
    }
    await sendAll(url, piece);
  });
  await mergeToTheEnd(unfinished);
  renameSync(unfinished, folder);
}

/** So that nothing is rewritten while it is asked: a folder that was made elsewhere may have merges to come. */
export async function mergeToTheEnd(folder: string): Promise<void> {
  await withServer(folder, async ({ url }) => {
    const merged = await fetch(`${url}/api/v1/storage/compact`, { method: 'POST' });
    if (!merged.ok) throw new Error(`compaction is answered ${merged.status}: ${await merged.text()}`);
  });
}

async function withServer(folder: string, use: (server: Server) => Promise<void>): Promise<void> {
  const server = await Server.start(folder);
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

function* allRequests(spans: number): Generator<Uint8Array> {
  const count = Math.ceil(spans / SPANS_PER_REQUEST);
  const longEvery = Math.max(1, Math.floor(count / LONG_TRACES));
  let index = 0;
  for (const body of requests(spans, { seed: 4, startUnixNano: START_UNIX_NANO })) {
    yield body;
    const at = START_UNIX_NANO + BigInt(index) * REQUEST_NANO;
    if (index % FLAGGED_EVERY === 0) yield encodeTracesProtobuf(flaggedSpans(index, at));
    if (index % longEvery === 0) yield encodeTracesProtobuf(longTrace(Math.floor(index / longEvery), at));
    if (index === count >> 1) yield encodeTracesProtobuf([needle(at)]);
    index++;
  }
}

function flaggedSpans(index: number, at: bigint): Span[] {
  return Array.from({ length: FLAGGED_SPANS }, (_, i) => {
    const number = index * FLAGGED_SPANS + i;
    const value = `flag-${number % FLAG_VALUES}`;
    return span({
      traceId: `20000000000000000000${number.toString(16).padStart(12, '0')}`,
      spanId: '0000000000000001',
      parentSpanId: '',
      name: 'evaluate flag',
      startTimeUnixNano: at + BigInt(i) * 1_000_000n,
      attributes: [text(FLAG_KEY, value)],
    });
  });
}

/** A root with 9 children, each with 9 of its own, and so on: deep enough to draw, wide enough to fold. */
function longTrace(index: number, at: bigint): Span[] {
  return Array.from({ length: LONG_TRACE_SPANS }, (_, i) =>
    span({
      traceId: longTraceId(index),
      spanId: (i + 1).toString(16).padStart(16, '0'),
      parentSpanId: i === 0 ? '' : (Math.floor((i - 1) / 9) + 1).toString(16).padStart(16, '0'),
      name: i === 0 ? 'nightly report' : `step ${i % 20}`,
      startTimeUnixNano: at + BigInt(i) * 10_000n,
      attributes: [text('step.kind', `kind-${i % 5}`)],
    }),
  );
}

function needle(at: bigint): Span {
  return span({
    traceId: `3${'0'.repeat(30)}1`,
    spanId: '0000000000000001',
    parentSpanId: '',
    name: 'place order',
    startTimeUnixNano: at,
    attributes: [text(NEEDLE.key, NEEDLE.value)],
  });
}

function text(key: string, value: string): Attribute {
  return { key, value: { type: 'string', value } };
}

type Own = 'traceId' | 'spanId' | 'parentSpanId' | 'name' | 'startTimeUnixNano' | 'attributes';

function span(own: Pick<Span, Own>): Span {
  return {
    ...own,
    traceState: '',
    kind: 1,
    durationNano: 2_000_000n,
    statusCode: 0,
    statusMessage: '',
    flags: 0,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: 'extras',
    resource: {
      attributes: [text('service.name', 'extras')],
      droppedAttributesCount: 0,
      schemaUrl: '',
    },
    scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  };
}

/**
 * A folder to serve from, beside the one that is kept: the files of the lake, which never change, as further
 * names of the same bytes, the rest copied.
 */
export function workingCopy(folder: string, copy: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const [from, to] = [join(folder, name), join(copy, name)];
    if (!statSync(from).isFile() || name.startsWith('lock.')) continue;
    mkdirSync(dirname(to), { recursive: true });
    if (!name.startsWith('lake/') || !linked(from, to)) cpSync(from, to);
  }
}

/** False across file systems. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
