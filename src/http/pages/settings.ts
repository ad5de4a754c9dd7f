/** `/settings`, and what is done to a trace from its page: pin, unpin, delete. Plain forms, answered by a redirect. */
import { Html } from '@elysiajs/html';
import { SettingsPage } from '../../../views/settings.tsx';
import { bytesText, parseBytes } from '../../config.ts';
import { parseRetentionRules, retentionText } from '../../store/retention-rules.ts';
import { QuestionError } from '../../store/span-store.ts';
import { readSmallBody } from '../body.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage, localPath } from './error-page.ts';
import { html, seeOther, shellOf } from './respond.ts';

/** Fifty rules of a thousand characters, percent-encoded. */
const MAX_FORM_BYTES = 256 * 1024;
const AUDIT_SHOWN = 50;

interface Sent {
  readonly rules: string;
  readonly maxSize: string;
  readonly problem: string;
}

export function settingsPage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  sent?: Sent,
): Promise<Response> {
  const { store } = deps;
  const { projectId, mayChange } = context;
  const policy = store.retention(projectId);
  const kept: Sent = {
    rules: retentionText(policy.rules),
    maxSize: policy.maxBytes === undefined ? '' : bytesText(policy.maxBytes),
    problem: '',
  };
  return html(
    Html.createElement(SettingsPage, {
      shell: shellOf(request, context),
      now: deps.now(),
      health: store.health(),
      usage: store.usage(projectId),
      retention: sent ?? kept,
      pins: store.pinnedTraces(projectId),
      audit: store.audit(projectId, AUDIT_SHOWN),
      mayChange,
      saved: new URL(request.url).searchParams.has('saved'),
    }),
    { status: sent === undefined ? 200 : 400 },
  );
}

export async function saveRetention(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  const form = new URLSearchParams(new TextDecoder().decode(await readSmallBody(request, MAX_FORM_BYTES)));
  const rules = (form.get('rules') ?? '').replaceAll('\r\n', '\n');
  const maxSize = (form.get('maxSize') ?? '').trim();
  try {
    deps.store.setRetention(context.projectId, {
      rules: parseRetentionRules(rules),
      maxBytes: sizeOf(maxSize),
    });
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    return settingsPage(deps, context, request, { rules, maxSize, problem: error.message });
  }
  return seeOther('/settings?saved#retention');
}

function sizeOf(text: string): number | undefined {
  if (text === '') return undefined;
  try {
    const bytes = parseBytes(text);
    if (bytes > 0) return bytes;
  } catch {
    // Said below, with what it should be.
  }
  throw new QuestionError('invalid_argument', `the size "${text}" is not a size such as 50GiB`);
}

export async function pinTrace(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  traceId: string,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  deps.store.pinTrace(context.projectId, traceId, '', context.actor);
  return seeOther(`/traces/${traceId}`);
}

export async function unpinTrace(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  traceId: string,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  deps.store.unpinTrace(context.projectId, traceId, context.actor);
  return seeOther(localPath(new URL(request.url).searchParams.get('next') ?? `/traces/${traceId}`));
}

export async function deleteTrace(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  traceId: string,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  await deps.store.deleteTrace(context.projectId, traceId, context.actor);
  return seeOther('/settings#removals');
}

function notAllowed(request: Request): Response | Promise<Response> {
  const message = 'This token may only read. Sign in with an admin token to change what is kept.';
  return errorPage(request, { status: 403, title: 'Not allowed', message });
}
