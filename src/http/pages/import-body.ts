/** What somebody hands in as traces, as bodies of OTLP JSON. Looked at by its first bytes, never parsed here. */

export class ImportError extends Error {
  override readonly name = 'ImportError';
}

const LINE_BREAK = Buffer.from('\n{');
const TRACE_ID_KEY = Buffer.from('"traceId"');
const HEAD_BYTES = 4_096;

/** One body, or one a line as the Collector's file exporter writes them. Throws ImportError, with words for a person. */
export function importBodies(bytes: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = startOf(buffer);
  const head = buffer.toString('latin1', start, start + HEAD_BYTES);
  if (head === '') throw new ImportError('That file is empty.');
  if (head.startsWith('[')) {
    throw new ImportError(
      'That is a list, as Zipkin writes traces. OTLP JSON begins with {"resourceSpans": and is what is read here.',
    );
  }
  if (!head.startsWith('{'))
    throw new ImportError('That is no JSON: OTLP JSON begins with {"resourceSpans":');
  if (/^\{\s*"data"\s*:/.test(head)) {
    throw new ImportError(
      'That is Jaeger’s own JSON. Export the trace as OTLP JSON, which is what is read here.',
    );
  }
  const wrapped = /^\{\s*"trace"\s*:\s*(?=\{)/.exec(head);
  if (wrapped) return importBodies(unwrapped(buffer, start + wrapped[0].length));
  const batches = /^\{\s*"batches"\s*:/.exec(head);
  if (batches) {
    return [Buffer.concat([Buffer.from('{"resourceSpans":'), buffer.subarray(start + batches[0].length)])];
  }
  return lines(buffer, start);
}

/** Behind a byte order mark and white space. */
function startOf(buffer: Buffer): number {
  let at = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0;
  while (at < buffer.length && (buffer[at] === 0x20 || (buffer[at] >= 9 && buffer[at] <= 13))) at++;
  return at;
}

/** Tempo's `{"trace":{...}}`, without the outer braces. */
function unwrapped(buffer: Buffer, start: number): Buffer {
  const inner = buffer.subarray(start, buffer.lastIndexOf('}'));
  if (inner.lastIndexOf('}') < 0) throw new ImportError('That JSON ends early.');
  return inner;
}

/** A copy each: the store gives their memory back. */
function lines(buffer: Buffer, start: number): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let from = start; from < buffer.length;) {
    const next = buffer.indexOf(LINE_BREAK, from + 1);
    const end = next < 0 ? buffer.length : next;
    bodies.push(Uint8Array.prototype.slice.call(buffer, from, end));
    from = end + 1;
  }
  return bodies;
}

/** The first different trace ids that the text names, those of links among them. */
export function traceIdsIn(bytes: Uint8Array, limit: number): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Set<string>();
  let at = buffer.indexOf(TRACE_ID_KEY);
  while (at >= 0 && found.size < limit) {
    const id = /^"traceId"\s*:\s*"([0-9a-f]{32})"/i.exec(buffer.toString('latin1', at, at + 80))?.[1];
    if (id !== undefined) found.add(id.toLowerCase());
    at = buffer.indexOf(TRACE_ID_KEY, at + TRACE_ID_KEY.length);
  }
  return [...found];
}
