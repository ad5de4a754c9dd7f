/** What the browser tests share: spans over OTLP JSON, a page that reports what should not happen. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { TestServer } from '../support/server.ts';

export interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly [field: string]: unknown;
}

export function text(key: string, stringValue: string): object {
  return { key, value: { stringValue } };
}

export function hex(digits: 16 | 32): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(digits / 2))).toString('hex');
}

/** Unix nanoseconds `secondsAgo` from now, plus milliseconds. */
export function at(secondsAgo: number, ms = 0): string {
  return String(BigInt(Date.now() - secondsAgo * 1000 + ms) * 1_000_000n);
}

export async function sendSpans(
  server: TestServer,
  service: string,
  spans: readonly JsonSpan[],
  more: { readonly resource?: object; readonly scope?: object } = {},
): Promise<void> {
  const resource = { attributes: [text('service.name', service)], ...more.resource };
  const body = JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: more.scope ?? {}, spans }] }],
  });
  const headers = { 'content-type': 'application/json' };
  const response = await server.fetch('/v1/traces', { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const answer = await response.text();
  if (answer !== '{}') throw new Error(`not all spans were taken: ${answer}`);
}

export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Dialogs, script errors and reports of the content security policy. */
  readonly trouble: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on('dialog', (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => trouble.push(`script error: ${error.message}`));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) trouble.push(message.text());
  });
  return { page, context, trouble };
}
