/** JSON as a tree of its own texts: numbers stay as they were written, however large. */

export type JsonNode =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: string, value: JsonNode])[] };

/** What is longer, deeper or of more parts is shown as text. */
const MAX_CHARS = 100_000;
const MAX_DEPTH = 40;
const MAX_NODES = 2_000;

/** Undefined for what is no JSON object or array, or too large to be laid out. */
export function jsonNodes(text: string): JsonNode | undefined {
  if (text.length > MAX_CHARS || !/^\s*[[{]/.test(text) || depthOf(text) > MAX_DEPTH) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return new Reader(text).root();
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const match of text.matchAll(/[[{]|[\]}]/g)) {
    depth += match[0] === '[' || match[0] === '{' ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+)/gy;

/** Of a text that is JSON. */
class Reader {
  readonly #tokens: string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = [...text.matchAll(TOKEN)].map((match) => match[1]);
  }

  root(): JsonNode | undefined {
    return this.#tokens.length > MAX_NODES * 4 ? undefined : this.#node();
  }

  #node(): JsonNode {
    const token = this.#next();
    if (token === '[') return { kind: 'array', items: this.#list(']', () => this.#node()) };
    if (token === '{') {
      return {
        kind: 'object',
        entries: this.#list('}', () => {
          const key = this.#next();
          this.#next();
          return [key, this.#node()] as const;
        }),
      };
    }
    return { kind: 'scalar', text: token };
  }

  #list<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    while (this.#tokens[this.#at] !== end) {
      items.push(item());
      if (this.#tokens[this.#at] === ',') this.#at++;
    }
    this.#at++;
    return items;
  }

  #next(): string {
    return this.#tokens[this.#at++];
  }
}
