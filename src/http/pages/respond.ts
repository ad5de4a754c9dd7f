/** Answers with HTML: page or fragment by what htmx asks for, and the pages' frame. */
import { assetUrls } from '../assets.ts';
import type { Shell } from '../../../views/layout.tsx';
import type { PageContext } from './context.ts';

/** True when htmx wants the part that it is going to swap, not the page. */
export function wantsFragment(request: Request): boolean {
  return request.headers.get('hx-request-type') === 'partial';
}

/** For a whole page that answers in place of the part that htmx asked for. */
export function insteadOfPart(request: Request): Record<string, string> {
  return wantsFragment(request) ? { 'HX-Retarget': 'body', 'HX-Reswap': 'innerHTML' } : {};
}

export function shellOf(request: Request, context?: PageContext): Shell {
  return {
    assets: assetUrls(),
    theme: themeOf(request),
    signedIn: context?.signedIn ?? false,
    project: context?.projectShown,
    serviceColours: context?.serviceColours,
  };
}

function themeOf(request: Request): Shell['theme'] {
  const chosen = /(?:^|;\s*)theme=(light|dark)(?:;|$)/.exec(request.headers.get('cookie') ?? '')?.[1];
  return chosen === 'light' || chosen === 'dark' ? chosen : '';
}

/** Pages depend on the moment, the theme, and what htmx asks for: nothing may keep them. */
export async function html(
  element: JSX.Element,
  init: { status?: number; headers?: Record<string, string> } = {},
): Promise<Response> {
  const text = await element;
  return new Response(text.startsWith('<html') ? `<!doctype html>${text}` : text, {
    status: init.status ?? 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'HX-Request-Type, HX-Target, Cookie',
      ...init.headers,
    },
  });
}

/** Sends the page up to its gap at once, what `rest` makes when it is there, then the end. `rest` never rejects. */
export async function htmlWithGap(
  frame: JSX.Element,
  gap: string,
  rest: () => Promise<JSX.Element>,
): Promise<Response> {
  const { headers } = await html('');
  const text = `<!doctype html>${await frame}`;
  const at = text.indexOf(gap);
  if (at < 0) throw new Error('a page without its gap');
  const encoder = new TextEncoder();
  let left = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(text.slice(0, at)));
    },
    // A reader that left is sent nothing more.
    async pull(controller) {
      const filling = await rest();
      if (left) return;
      controller.enqueue(encoder.encode(filling + text.slice(at + gap.length)));
      controller.close();
    },
    cancel() {
      left = true;
    },
  });
  return new Response(body, { headers });
}

export function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } });
}

/** For ids made here: a trace id is 32, a span id 16 digits. */
export function randomHex(digits: 16 | 32): string {
  const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
  return Buffer.from(bytes).toString('hex');
}
