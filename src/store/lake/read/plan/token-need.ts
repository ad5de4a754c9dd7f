/**
 * What a condition needs of the attributes of a row group, as tokens: without them nothing there matches.
 * Pure: whoever knows the filters passes in what they say.
 */
import type { FieldExpression, Static } from '../../../../traceql/ast.ts';
import { keyHashOf, presenceToken, valueToken } from '../../files/tokens.ts';
import type { KeyHash, Token, TokenScope } from '../../files/tokens.ts';
import { conjuncts, leafOf } from '../scan/leaf.ts';
import type { Leaf } from '../scan/leaf.ts';

export type TokenNeed =
  | { readonly kind: 'all'; readonly parts: readonly TokenNeed[] }
  | { readonly kind: 'any'; readonly parts: readonly TokenNeed[] }
  | { readonly kind: 'token'; readonly token: Token; readonly scope: TokenScope; readonly key: string };

/** Undefined when spans without any attribute may match, or only a whole evaluation can tell. */
export function tokenNeed(condition: FieldExpression | null): TokenNeed | undefined {
  if (condition === null) return undefined;
  const parts = conjuncts(condition).map(needOfPart);
  return joined(
    'all',
    parts.filter((part) => part !== undefined),
  );
}

function needOfPart(part: FieldExpression): TokenNeed | undefined {
  if (part.kind === 'binary' && part.operator === '||') {
    const left = tokenNeed(part.left);
    const right = left && tokenNeed(part.right);
    return left && right && joined('any', [left, right]);
  }
  const leaf = leafOf(part);
  return leaf && needOfLeaf(leaf);
}

function joined(kind: 'all' | 'any', parts: readonly TokenNeed[]): TokenNeed | undefined {
  return parts.length > 1 ? { kind, parts } : parts[0];
}

/** A leaf that a missing attribute does not satisfy needs the key; an equality the value too. */
function needOfLeaf(leaf: Leaf): TokenNeed | undefined {
  const { field, comparison } = leaf;
  if (field.kind !== 'attribute' || leaf.test([])) return undefined;
  const literal = comparison?.operator === '=' ? comparison.literal : undefined;
  const scopes: readonly TokenScope[] = field.scope === 'any' ? ['span', 'resource'] : [field.scope];
  const parts = scopes.map((scope): TokenNeed => {
    const hash = keyHashOf(scope, field.key);
    const token = (literal && tokenOfLiteral(hash, literal)) ?? presenceToken(hash);
    return { kind: 'token', token, scope, key: field.key };
  });
  return joined('any', parts);
}

/** Undefined for what equals no attribute's value, or has no token. */
function tokenOfLiteral(key: KeyHash, literal: Static): Token | undefined {
  switch (literal.type) {
    case 'string':
    case 'int':
    case 'duration':
    case 'float':
    case 'bool':
      return valueToken(key, literal.value);
    case 'status':
    case 'kind':
    case 'nil':
    case 'opaque':
      return undefined;
  }
}

export function isMet(need: TokenNeed, mayHave: (token: Token) => boolean): boolean {
  switch (need.kind) {
    case 'all':
      return need.parts.every((part) => isMet(part, mayHave));
    case 'any':
      return need.parts.some((part) => isMet(part, mayHave));
    case 'token':
      return mayHave(need.token);
  }
}

/** Whether some part of the need passes the test. */
export function anyToken(
  need: TokenNeed,
  test: (need: Extract<TokenNeed, { kind: 'token' }>) => boolean,
): boolean {
  return need.kind === 'token' ? test(need) : need.parts.some((part) => anyToken(part, test));
}
