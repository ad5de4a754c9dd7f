/** `/settings`, and what is done to a trace from its page: pin, unpin, delete. Plain forms, answered by a redirect. */
import { Html } from '@elysiajs/html';
import type { AccessState } from '../../../views/settings/access.tsx';
import type { LinksState } from '../../../views/settings/links.tsx';
import { SettingsPage } from '../../../views/settings/settings.tsx';
import { bytesText, parseBytes } from '../../config.ts';
import { parseRetentionRules, retentionText } from '../../store/retention-rules.ts';
import { MAX_LINK_TEMPLATES } from '../../store/link-templates.ts';
import { QuestionError } from '../../store/span-store.ts';
import { templateProblem } from '../../trace/link-templates.ts';
import { readSmallBody } from '../body.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage, localPath } from './error-page.ts';
import { html, seeOther, shellOf } from './respond.ts';

/** Fifty rules of a thousand characters, percent-encoded. */
const MAX_FORM_BYTES = 256 * 1024;
const AUDIT_SHOWN = 50;
const MAX_LINK_NAME = 60;
const MAX_LINK_URL = 2_000;

interface SentRetention {
  readonly rules: string;
  readonly maxSize: string;
  readonly problem: string;
}

/** What a form sent that was not taken, or what it made: shown in its place. */
export interface Sent {
  readonly retention?: SentRetention;
  readonly link?: LinksState['sent'];
  readonly access?: Pick<AccessState, 'made' | 'problem'>;
}

const NO_LINK = { name: '', url: '', problem: '' };

export function settingsPage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  sent: Sent = {},
): Promise<Response> {
  const { store, projects, linkTemplates } = deps;
  const { projectId, mayChange, readOnly } = context;
  const policy = store.retention(projectId);
  const kept: SentRetention = {
    rules: retentionText(policy.rules),
    maxSize: policy.maxBytes === undefined ? '' : bytesText(policy.maxBytes),
    problem: '',
  };
  const isOpen = !context.ingestTokenRequired;
  const ownTokens = () => projects.listTokens().filter((token) => token.projectId === projectId);
  const access: AccessState = {
    isOpen,
    tokens: mayChange && !isOpen ? ownTokens() : [],
    ownTokenId: context.actor,
    made: sent.access?.made,
    problem: sent.access?.problem ?? '',
  };
  const isProblem = [sent.retention, sent.link, sent.access].some((part) => (part?.problem ?? '') !== '');
  return html(
    Html.createElement(SettingsPage, {
      shell: shellOf(request, context),
      now: deps.now(),
      health: store.health(),
      usage: store.usage(projectId),
      retention: sent.retention ?? kept,
      maxBytes: policy.maxBytes,
      access,
      links: { templates: linkTemplates.list(projectId), sent: sent.link ?? NO_LINK },
      pins: store.pinnedTraces(projectId),
      audit: store.audit(projectId, AUDIT_SHOWN),
      mayChange,
      readOnly,
      saved: new URL(request.url).searchParams.get('saved') ?? '',
    }),
    { status: isProblem ? 400 : 200 },
  );
}

export async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(new TextDecoder().decode(await readSmallBody(request, MAX_FORM_BYTES)));
}

export async function addLink(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  const form = await readForm(request);
  const name = (form.get('name') ?? '').trim().slice(0, MAX_LINK_NAME);
  const url = (form.get('url') ?? '').trim();
  const problem = name === '' ? 'the link has no name' : linkProblem(url);
  const link = { name, url, problem };
  if (problem !== '') return settingsPage(deps, context, request, { link });
  if (!deps.linkTemplates.add(context.projectId, link)) {
    const tooMany = `there are ${MAX_LINK_TEMPLATES} links, and no room for more`;
    return settingsPage(deps, context, request, { link: { ...link, problem: tooMany } });
  }
  return seeOther('/settings#links');
}

function linkProblem(url: string): string {
  return url.length > MAX_LINK_URL
    ? `the address is longer than ${MAX_LINK_URL} characters`
    : templateProblem(url);
}

export async function removeLink(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  id: string,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  deps.linkTemplates.remove(context.projectId, id);
  return seeOther('/settings#links');
}

export async function saveRetention(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  const form = await readForm(request);
  const rules = (form.get('rules') ?? '').replaceAll('\r\n', '\n');
  const maxSize = (form.get('maxSize') ?? '').trim();
  try {
    deps.store.setRetention(context.projectId, {
      rules: parseRetentionRules(rules),
      maxBytes: sizeOf(maxSize),
    });
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    const retention = { rules, maxSize, problem: error.message };
    return settingsPage(deps, context, request, { retention });
  }
  return seeOther('/settings?saved=retention#retention');
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
  return seeOther('/settings#audit');
}

export function notAllowed(request: Request): Promise<Response> {
  const message =
    'This is open to admin tokens alone, and to nobody where the data folder is only looked at.';
  return errorPage(request, { status: 403, title: 'Not allowed', message });
}
