/**
 * What a file of an import holds, request by request: OTLP/JSON lines, one JSON document, one protobuf
 * request, or protobuf and JSON with a length before each as the Collector's file exporter writes them.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { InputError, compressionOf } from './bytes.ts';
import type { ByteStream } from './bytes.ts';

export interface Item {
  readonly format: 'protobuf' | 'json';
  readonly body: Uint8Array;
  /** As `line 7` or `message 3`. */
  readonly place: string;
}

/** What can't be used of a file, and where; the rest is read on. */
export interface Broken {
  readonly place: string;
  readonly problem: string;
}

/** One request in memory. */
const MAX_ITEM_BYTES = 256 * 1024 * 1024;

const LINE_FEED = 10;
const BRACE = 0x7b;
/** The tag of `resource_spans`, with which every request begins. */
const PROTOBUF_START = 0x0a;
/** What is read to tell the form: longer than the first line of most. */
const PEEK_BYTES = 64 * 1024;

export type InputForm = 'parquet' | 'json' | 'protobuf' | 'lengths' | 'empty' | 'unknown';

export async function formOf(bytes: ByteStream): Promise<InputForm> {
  const start = await bytes.peek(5);
  if (start.length === 0) return 'empty';
  if (Buffer.from(start.subarray(0, 4)).toString('latin1') === 'PAR1') return 'parquet';
  const text = Buffer.from(await bytes.peek(PEEK_BYTES))
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  if (/^\s*\{/.test(text)) return 'json';
  if (/^\s*$/.test(text)) return 'empty';
  if (start[0] === PROTOBUF_START) return 'protobuf';
  const length = Buffer.from(start.slice()).readUInt32BE(0);
  const begins =
    [PROTOBUF_START, BRACE].includes(start[4]) || compressionOf((await bytes.peek(8)).subarray(4)) !== 'none';
  return start.length === 5 && length > 0 && length <= MAX_ITEM_BYTES && begins ? 'lengths' : 'unknown';
}

export async function* itemsOf(bytes: ByteStream, form: InputForm): AsyncGenerator<Item | Broken> {
  switch (form) {
    case 'json':
      yield* (await isLines(bytes)) ? lines(bytes) : whole(bytes, 'json');
      return;
    case 'protobuf':
      yield* whole(bytes, 'protobuf');
      return;
    case 'lengths':
      yield* messages(bytes);
      return;
    case 'empty':
      return;
    case 'parquet':
    case 'unknown':
      throw new InputError('is neither OTLP/JSON nor OTLP protobuf nor Parquet of Spanlake');
  }
}

/** A document that is laid out over lines indents the second; of lines each begins with a brace. */
async function isLines(bytes: ByteStream): Promise<boolean> {
  const text = Buffer.from(await bytes.peek(PEEK_BYTES))
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  const [first, second] = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  if (second !== undefined && second.startsWith('{')) return true;
  return first.length > 2 && (first.endsWith('}') || second === undefined);
}

async function* lines(bytes: ByteStream): AsyncGenerator<Item | Broken> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let line = 1;
  const finish = (): Item | Broken | undefined => {
    const [body, place] = [Buffer.concat(parts), `line ${line++}`];
    const tooLong = size > MAX_ITEM_BYTES;
    [parts, size] = [[], 0];
    if (tooLong) return { place, problem: `is longer than ${MAX_ITEM_BYTES} bytes` };
    const json = withoutMark(body);
    return isBlank(json) ? undefined : { format: 'json', body: json, place };
  };
  for await (const chunk of bytes.rest()) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      parts.push(chunk.subarray(from, end));
      size += end - from;
      from = end + 1;
      const item = finish();
      if (item !== undefined) yield item;
    }
    size += chunk.length - from;
    // What is too long to be used is not kept either.
    if (size <= MAX_ITEM_BYTES) parts.push(chunk.subarray(from));
    else parts = [];
  }
  const last = finish();
  if (last !== undefined) yield last;
}

function withoutMark(body: Uint8Array): Uint8Array {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

function isBlank(body: Uint8Array): boolean {
  return body.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

async function* whole(bytes: ByteStream, format: Item['format']): AsyncGenerator<Item> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes.rest()) {
    parts.push(chunk);
    size += chunk.length;
    if (size > MAX_ITEM_BYTES) throw new InputError(`is one request of more than ${MAX_ITEM_BYTES} bytes`);
  }
  const body = Buffer.concat(parts);
  yield { format, body: format === 'json' ? withoutMark(body) : body, place: 'the file' };
}

/** Four bytes of length, big endian, then a request, which may be compressed by itself. */
async function* messages(bytes: ByteStream): AsyncGenerator<Item | Broken> {
  for (let number = 1; ; number++) {
    const place = `message ${number}`;
    const prefix = await bytes.take(4);
    if (prefix === undefined) return;
    const length = Buffer.from(prefix).readUInt32BE(0);
    if (length > MAX_ITEM_BYTES) throw new InputError(`${place} has a length of ${length} bytes`);
    const payload = length === 0 ? new Uint8Array(0) : await bytes.take(length);
    if (payload === undefined) throw new InputError(`ends before ${place}`);
    if (payload.length === 0) continue;
    try {
      const body = inflated(payload);
      yield { format: body[0] === BRACE ? 'json' : 'protobuf', body, place };
    } catch (error) {
      yield { place, problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

function inflated(payload: Uint8Array): Uint8Array {
  switch (compressionOf(payload)) {
    case 'gzip':
      return gunzipSync(payload, { maxOutputLength: MAX_ITEM_BYTES });
    case 'zstd':
      return zstdDecompressSync(payload, { maxOutputLength: MAX_ITEM_BYTES });
    case 'none':
      return payload;
  }
}
