/**
 * Regular expressions in RE2's syntax, fully anchored, "." matching newlines too. The common shapes (words
 * with "|" between, and a word with ".*" before or behind) need no automaton.
 */
import { RE2JS } from 're2js';
import { MAX_REGEX_COST, MAX_REGEX_PROGRAM } from '../limits.ts';
import { Automaton } from './regex-automaton.ts';
import { regexCost } from './regex-cost.ts';

/**
 * Undefined where time was up before there was a verdict, which only happens at a pace that somebody set
 * (regex-pace.ts): the text then satisfies neither =~ nor !~.
 */
export type TextMatcher = (text: string) => boolean | undefined;

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

/** What compiling it will cost, as `regexCost` counts; 0 for a pattern that needs no automaton. */
export function compileCost(pattern: string): number {
  return plainMatcher(pattern) === null ? regexCost(pattern) : 0;
}

function plainMatcher(pattern: string): TextMatcher | null {
  const words = plainWords(pattern);
  if (words !== null) {
    const wanted = new Set(words);
    return (text) => wanted.has(text);
  }
  const before = pattern.startsWith('.*');
  const behind = pattern.endsWith('.*') && pattern.length > 2;
  const rest = plainWords(pattern.slice(before ? 2 : 0, behind ? -2 : undefined));
  if (rest === null || rest.length !== 1) return null;
  const [word] = rest;
  if (before && behind) return (text) => text.includes(word);
  return before ? (text) => text.endsWith(word) : (text) => text.startsWith(word);
}

const OPERATORS: ReadonlySet<string> = new Set('^$.|?*+()[]{}');

/** The words that `|` parts, if the pattern has no other operator: then it needs no automaton. */
function plainWords(pattern: string): string[] | null {
  const words: string[] = [];
  let word = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '|') {
      words.push(word);
      word = '';
    } else if (char === '\\') {
      // Escaped punctuation means itself; `\d` and its like don't.
      at++;
      if (!/^[!-/:-@[-`{-~]$/.test(pattern[at] ?? '')) return null;
      word += pattern[at];
    } else if (OPERATORS.has(char)) {
      return null;
    } else {
      word += char;
    }
  }
  return [...words, word];
}

function automaton(pattern: string): TextMatcher {
  if (regexCost(pattern) > MAX_REGEX_COST) throw new RegexError('too large');
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    if (compiled.programSize() > MAX_REGEX_PROGRAM) throw new Error('too large');
    let made: Automaton | undefined;
    return (text) => (made ??= new Automaton(compiled)).matches(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RegexError(message.replace(/^error parsing regexp: /, ''));
  }
}
