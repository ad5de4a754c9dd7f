/** Text to tree, by recursive descent: this file the whole query, the other `parse-*` files its parts. */
import { MAX_HINTS, MAX_QUERY_CHARS } from '../limits.ts';
import type { Hint, Query, Static } from './ast.ts';
import { isNumeric, negate } from './compare.ts';
import { TraceqlError } from './error.ts';
import { CONSTANTS } from './keywords.ts';
import { parseExpression } from './parse-pipeline.ts';
import { TokenStream } from './token-stream.ts';

/** Throws TraceqlError. */
export function parseQuery(text: string): Query {
  if (text.length > MAX_QUERY_CHARS) {
    throw new TraceqlError(
      MAX_QUERY_CHARS,
      `${text.length}`,
      `a query of at most ${MAX_QUERY_CHARS} characters`,
    );
  }
  const tokens = new TokenStream(text);
  const expression = parseExpression(tokens);
  const hints: Hint[] = [];
  while (tokens.takeWord('with')) parseHints(tokens, hints);
  if (tokens.token.kind !== 'end') throw tokens.unexpected('the end of the query');
  return { text, expression, hints };
}

/** `(key = value, ...)` behind `with`, added to `hints`. */
function parseHints(tokens: TokenStream, hints: Hint[]): void {
  tokens.expectSymbol('(', '"(" after "with"');
  do {
    tokens.count(hints.length + 1, MAX_HINTS, 'hints');
    const { token } = tokens;
    if (token.kind !== 'word') throw tokens.unexpected("a hint's name, as in with (most_recent=true)");
    tokens.skip();
    tokens.expectSymbol('=', `"=" after "${token.text}"`);
    hints.push({ key: token.text, value: hintValue(tokens), position: token.position });
  } while (tokens.takeSymbol(','));
  tokens.expectSymbol(')', '"," or ")"');
}

function hintValue(tokens: TokenStream): Static {
  const minus = tokens.takeSymbol('-');
  const { token } = tokens;
  const value =
    token.kind === 'literal' ? token.value : token.kind === 'word' ? CONSTANTS.get(token.text) : undefined;
  if (value === undefined || value.type === 'nil' || (minus && !isNumeric(value))) {
    throw tokens.unexpected(minus ? 'a number' : 'a value, such as true, 0.1 or "text"');
  }
  tokens.skip();
  return minus && isNumeric(value) ? negate(value) : value;
}
