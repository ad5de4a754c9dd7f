/**
 * What could stand at a place of a query that is still being typed. The parser itself decides: a candidate is put
 * behind the text before the place, and fits if the parser has nothing against it.
 */
import type { AttributeField, IntrinsicField, Query } from './ast.ts';
import { MATCH_ALL, fieldFromText } from './build.ts';
import { TraceqlError } from './error.ts';
import { CONSTANTS, INTRINSICS, intrinsicType } from './keywords.ts';
import type { FieldType } from './keywords.ts';
import { tokensSoFar } from './lex.ts';
import type { Token } from './lex.ts';
import { parseQuery } from './parse.ts';
import { conditionOf } from './query.ts';

/** Some 40 candidates are parsed: at this length they take 3 ms. */
const MAX_CHARS = 4_000;

export interface Completion {
  /** What is replaced: UTF-16 units of the text that was asked about. */
  readonly from: number;
  readonly to: number;
  /** What is typed of it, without the opening quote of a text. */
  readonly typed: string;
  /** Attributes and intrinsics can stand here. */
  readonly fields: boolean;
  /** Values of a field can. */
  readonly values: ValuePlace | undefined;
  /** Operators, brackets, stages and functions that can. */
  readonly words: readonly string[];
}

export interface ValuePlace {
  readonly field: AttributeField | IntrinsicField;
  readonly type: FieldType;
  /** `=~` and `!~` take texts alone. */
  readonly isPattern: boolean;
  /** `=` and `!=` take nil too. */
  readonly isEquality: boolean;
  /** The opening quote that is there already, '' when there is none. */
  readonly quote: '' | '"' | '`';
  /** The spans that the conditions before it leave; every span where that can't be told. */
  readonly among: Query;
}

const COMPARISONS = ['=', '!=', '>', '>=', '<', '<=', '=~', '!~'];
const OTHER_WORDS: readonly string[] = [
  '&&',
  '||',
  '}',
  ')',
  '{',
  '|',
  '>>',
  '>',
  '~',
  '<<',
  '<',
  'rate()',
  'count_over_time()',
  'quantile_over_time(',
  'avg_over_time(',
  'max_over_time(',
  'min_over_time(',
  'sum_over_time(',
  'histogram_over_time(',
  'compare(',
  'by(',
  'topk(',
  'bottomk(',
  'count()',
  'avg(',
  'max(',
  'min(',
  'sum(',
  'select(',
  'coalesce()',
];
/** An aggregate behind one of these is a number where a selector is wanted. */
const STRUCTURAL = /(?:>>|<<|[~<>]|&&|\|\|)\s*$/;

/** Undefined where nothing can be said: within a comment, behind what is no TraceQL, in a text that is too long. */
export function completionAt(text: string, at: number): Completion | undefined {
  if (text.length > MAX_CHARS || at < 0 || at > text.length) return undefined;
  const bare = isBare(text);
  const start = bare ? '{ ' : '';
  const found = complete(start + text, at + start.length, bare);
  return found && { ...found, from: found.from - start.length, to: found.to - start.length };
}

