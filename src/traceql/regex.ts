/**
 * Regular expressions in RE2's syntax, fully anchored, "." matching newlines too. The common shapes (words
 * with "|" between, and a word with ".*" before or behind) need no automaton.
 */
import { RE2JS } from 're2js';
import { MAX_REGEX_PROGRAM } from '../limits.ts';

export type TextMatcher = (text: string) => boolean;

const MAX_CACHED = 256;
/** In order of last use. A pattern is compiled once, however many values it is asked about. */
const cache = new Map<string, TextMatcher>();

/** Throws RegexError for a pattern that does not compile. */
export function regexMatcher(pattern: string): TextMatcher {
  const matcher = cache.get(pattern) ?? plainMatcher(pattern) ?? automaton(pattern);
  cache.delete(pattern);
  cache.set(pattern, matcher);
  if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value ?? '');
  return matcher;
}

export class RegexError extends Error {
  override readonly name = 'RegexError';
}

/** Characters that mean themselves, and escaped punctuation, which does too. */
const WORD = /(?:[^\\^$.|?*+()[\]{}]|\\[!-/:-@[-`{-~])*/.source;
const WORDS = new RegExp(`^${WORD}(?:\\|${WORD})*$`);
const PLAIN = new RegExp(`^(\\.\\*)?(${WORD})(\\.\\*)?$`);
/** Longer ones go to the automaton: a native expression with nested repetition is no place for them. */
const MAX_PLAIN_CHARS = 8_192;

function plainMatcher(pattern: string): TextMatcher | null {
  if (pattern.length > MAX_PLAIN_CHARS) return null;
  if (WORDS.test(pattern)) {
    const words = new Set(alternatives(pattern).map(unescape));
    return (text) => words.has(text);
  }
  const match = PLAIN.exec(pattern);
  if (match === null) return null;
  const [, before, escaped, behind] = match;
  const word = unescape(escaped);
  if (before !== undefined && behind !== undefined) return (text) => text.includes(word);
  return before === undefined ? (text) => text.startsWith(word) : (text) => text.endsWith(word);
}

/** Parts between those "|" that no backslash escapes. */
function alternatives(pattern: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern[at] === '|') {
      parts.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, pattern.slice(start)];
}

function unescape(word: string): string {
  return word.replace(/\\(.)/gs, '$1');
}

function automaton(pattern: string): TextMatcher {
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    if (compiled.programSize() > MAX_REGEX_PROGRAM) throw new Error('too large');
    return (text) => compiled.matches(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RegexError(message.replace(/^error parsing regexp: /, ''));
  }
}
