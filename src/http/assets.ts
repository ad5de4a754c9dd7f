/** The pages' files, embedded in the binary, served under names that hold a hash of their content. */
import { gzipSync } from 'bun';
import { Elysia } from 'elysia';
import htmx from 'htmx.org/dist/htmx.min.js' with { type: 'text' };
import htmxSse from 'htmx.org/dist/ext/hx-sse.min.js' with { type: 'text' };
import * as appModule from '../../views/client/app.js' with { type: 'text' };
import * as timesModule from '../../views/client/times.js' with { type: 'text' };
import * as heatmapDragModule from '../../views/client/heatmap-drag.js' with { type: 'text' };
import * as completionModule from '../../views/client/completion.js' with { type: 'text' };
import * as tailModule from '../../views/client/tail.js' with { type: 'text' };
import * as rowsModule from '../../views/client/rows.js' with { type: 'text' };
import * as filterRowsModule from '../../views/client/filter-rows.js' with { type: 'text' };
import * as treegridModule from '../../views/client/treegrid.js' with { type: 'text' };
import * as waterfallScrollModule from '../../views/client/waterfall-scroll.js' with { type: 'text' };
import * as waterfallZoomModule from '../../views/client/waterfall-zoom.js' with { type: 'text' };
import icon from '../../views/mark.svg' with { type: 'text' };
import baseCss from '../../views/style.css' with { type: 'text' };
import aiCss from '../../views/styles/ai.css' with { type: 'text' };
import errorsCss from '../../views/styles/errors.css' with { type: 'text' };
import explainCss from '../../views/styles/explain.css' with { type: 'text' };
import facetsCss from '../../views/styles/facets.css' with { type: 'text' };
import ingestCss from '../../views/styles/ingest.css' with { type: 'text' };
import metricsCss from '../../views/styles/metrics.css' with { type: 'text' };
import queryCss from '../../views/styles/query.css' with { type: 'text' };
import partsCss from '../../views/styles/parts.css' with { type: 'text' };
import searchCss from '../../views/styles/search.css' with { type: 'text' };
import mapCss from '../../views/styles/map.css' with { type: 'text' };
import servicesCss from '../../views/styles/services.css' with { type: 'text' };
import settingsCss from '../../views/styles/settings.css' with { type: 'text' };
import spanValuesCss from '../../views/styles/span-values.css' with { type: 'text' };
import traceViewsCss from '../../views/styles/trace-views.css' with { type: 'text' };
import spanCss from '../../views/styles/span.css' with { type: 'text' };
import startCss from '../../views/styles/start.css' with { type: 'text' };
import tablesCss from '../../views/styles/tables.css' with { type: 'text' };
import traceCss from '../../views/styles/trace.css' with { type: 'text' };

/** Joined in this order to one style sheet. */
const STYLES: readonly string[] = [
  baseCss,
  partsCss,
  tablesCss,
  startCss,
  settingsCss,
  ingestCss,
  searchCss,
  queryCss,
  facetsCss,
  metricsCss,
  explainCss,
  errorsCss,
  aiCss,
  traceCss,
  spanCss,
  spanValuesCss,
  traceViewsCss,
  servicesCss,
  mapCss,
];

/** Modules of the browser by file name; each only imports (`./name.js`) those before it. The last is the page's. */
const MODULES: readonly (readonly [name: string, module: object])[] = [
  ['times.js', timesModule],
  ['waterfall-scroll.js', waterfallScrollModule],
  ['waterfall-zoom.js', waterfallZoomModule],
  ['filter-rows.js', filterRowsModule],
  ['treegrid.js', treegridModule],
  ['heatmap-drag.js', heatmapDragModule],
  ['completion.js', completionModule],
  ['rows.js', rowsModule],
  ['tail.js', tailModule],
  ['app.js', appModule],
];

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
  const modules = new Map<string, Asset>();
  for (const [name, module] of MODULES) modules.set(name, asset(name, JAVASCRIPT, linked(module, modules)));
  const css = asset('style.css', CSS, STYLES.join('\n'));
  // In one file: an extension that comes after htmx began is not heard of what is on the page already.
  const htmxAsset = asset('htmx.js', JAVASCRIPT, `${htmx}\n;${htmxSse}`);
  const iconAsset = asset('mark.svg', 'image/svg+xml', icon);
  const app = modules.get('app.js');
  if (app === undefined) throw new Error('there is no app.js');
  const all = [...modules.values(), css, htmxAsset, iconAsset];
  return {
    urls: { css: css.path, htmx: htmxAsset.path, app: app.path, icon: iconAsset.path },
    byPath: new Map(all.map((one) => [one.path, one])),
  };
}

/** A module names its siblings as the source tree does; in the browser they have hashed names. */
function linked(module: object, siblings: ReadonlyMap<string, Asset>): string {
  let source = text(module);
  for (const [name, { path }] of siblings) source = source.replaceAll(`'./${name}'`, `'${path}'`);
  return source;
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