/** A condition without its braces: the search puts them around it. */
function isBare(text: string): boolean {
  const code = text.replaceAll(/"(?:[^"\\]|\\.)*"?|`[^`]*`?/gs, '');
  return !/[{|]/.test(code) && !/^\s*(?:\(|(?:count|avg|min|max|sum|by|select)\s*\()/.test(code);
}

interface Word {
  readonly from: number;
  readonly tokens: readonly Token[];
  readonly quote: '' | '"' | '`';
}

function complete(text: string, at: number, bare: boolean): Completion | undefined {
  const word = wordBefore(text, at);
  if (word === undefined) return undefined;
  const { from, tokens, quote } = word;
  const values = valuePlace(text, tokens, quote);
  const span = { from, to: endOfWord(text, from, at), typed: text.slice(from + quote.length, at) };
  if (quote !== '') return values && { ...span, fields: false, values, words: [] };
  const head = text.slice(0, from);
  if (head !== '' && !isBlankEnd(head) && !canFollow(head)) return undefined;
  const words = wordsAt(head, tokens, bare);
  const fields = fits(head, '.x');
  if (!fields && values === undefined && words.length === 0) return undefined;
  return { ...span, fields: fields && values === undefined, values, words: values ? [] : words };
}

function isBlankEnd(head: string): boolean {
  return /\s$/.test(head);
}

/** What a word may touch; behind a text or a number it would be read as one with it, or look so. */
function canFollow(head: string): boolean {
  return /[{}()=~<>!&|,^%*/+-]$/.test(head);
}

/** The word that ends at the caret, and the tokens before it. */
function wordBefore(text: string, at: number): Word | undefined {
  const before = text.slice(0, at);
  const { tokens, stop } = tokensSoFar(before);
  if (stop < before.length) return unfinished(before, tokens, stop);
  const last = tokens.at(-1);
  if (last === undefined || last.end < at || last.kind === 'symbol' || last.kind === 'end') {
    // A comment that is not over yet swallows all that is typed.
    const comment = before.slice(last?.end ?? 0).lastIndexOf('//');
    if (comment >= 0 && !before.slice((last?.end ?? 0) + comment).includes('\n')) return undefined;
    return { from: at, tokens, quote: '' };
  }
  if (last.kind === 'literal' && /["`]$/.test(before)) return undefined;
  // "http.route" is a word and an attribute for the lexer; whoever types it means one name.
  let first = tokens.length - 1;
  while (first > 0 && tokens[first - 1].end === tokens[first].position && isName(tokens[first - 1])) first--;
  return { from: tokens[first].position, tokens: tokens.slice(0, first), quote: '' };
}

function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'attribute' || kind === 'intrinsic';
}

/** A text without its closing quote, or a scope without a name behind it: `"che`, `span.`, `trace:ro`. */
function unfinished(before: string, tokens: readonly Token[], stop: number): Word | undefined {
  const rest = before.slice(stop);
  if (rest[0] === '"' || rest[0] === '`') return { from: stop, tokens, quote: rest[0] };
  if (!/^\.$|^[\p{L}_][\p{L}\p{Nd}_.]*[.:]\s*[\p{L}\p{Nd}_]*$/u.test(rest)) return undefined;
  return { from: stop, tokens, quote: '' };
}

/** The word goes on behind the caret if it is one there too. */
function endOfWord(text: string, from: number, at: number): number {
  const { tokens, stop } = tokensSoFar(text);
  const whole = tokens.find((token) => token.position === from);
  if (whole === undefined || stop < text.length || whole.kind === 'symbol') return at;
  return Math.max(at, whole.end);
}

function valuePlace(
  text: string,
  tokens: readonly Token[],
  quote: ValuePlace['quote'],
): ValuePlace | undefined {
  const operator = tokens.at(-1);
  const left = tokens.at(-2);
  if (operator?.kind !== 'symbol' || !COMPARISONS.includes(operator.text) || left === undefined)
    return undefined;
  const field = fieldOf(left);
  if (field === undefined) return undefined;
  return {
    field,
    type: field.kind === 'intrinsic' ? intrinsicType(field.name) : 'attribute',
    isPattern: operator.text === '=~' || operator.text === '!~',
    isEquality: operator.text === '=' || operator.text === '!=',
    quote,
    among: among(text, tokens.slice(0, -2)),
  };
}

function fieldOf(token: Token): AttributeField | IntrinsicField | undefined {
  switch (token.kind) {
    case 'attribute':
      return { kind: 'attribute', scope: token.scope, parent: false, key: token.key, position: 0 };
    case 'intrinsic':
      return { kind: 'intrinsic', name: token.name, parent: false, position: 0 };
    case 'word': {
      if (!INTRINSICS.has(token.text) || CONSTANTS.has(token.text)) return undefined;
      const field = fieldFromText(token.text);
      return field.kind === 'intrinsic' ? field : undefined;
    }
    case 'symbol':
    case 'literal':
    case 'end':
      return undefined;
  }
}

/** The conditions of the same selector that stand before, if "&&" joins what is typed now to them. */
function among(text: string, before: readonly Token[]): Query {
  const joined = before.at(-1);
  const brace = before.findLast((token) => token.kind === 'symbol' && token.text === '{');
  if (joined?.kind !== 'symbol' || joined.text !== '&&' || brace === undefined) return MATCH_ALL;
  const query = parsed(`${text.slice(brace.position, joined.position)}}`);
  return query !== undefined && conditionOf(query) !== undefined ? query : MATCH_ALL;
}

function parsed(text: string): Query | undefined {
  try {
    return parseQuery(text);
  } catch (error) {
    if (error instanceof TraceqlError) return undefined;
    throw error;
  }
}

function wordsAt(head: string, tokens: readonly Token[], bare: boolean): readonly string[] {
  const last = tokens.at(-1);
  const before = tokens.at(-2);
  const isCompared = before?.kind === 'symbol' && COMPARISONS.includes(before.text);
  // Behind a field that is not compared yet the parser would take "&&" too: it is the rare wish.
  if (last !== undefined && fieldOf(last) !== undefined && !isCompared) {
    return COMPARISONS.filter((word) => fits(head, word) && suits(word, last));
  }
  return OTHER_WORDS.filter((word) => !(bare && word === '}') && fits(head, word) && isSound(head, word));
}

/** No order among words of a keyword type, no patterns for numbers. */
function suits(operator: string, token: Token): boolean {
  const field = fieldOf(token);
  const type = field?.kind === 'intrinsic' ? intrinsicType(field.name) : 'attribute';
  const isText = type === 'string' || type === 'attribute';
  if (operator === '=~' || operator === '!~') return isText;
  return operator === '=' || operator === '!=' || (type !== 'status' && type !== 'kind' && type !== 'nil');
}

/** What the parser takes and nobody means: structure inside of braces, and numbers joined with spansets. */
function isSound(head: string, word: string): boolean {
  if (word === '>' || word === '<' || word === '~') return /[})]\s*$/.test(head);
  return word === '{' || !/^\w/.test(word) || !STRUCTURAL.test(head);
}

/** True if the parser reads past `word`, or wants something only behind it. */
function fits(head: string, word: string): boolean {
  const text = `${head}${head === '' || isBlankEnd(head) ? '' : ' '}${word}`;
  try {
    parseQuery(text);
    return true;
  } catch (error) {
    if (!(error instanceof TraceqlError)) throw error;
    return error.position >= text.length;
  }
}
