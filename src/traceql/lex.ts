/** Text to tokens. */
import type { AttributeFieldScope, Intrinsic, Static } from './ast.ts';
import { TraceqlError } from './error.ts';
import { INTRINSICS, SCOPES } from './keywords.ts';
import { scanNumber, scanQuotedName, scanString } from './literals.ts';

export type Token = (
  | { readonly kind: 'symbol'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: Static }
  | {
      readonly kind: 'attribute';
      readonly scope: AttributeFieldScope;
      readonly parent: boolean;
      readonly key: string;
    }
  | { readonly kind: 'intrinsic'; readonly name: Intrinsic; readonly parent: boolean }
  | { readonly kind: 'end' }
) & { readonly position: number; readonly end: number };

/** By their first character; longest first where one begins with another. */
const SYMBOLS: ReadonlyMap<string, readonly string[]> = Map.groupBy(
  '!>> !<< &>> &<< != =~ !~ >= <= && || >> << !> !< &~ &> &< { } ( ) = > < + - * / % ^ ! | ~ ,'.split(' '),
  (symbol) => symbol[0],
);

/** What stands in TraceQL for what other languages write. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ["'", 'text in double quotes or backticks'],
  ['&', '"&&"'],
  ['#', '"//" before a comment'],
]);

const WORD = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
/** White space and Go's comments. */
const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
/** An attribute's name goes on to a blank or one of these: "+", "-", "*" and "/" belong to it. */
const NAME_PART = /[^\s{}()=~!<>&|^,"]+/y;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = skipBlank(text, 0);
  while (at < text.length) {
    const token = scanToken(text, at);
    tokens.push(token);
    at = skipBlank(text, token.end);
  }
  tokens.push({ kind: 'end', position: text.length, end: text.length });
  return tokens;
}

/** The tokens of a text that is still being typed, up to `stop`: its end, or where something is no token. */
export function tokensSoFar(text: string): { readonly tokens: readonly Token[]; readonly stop: number } {
  const tokens: Token[] = [];
  let at = 0;
  try {
    at = skipBlank(text, 0);
    while (at < text.length) {
      const token = scanToken(text, at);
      tokens.push(token);
      at = token.end;
      at = skipBlank(text, at);
    }
  } catch (error) {
    if (!(error instanceof TraceqlError)) throw error;
  }
  return { tokens, stop: at };
}

/**
 * Where the first selector of a longer text ends: behind the first "}" that belongs to no string, name or
 * comment. Undefined without one. Throws TraceqlError for what is no token before it.
 */
export function endOfSelector(text: string, start: number): number | undefined {
  let at = skipBlank(text, start);
  while (at < text.length) {
    const token = scanToken(text, at);
    if (token.kind === 'symbol' && token.text === '}') return token.end;
    at = skipBlank(text, token.end);
  }
  return undefined;
}

function skipBlank(text: string, at: number): number {
  BLANK.lastIndex = at;
  const end = BLANK.test(text) ? BLANK.lastIndex : at;
  if (text.startsWith('/*', end))
    throw new TraceqlError(text.length, 'the end of the query', 'a closing "*/"');
  return end;
}

function scanToken(text: string, at: number): Token {
  const first = text[at];
  if (first === '"' || first === '`') {
    const { value, end } = scanString(text, at);
    return { kind: 'literal', value: { type: 'string', value }, position: at, end };
  }
  if (isDigit(text, at) || (first === '.' && isDigit(text, at + 1))) {
    const { value, end } = scanNumber(text, at);
    return { kind: 'literal', value, position: at, end };
  }
  if (first === '.') return scanAttribute(text, at, at + 1, 'any', false);
  WORD.lastIndex = at;
  const word = WORD.exec(text);
  if (word !== null) return scanWord(text, at, word[0]);
  const symbol = SYMBOLS.get(first)?.find((each) => text.startsWith(each, at));
  if (symbol === undefined) {
    const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
    throw new TraceqlError(at, JSON.stringify(found), MEANT.get(found) ?? 'a field, value or operator');
  }
  return { kind: 'symbol', text: symbol, position: at, end: at + symbol.length };
}

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0x30 && unit <= 0x39;
}

/** A word, or what a scope or `parent` with a "." or ":" right behind begins. */
function scanWord(text: string, position: number, word: string): Token {
  const end = position + word.length;
  if (text[end] === '.') {
    if (word === 'parent') return scanParentField(text, position, end + 1);
    if (isScope(word)) return scanAttribute(text, position, end + 1, word, false);
  }
  if (text[end] === ':' && (word === 'trace' || isScope(word))) {
    return scanScopedIntrinsic(text, position, word, end + 1);
  }
  return { kind: 'word', text: word, position, end };
}

function isScope(word: string): word is Exclude<AttributeFieldScope, 'any'> {
  return SCOPES.has(word);
}

function scanScopedIntrinsic(text: string, position: number, scope: string, afterColon: number): Token {
  WORD.lastIndex = skipBlank(text, afterColon);
  const at = WORD.lastIndex;
  const word = WORD.exec(text)?.[0] ?? '';
  const name = INTRINSICS.get(`${scope}:${word}`);
  if (name === undefined) {
    const known = [...INTRINSICS.keys()].filter((each) => each.startsWith(`${scope}:`));
    const found = word === '' ? foundAt(text, at) : JSON.stringify(word);
    throw new TraceqlError(at, found, known.length === 0 ? `"${scope}."` : known.join(', '));
  }
  return { kind: 'intrinsic', name, parent: false, position, end: at + word.length };
}

/** `parent.x`, `parent.span.x`, `parent.resource.x`, and intrinsics: `parent.name`, `parent.span:name`. */
function scanParentField(text: string, position: number, start: number): Token {
  for (const scope of ['span', 'resource'] as const) {
    if (text.startsWith(`${scope}.`, start)) {
      return scanAttribute(text, position, start + scope.length + 1, scope, true);
    }
  }
  const attribute = scanAttribute(text, position, start, 'any', true);
  const name = INTRINSICS.get(text.slice(start, attribute.end));
  return name === undefined
    ? attribute
    : { kind: 'intrinsic', name, parent: true, position, end: attribute.end };
}

function scanAttribute(
  text: string,
  position: number,
  start: number,
  scope: AttributeFieldScope,
  parent: boolean,
): Token {
  let key = '';
  let at = start;
  for (;;) {
    NAME_PART.lastIndex = at;
    const part = NAME_PART.exec(text);
    if (part !== null) {
      key += part[0];
      at = NAME_PART.lastIndex;
    } else if (text[at] === '"') {
      const quoted = scanQuotedName(text, at);
      key += quoted.value;
      at = quoted.end;
    } else {
      break;
    }
  }
  if (at === start) {
    throw new TraceqlError(
      at,
      foundAt(text, at),
      `an attribute's name after "${text.slice(position, start)}"`,
    );
  }
  return { kind: 'attribute', scope, parent, key, position, end: at };
}

function foundAt(text: string, at: number): string {
  if (at >= text.length) return 'the end of the query';
  return /\s/.test(text[at]) ? 'a blank' : JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0));
}
