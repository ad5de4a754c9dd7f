/**
 * Which requests are exports, told from the text of the URL. The way through the router parses the URL three times
 * and takes 25,000 instructions; an export of ten spans is answered in some 80,000 besides decoding.
 */
import { AI_PATHS, TRACE_PATHS } from './receiver.ts';

/** Senders reach a server under a few names. More of them are somebody's play: then all are learnt anew. */
const MAX_ORIGINS = 64;

export class ExportRoute {
  /** By path: whether gen-AI spans alone are taken there. */
  readonly #paths = new Map<string, boolean>([
    ...TRACE_PATHS.map((path): [string, boolean] => [path, false]),
    ...AI_PATHS.map((path): [string, boolean] => [path, true]),
  ]);
  /** `http://host:port` as it came, of URLs that parsed: then all that begin so and go on with such a path do. */
  readonly #origins = new Set<string>();

  /** What its path says; undefined for a request that is no export, or may be one and must go the long way. */
  genAiOnly({ method, url }: Request): boolean | undefined {
    if (method !== 'POST') return undefined;
    const pathAt = url.indexOf('/', url.indexOf('://') + 3);
    if (pathAt < 0) return undefined;
    const queryAt = url.indexOf('?', pathAt);
    const path = queryAt < 0 ? url.slice(pathAt) : url.slice(pathAt, queryAt);
    const genAiOnly = this.#paths.get(path);
    return genAiOnly !== undefined && this.#knows(url, pathAt, path) ? genAiOnly : undefined;
  }

  #knows(url: string, pathAt: number, path: string): boolean {
    const origin = url.slice(0, pathAt);
    if (this.#origins.has(origin)) return true;
    // In an odd host the path begins elsewhere.
    if (URL.parse(url)?.pathname !== path) return false;
    if (this.#origins.size >= MAX_ORIGINS) this.#origins.clear();
    this.#origins.add(origin);
    return true;
  }
}
