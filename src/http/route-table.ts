/** Which methods a path knows, so that a wrong one is told so (405) instead of that there is nothing (404). */
export interface KnownRoute {
  readonly method: string;
  /** Elysia's form: `/traces/:id`, `/assets/*`. */
  readonly path: string;
}

export class RouteTable {
  readonly #patterns = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();

  constructor(routes: readonly KnownRoute[]) {
    for (const { method, path } of routes) {
      const known = this.#patterns.get(path) ?? { pattern: patternOf(path), methods: new Set() };
      known.methods.add(method);
      if (method === 'GET') known.methods.add('HEAD');
      this.#patterns.set(path, known);
    }
  }

  /** Sorted; empty for a path that nobody serves. */
  methods(pathname: string): readonly string[] {
    // The router serves `/x/` as `/x`.
    const path = pathname.replace(/(?<=.)\/$/, '');
    const found = [...this.#patterns.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].toSorted();
  }
}

function patternOf(path: string): RegExp {
  const parts = path.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : RegExp.escape(part);
  });
  return new RegExp(`^${parts.join('/')}$`);
}
