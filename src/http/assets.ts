/** The pages' files, embedded in the binary, served under names that hold a hash of their content. */
import { gzipSync } from 'bun';
import { Elysia } from 'elysia';
import htmx from 'htmx.org/dist/htmx.min.js' with { type: 'text' };
import * as appModule from '../../views/client/app.js' with { type: 'text' };
import * as treegridModule from '../../views/client/treegrid.js' with { type: 'text' };
import icon from '../../views/mark.svg' with { type: 'text' };
import ingestCss from '../../views/style-ingest.css' with { type: 'text' };
import explainCss from '../../views/style-explain.css' with { type: 'text' };
import baseCss from '../../views/style.css' with { type: 'text' };
import metricsCss from '../../views/style-metrics.css' with { type: 'text' };
import partsCss from '../../views/style-parts.css' with { type: 'text' };
import searchCss from '../../views/style-search.css' with { type: 'text' };
import settingsCss from '../../views/style-settings.css' with { type: 'text' };
import spanCss from '../../views/style-span.css' with { type: 'text' };
import startCss from '../../views/style-start.css' with { type: 'text' };
import tablesCss from '../../views/style-tables.css' with { type: 'text' };
import traceCss from '../../views/style-trace.css' with { type: 'text' };

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
}

const CSS = 'text/css; charset=utf-8';
const JAVASCRIPT = 'text/javascript; charset=utf-8';

function asset(name: string, type: string, text: string): Asset {
  const bytes = new TextEncoder().encode(text);
  const hash = Bun.hash.xxHash3(bytes).toString(16).padStart(16, '0');
  const [stem, extension] = name.split('.');
  return { path: `/assets/${stem}.${hash}.${extension}`, type, bytes, gzipped: gzipSync(bytes) };
}

/** An import as text has the module's own type for TypeScript, which knows no default export. */
function text(imported: object): string {
  const content: unknown = Reflect.get(imported, 'default');
  if (typeof content !== 'string') throw new TypeError('an embedded file is not text');
  return content;
}

let built: { readonly urls: AssetUrls; readonly byPath: ReadonlyMap<string, Asset> } | undefined;

export interface AssetUrls {
  readonly css: string;
  readonly htmx: string;
  readonly app: string;
  readonly icon: string;
}

/** Hashed and compressed at the first page, not while the server starts. */
function build(): NonNullable<typeof built> {
  const treegrid = asset('treegrid.js', JAVASCRIPT, text(treegridModule));
  // app.js names its sibling as the source tree does; in the browser it has the hashed name.
  const app = asset('app.js', JAVASCRIPT, text(appModule).replace('./treegrid.js', treegrid.path));
  const css = asset(
    'style.css',
    CSS,
    [
      baseCss,
      partsCss,
      tablesCss,
      startCss,
      settingsCss,
      ingestCss,
      searchCss,
      metricsCss,
      explainCss,
      traceCss,
      spanCss,
    ].join('\n'),
  );
  const htmxAsset = asset('htmx.js', JAVASCRIPT, htmx);
  const iconAsset = asset('mark.svg', 'image/svg+xml', icon);
  const all = [treegrid, app, css, htmxAsset, iconAsset];
  return {
    urls: { css: css.path, htmx: htmxAsset.path, app: app.path, icon: iconAsset.path },
    byPath: new Map(all.map((one) => [one.path, one])),
  };
}

export function assetUrls(): AssetUrls {
  built ??= build();
  return built.urls;
}

export function assets(): Elysia {
  return new Elysia({ name: 'assets' })
    .get('/assets/*', ({ request }) => answer(request))
    .get('/favicon.ico', () => Response.redirect(assetUrls().icon, 302)) as unknown as Elysia;
}

function answer(request: Request): Response {
  built ??= build();
  const found = built.byPath.get(new URL(request.url).pathname);
  if (!found) return new Response('Not found', { status: 404, headers: { 'content-type': 'text/plain' } });
  const gzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  return new Response(gzip ? found.gzipped : found.bytes, {
    headers: {
      'content-type': found.type,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    },
  });
}
