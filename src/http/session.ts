/** Signing in with a read token, for browsers: the token becomes a cookie that scripts can't read. */
import { TOKEN_COOKIE, checkSameOrigin } from './access.ts';
import type { Gate } from './access.ts';
import { readSmallBody } from './body.ts';
import { localPath } from './pages/error-page.ts';

const YEAR_SECONDS = 365 * 24 * 3600;
/** A token has some 55 characters, the page to return to some 2,000 at most. */
const MAX_FORM_BYTES = 16 * 1024;

export async function login(request: Request, gate: Gate): Promise<Response> {
  checkSameOrigin(request);
  const form = new URLSearchParams(new TextDecoder().decode(await readSmallBody(request, MAX_FORM_BYTES)));
  const token = (form.get('token') ?? '').trim();
  const next = localPath(form.get('next') ?? '/');
  try {
    gate.admit(token, 'read');
  } catch {
    return seeOther(`/login?failed&next=${encodeURIComponent(next)}`);
  }
  return seeOther(next, signInCookie(request, token));
}

export function logout(request: Request): Response {
  checkSameOrigin(request);
  return seeOther('/login', cookie(request, '', 0));
}

/** The header `set-cookie` by which a browser is signed in. */
export function signInCookie(request: Request, token: string): string {
  return cookie(request, token, YEAR_SECONDS);
}

/** Lax, so that a link to a trace in a chat opens signed in; what changes state checks the origin itself. */
function cookie(request: Request, token: string, seconds: number): string {
  const secure = new URL(request.url).protocol === 'https:' ? '; Secure' : '';
  return `${TOKEN_COOKIE}=${token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${seconds}${secure}`;
}

function seeOther(location: string, setCookie?: string): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store' });
  if (setCookie !== undefined) headers.set('set-cookie', setCookie);
  return new Response(null, { status: 303, headers });
}
