/** `/import`: OTLP JSON from a file or a text field into the store, by the receiver's way, and on to the trace. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Html } from '@elysiajs/html';
import { ImportPage } from '../../../views/import.tsx';
import type { ImportedTrace, ImportOutcome } from '../../../views/import.tsx';
import { readSmallBody } from '../body.ts';
import { knownProblem } from '../errors.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { importBodies, ImportError, traceIdsIn } from './import-body.ts';
import { html, seeOther, shellOf } from './respond.ts';

/** A trace of 100,000 spans is some 60 MB; larger ones go to the receiver. The form is held in memory. */
const MAX_IMPORT_BYTES = 64 * 1024 * 1024;
/** Of multipart's own lines and the other fields. */
const FORM_BYTES = 64 * 1024;
/** Traces looked up to be listed. */
const TRACES_SHOWN = 20;

export function importPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  return answer(deps, context, request, undefined);
}

/** One at a time: a form is not counted in the budget of requests. */
let isBusy = false;

export async function importTraces(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  if (isBusy) return answer(deps, context, request, failed('Another import is in progress: try again.'), 503);
  isBusy = true;
  try {
    const outcome = await taken(deps, context, request);
    const [only, ...others] = outcome.traces;
    if (only && others.length === 0 && outcome.note === '') return seeOther(`/traces/${only.traceId}`);
    return await answer(deps, context, request, outcome);
  } catch (error) {
    const problem = knownProblem(error);
    const status = error instanceof ImportError ? 400 : problem?.status;
    if (status === undefined) throw error;
    const message = error instanceof ImportError ? error.message : words(problem?.status, problem?.message);
    return await answer(deps, context, request, failed(message), status);
  } finally {
    isBusy = false;
  }
}

function failed(problem: string): ImportOutcome {
  return { problem, accepted: 0, note: '', traces: [] };
}

function words(status: number | undefined, message = ''): string {
  switch (status) {
    case 413:
      return 'The file is too large to be imported here. Send it to /v1/traces in parts.';
    case 401:
    case 403:
      return `Not allowed: ${message}.`;
    case 400:
      return `That is not OTLP JSON that can be read: ${message}.`;
    default:
      return `Nothing was taken: ${message}.`;
  }
}

async function taken(deps: PagesDeps, context: PageContext, request: Request): Promise<ImportOutcome> {
  const { take } = deps;
  if (take === undefined || context.readOnly) throw new ImportError('This server takes no spans.');
  const limit = Math.min(MAX_IMPORT_BYTES, deps.maxBodyBytes ?? MAX_IMPORT_BYTES);
  const { bytes, token } = await formOf(request, limit);
  let accepted = 0;
  const notes = new Set<string>();
  const ids = new Set<string>();
  for (const body of importBodies(bytes)) {
    for (const id of traceIdsIn(body, TRACES_SHOWN - ids.size)) ids.add(id);
    const result = await take(request, body, token);
    accepted += result.accepted;
    if (result.duplicate) notes.add('These very bytes were taken before: nothing changed.');
    if (result.message !== '') notes.add(result.message);
  }
  if (accepted === 0 && notes.size === 0) throw new ImportError('There are no spans in it.');
  const traces = await tracesOf(deps, context, request, [...ids]);
  if (traces.length === 0 && accepted > 0) notes.add('They went to the project of the ingest token.');
  return { problem: '', accepted, note: [...notes].slice(0, 3).join(' '), traces };
}

/** Links name trace ids too: only what is stored is listed. */
async function tracesOf(
  deps: PagesDeps,
  { projectId }: PageContext,
  { signal }: Request,
  ids: readonly string[],
): Promise<ImportedTrace[]> {
  const traces: ImportedTrace[] = [];
  for (const traceId of ids) {
    const { spans } = await deps.store.trace(projectId, traceId, { signal });
    const root = spans.find((span) => span.parentSpanId === '') ?? spans[0];
    if (root !== undefined) {
      traces.push({ traceId, serviceName: root.serviceName, name: root.name, spanCount: spans.length });
    }
  }
  return traces;
}

interface Form {
  readonly bytes: Uint8Array;
  readonly token: string | undefined;
}

async function formOf(request: Request, limit: number): Promise<Form> {
  const body = await readSmallBody(request, limit + FORM_BYTES);
  const type = request.headers.get('content-type') ?? '';
  let form: FormData;
  try {
    form = await new Response(Uint8Array.from(body), { headers: { 'content-type': type } }).formData();
  } catch {
    throw new ImportError('The form did not arrive whole: try again.');
  }
  const file = form.get('file');
  const text = form.get('text');
  const token = form.get('token');
  const uploaded = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : new Uint8Array(0);
  const bytes =
    uploaded.length > 0 ? uploaded : new TextEncoder().encode(typeof text === 'string' ? text : '');
  if (bytes.length === 0) throw new ImportError('Choose a file, or paste OTLP JSON.');
  return {
    bytes: await plain(bytes, limit),
    token: typeof token === 'string' && token.trim() !== '' ? token.trim() : undefined,
  };
}

async function plain(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: limit });
  } catch {
    throw new ImportError('That gzip file is damaged, or too large when unpacked.');
  }
}

function answer(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  outcome: ImportOutcome | undefined,
  status = 200,
): Promise<Response> {
  const limitBytes = Math.min(MAX_IMPORT_BYTES, deps.maxBodyBytes ?? MAX_IMPORT_BYTES);
  const page = Html.createElement(ImportPage, {
    shell: shellOf(request, context),
    isOpen: deps.take !== undefined && !context.readOnly,
    tokenRequired: context.ingestTokenRequired,
    limitBytes,
    outcome,
  });
  return html(page, { status });
}
