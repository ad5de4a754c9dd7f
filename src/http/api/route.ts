/** What a route of the API is, and what all routes share. */
import type { IngestReport } from '../../store/ingest-health.ts';
import type { Store } from '../../store/store-upkeep.ts';
import { invalid } from './params.ts';

export interface ApiCall {
  readonly store: Store;
  readonly projectId: string;
  /** For the audit: a token's id, or `local`. */
  readonly actor: string;
  readonly params: URLSearchParams;
  /** What the path's braces stand for, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** Its body is read by the routes that take one. */
  readonly request: Request;
  /** Undefined where no server runs. */
  readonly ingest?: () => IngestReport;
}

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Of the token that it needs. */
  readonly scope: 'read' | 'admin';
  /** As OpenAPI writes it: `/traces/{traceId}`. */
  readonly path: string;
  readonly params: readonly string[];
  readonly answer: (call: ApiCall) => Promise<Response>;
}

/** A route that only asks. */
export function question(path: string, params: readonly string[], answer: ApiRoute['answer']): ApiRoute {
  return { method: 'GET', scope: 'read', path, params, answer };
}

/** Answers are of the moment. */
export const HEADERS = { 'cache-control': 'no-store' };

export function json(answer: object): Response {
  return Response.json(answer, { headers: HEADERS });
}

/** A trace id as scripts write it: any case, and some tools cut the zeros that it begins with. */
export function traceIdOf(text: string): string {
  const id = text.toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(id)) throw invalid('a trace id has 32 hexadecimal digits');
  return id.padStart(32, '0');
}
