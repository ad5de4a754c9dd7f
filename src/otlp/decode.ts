/** The body of an OTLP trace export -> rows of SpanColumns. */
import type { SpanColumns } from '../span/columns.ts';
import { releaseSource } from '../span/source-view.ts';
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
 * before the fault are then in `into`: take a mark before and truncate to it.
 */
export function decodeTraces(request: DecodeRequest, into: SpanColumns): DecodeResult {
  const tally = new Tally();
  try {
    const steps = walk(request, into, tally);
    while (!steps.next().done);
    return tally.result();
  } finally {
    releaseSource();
  }
}

/**
 * The same for large bodies, giving the event loop back again and again. Until it resolves or throws,
 * nobody else may append to `into`.
 */
export async function decodeTracesInSlices(request: DecodeRequest, into: SpanColumns): Promise<DecodeResult> {
  const tally = new Tally();
  let sliceStart = performance.now();
  try {
    for (const _ of walk(request, into, tally)) {
      if (performance.now() - sliceStart < SLICE_MS) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceStart = performance.now();
    }
    return tally.result();
  } finally {
    releaseSource();
  }
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
