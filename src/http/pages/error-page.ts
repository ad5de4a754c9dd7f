/** Errors and sign-in as pages. */
import { Html } from '@elysiajs/html';
import { ErrorPage, LoginPage } from '../../../views/message.tsx';
import { html, insteadOfPart, shellOf } from './respond.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly title: string;
  /** Shown as it is: never an inner message, a path or a stack. */
  readonly message: string;
}

export function errorPage(request: Request, { status, title, message }: ErrorAnswer): Promise<Response> {
  const page = Html.createElement(ErrorPage, { shell: shellOf(request), status, title, message });
  return html(page, { status, headers: insteadOfPart(request) });
}

export function loginPage(request: Request): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const failed = params.has('failed');
  const next = localPath(params.get('next') ?? '/');
  return html(Html.createElement(LoginPage, { shell: shellOf(request), next, failed }), {
    status: failed ? 401 : 200,
  });
}

/** Never an address of another server: `//host` and `/\host` would be. */
export function localPath(text: string): string {
  return /^\/(?![/\\])[^\r\n]*$/.test(text) ? text : '/';
}
