/**
 * Who may do what. Without any active token the server is open, to this machine alone, for the default
 * project; from the first token on each request needs one of the right scope, and its project is the only
 * one that the request sees. Reasons: docs/adr/006-access.md.
 */
import { DEFAULT_PROJECT } from '../store/catalog.ts';
import type { Grant, Projects, TokenScope } from '../store/projects.ts';

/** Turned away: 401 without a valid token, 403 with one that may not do this. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
  constructor(
    readonly status: 401 | 403,
    message: string,
  ) {
    super(message);
  }
}

export const TOKEN_COOKIE = 'spanlake_token';

export interface Access {
  readonly projectId: string;
  /** Undefined while the server is open. */
  readonly grant: Grant | undefined;
}

export interface GateOptions {
  readonly projects: Projects;
  /** Serve whoever reaches the port, under whatever host name, as long as there are no tokens. */
  readonly insecure: boolean;
  /** The host that the server was told to listen on. */
  readonly listenHost: string;
  /** Whether only this machine can reach the ports. */
  readonly loopback: boolean;
}

export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /**
   * True while no token exists. Where other machines reach the port it stays shut even then: the last
   * token may be revoked while the server runs.
   */
  get open(): boolean {
    const { insecure, loopback, projects } = this.#options;
    return (loopback || insecure) && !projects.anyTokens();
  }

  /**
   * The project that the bearer of `token` may send to or read from. Throws AccessError. A token that
   * is given is checked even while the server is open: a sender with a wrong one wants to know.
   * `isOpen`: what `open` said a moment ago, for who asked already; it is a look into the catalog.
   */
  admit(token: string | undefined, scope: TokenScope, isOpen?: boolean): Access {
    if (token === undefined) {
      if (isOpen ?? this.open) return { projectId: DEFAULT_PROJECT, grant: undefined };
      throw new AccessError(
        401,
        `this server wants a token: send the header "Authorization: Bearer <${scope} token>"`,
      );
    }
    const grant = this.#options.projects.authenticate(token);
    if (grant === undefined) {
      throw new AccessError(
        401,
        'unknown or revoked token; make one with: spanlake token create --project PROJECT --scope ' + scope,
      );
    }
    if (!allows(grant.scope, scope)) {
      throw new AccessError(403, `this token has the scope ${grant.scope}, and this needs ${scope}`);
    }
    return { projectId: grant.projectId, grant };
  }

  /**
   * The project of a person or script: by the header of a script, else by the cookie of a browser that
   * signed in. What changes something must not come from another site's page. Throws AccessError.
   */
  admitReader(request: Request, scope: 'read' | 'admin' = 'read'): Access {
    if (request.method !== 'GET' && request.method !== 'HEAD') checkSameOrigin(request);
    const token = bearerToken(request.headers.get('authorization'));
    if (token !== undefined) return this.admit(token, scope);
    // Browsers send a cookie to every port of a host: while this server is open it is another one's.
    return this.admit(this.open ? undefined : cookieToken(request), scope);
  }

  /**
   * While the server is open, any web page could reach it by a name that resolves to 127.0.0.1 (DNS
   * rebinding): only this machine's own names are served. Throws AccessError. `isOpen` as of `admit`.
   */
  checkHost(request: Request, isOpen?: boolean): void {
    const { insecure, listenHost } = this.#options;
    if (insecure || !(isOpen ?? this.open)) return;
    const host = hostName(request.headers.get('host') ?? '');
    if (host === listenHost || isLoopbackName(host)) return;
    throw new AccessError(
      403,
      'without tokens this server answers to localhost only; see: spanlake token create --help',
    );
  }
}

function allows(granted: TokenScope, asked: TokenScope): boolean {
  return granted === asked || (granted === 'admin' && asked === 'read');
}

function hostName(hostHeader: string): string {
  return hostHeader
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

function isLoopbackName(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/**
 * The token of an Authorization header. OTEL_EXPORTER_OTLP_HEADERS is W3C baggage, so "Bearer%20x" can
 * arrive as it was written; the scheme's case is free.
 */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  if (!authorization) return undefined;
  const match = /^\s*bearer(?:\s|%20)+(.*?)\s*$/i.exec(authorization);
  return match === null ? authorization.trim() : match[1];
}

function cookieToken(request: Request): string | undefined {
  const cookies = request.headers.get('cookie') ?? '';
  return new RegExp(`(?:^|;\\s*)${TOKEN_COOKIE}=([\\w-]+)(?:;|$)`).exec(cookies)?.[1];
}

/**
 * Refuses a state-changing request that another site's page made. Browsers say where a request comes
 * from (Sec-Fetch-Site, older ones Origin); programs say nothing, and carry no cookies. Throws AccessError.
 */
export function checkSameOrigin(request: Request): void {
  const site = request.headers.get('sec-fetch-site');
  const origin = request.headers.get('origin');
  const own =
    site !== null
      ? site === 'same-origin' || site === 'none'
      : origin === null || origin.replace(/^https?:\/\//, '') === request.headers.get('host');
  if (!own) throw new AccessError(403, 'this request came from another site');
}
