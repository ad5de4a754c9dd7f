/**
 * Tokens and projects made from `/settings`. A secret is in the answer that makes it and nowhere else. Whoever
 * acts does so within the own project: only a new project is beyond it, and its first token comes with it.
 */
import { ProjectError } from '../../store/projects.ts';
import type { NewToken, Token, TokenScope } from '../../store/projects.ts';
import { signInCookie } from '../session.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { notAllowed, readForm, settingsPage } from './settings.ts';
import { seeOther } from './respond.ts';

const MAX_NAME_CHARS = 100;
const SCOPES: readonly TokenScope[] = ['ingest', 'read', 'admin'];

export async function createToken(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  const form = await readForm(request);
  const scope = SCOPES.find((known) => known === form.get('scope'));
  const name = (form.get('name') ?? '').trim().slice(0, MAX_NAME_CHARS);
  if (scope === undefined) return problem(deps, context, request, 'a token’s scope is ingest, read or admin');
  if (!context.ingestTokenRequired) return firstToken(deps, context, request, name);
  const made = deps.projects.createToken(context.projectId, scope, name, context);
  return shown(deps, context, request, made);
}

/** The server is open until now: who makes its first token must not be locked out by it. */
function firstToken(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  name: string,
): Promise<Response> {
  const made = deps.projects.createToken(context.projectId, 'admin', name, context);
  return signedIn(deps, context, request, made);
}

export async function rotateToken(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  id: string,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  const form = await readForm(request);
  const old = activeToken(deps, context, id);
  if (old === undefined) return unknownToken(request);
  const made = deps.projects.createToken(context.projectId, old.scope, old.name, context);
  if (form.get('revoke') !== 'now') return shown(deps, context, request, made);
  deps.projects.revokeToken(id, context);
  return id === context.actor ? signedIn(deps, context, request, made) : shown(deps, context, request, made);
}

export async function revokeToken(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  id: string,
): Promise<Response> {
  if (!context.mayChange) return notAllowed(request);
  if (activeToken(deps, context, id) === undefined) return unknownToken(request);
  deps.projects.revokeToken(id, context);
  return seeOther('/settings#access');
}

export async function createProject(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  // While the server is open everything is in one project: another could not be reached.
  if (!context.mayChange || !context.ingestTokenRequired) return notAllowed(request);
  const name = ((await readForm(request)).get('name') ?? '').trim();
  try {
    const project = deps.projects.createProject(name, context);
    const made = deps.projects.createToken(project.id, 'admin', '', context);
    return await shown(deps, context, request, made);
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    return problem(deps, context, request, error.message);
  }
}

function activeToken({ projects }: PagesDeps, { projectId }: PageContext, id: string): Token | undefined {
  return projects
    .listTokens()
    .find((token) => token.id === id && token.projectId === projectId && token.revokedAt === undefined);
}

function unknownToken(request: Request): Promise<Response> {
  const message = 'This project has no active token of that id.';
  return errorPage(request, { status: 404, title: 'Not found', message });
}

function shown(deps: PagesDeps, context: PageContext, request: Request, made: NewToken): Promise<Response> {
  return settingsPage(deps, context, request, { access: { made, problem: '' } });
}

async function signedIn(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  made: NewToken,
): Promise<Response> {
  const as = { ...context, actor: made.id, ingestTokenRequired: true, signedIn: true };
  const answer = await shown(deps, as, request, made);
  answer.headers.append('set-cookie', signInCookie(request, made.token));
  return answer;
}

function problem(deps: PagesDeps, context: PageContext, request: Request, text: string): Promise<Response> {
  return settingsPage(deps, context, request, { access: { made: undefined, problem: text } });
}
