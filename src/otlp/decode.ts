/** The body of an OTLP trace export -> rows of SpanColumns. */
import type { SpanColumns } from '../span/columns.ts';
import type { Mark } from '../span/mark.ts';
import { lossesSince } from '../span/losses.ts';
import { releaseSource } from '../span/source-view.ts';
import { forgetLookUps } from './kernel/batch.ts';
import { findingsSince, lossMessage } from './findings.ts';
import { JsonTraces } from './json-traces.ts';
import { ProtobufTraces } from './protobuf-traces.ts';
import type { DecodeResult } from './tally.ts';
import { Tally } from './tally.ts';

export type { DecodeResult } from './tally.ts';

export interface DecodeRequest {
  readonly format: 'protobuf' | 'json';
  /** After decompression. */
  readonly body: Uint8Array;
  readonly genAiOnly?: boolean;
}

/** Work between two rests: a fifth of the 50 ms for which the event loop may stall. */
const SLICE_MS = 10;

/**
 * Appends the spans of `request`. Throws OtlpDecodeError for bytes that are no export request; the rows
 * before the fault are then in `into`: take a mark before and truncate to it. `receivedAtMs`, Unix
 * milliseconds, asks for findings.
 */
export function decodeTraces(request: DecodeRequest, into: SpanColumns, receivedAtMs?: number): DecodeResult {
  const tally = new Tally();
  const mark = into.mark();
  try {
    const steps = walk(request, into, tally);
    while (!steps.next().done);
    return resultOf(tally, into, mark, receivedAtMs);
  } finally {
    releaseSource();
  }
}

/**
 * The same for large bodies, giving the event loop back again and again. Until it resolves or throws,
 * nobody else may append to `into`.
 */
export async function decodeTracesInSlices(
  request: DecodeRequest,
  into: SpanColumns,
  receivedAtMs?: number,
): Promise<DecodeResult> {
  const tally = new Tally();
  const mark = into.mark();
  let sliceStart = performance.now();
  try {
    for (const _ of walk(request, into, tally)) {
      if (performance.now() - sliceStart < SLICE_MS) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceStart = performance.now();
    }
    return resultOf(tally, into, mark, receivedAtMs);
  } finally {
    releaseSource();
  }
}

/** Nothing more is decoded into these columns: what only look-ups of raw bytes need is given back. */
export function endDecoding(columns: SpanColumns): void {
  forgetLookUps(columns.pairs);
  columns.pairs.forgetRaw();
}

function resultOf(tally: Tally, into: SpanColumns, mark: Mark, receivedAtMs?: number): DecodeResult {
  const { accepted, rejected } = tally;
  const losses = lossMessage(lossesSince(mark.losses, into.losses.counts), into.limits);
  const message = [tally.message, losses].filter((part) => part !== '').join('; ');
  return receivedAtMs === undefined
    ? { accepted, rejected, message }
    : { accepted, rejected, message, findings: findingsSince(into, mark, tally, receivedAtMs) };
}

function walk(request: DecodeRequest, into: SpanColumns, tally: Tally): Generator<void> {
  const genAiOnly = request.genAiOnly === true;
  switch (request.format) {
    case 'protobuf':
      return new ProtobufTraces(request.body, into, tally, genAiOnly).walk();
    case 'json':
      return new JsonTraces(request.body, into, tally, genAiOnly).walk();
  }
}
