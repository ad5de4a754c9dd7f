/**
 * Retention rules as text, one a line (`;` parts them too), the first that finds a trace decides:
 *
 *     # errors stay a month
 *     { status = error } 30d
 *     {} 7d
 *
 * A rule is a TraceQL selector that one span can answer, and an age in h, d, w or y (365 d).
 */
import { analyse } from '../traceql/analyse.ts';
import type { FieldExpression } from '../traceql/ast.ts';
import { TraceqlError } from '../traceql/error.ts';
import { endOfSelector } from '../traceql/lex.ts';
import { parseQuery } from '../traceql/parse.ts';
import { printExpression } from '../traceql/print.ts';
import { QuestionError } from './span-store.ts';
import type { RetentionPolicy, RetentionRule } from './store-upkeep.ts';
import { expectCondition } from '../traceql/query.ts';

/** Each is tested against every span of a file that comes of age. */
const MAX_RULES = 50;
const MAX_TEXT_CHARS = 64 * 1024;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Below it a trace could go while its last spans are still on their way. */
const MIN_AGE_MS = HOUR_MS;
/** A hundred years: far beyond what the clock can have seen. */
const MAX_AGE_MS = 36_500 * DAY_MS;

const AGE_UNITS: ReadonlyMap<string, number> = new Map([
  ['h', HOUR_MS],
  ['d', DAY_MS],
  ['w', 7 * DAY_MS],
  ['y', 365 * DAY_MS],
]);

const BLANKS = /(?:[\s;]|#[^\n]*)*/y;
const AGE = /[ \t]*([^\s;#]*)/y;
const REST = /[ \t]*(?:$|[;\n\r]|#)/y;

/** '' has no rules. Throws QuestionError, which names the line and what it should have been. */
export function parseRetentionRules(text: string): readonly RetentionRule[] {
  if (text.length > MAX_TEXT_CHARS) {
    throw new QuestionError('invalid_query', `retention rules have at most ${MAX_TEXT_CHARS} characters`);
  }
  const rules: RetentionRule[] = [];
  for (let at = skip(BLANKS, text, 0); at < text.length; at = skip(BLANKS, text, at)) {
    if (rules.length === MAX_RULES) throw problem(text, at, `more than ${MAX_RULES} rules`);
    const queryEnd = selectorEnd(text, at);
    const ageEnd = skip(AGE, text, queryEnd);
    const age = text.slice(queryEnd, ageEnd).trim();
    const maxAgeMs = parseAge(age);
    const ageAt = ageEnd - age.length;
    if (maxAgeMs === undefined) {
      const found = age === '' ? 'nothing' : JSON.stringify(shortened(age));
      throw problem(text, ageAt, `expected an age such as 12h, 30d, 8w or 1y, found ${found}`);
    }
    if (!endsRule(text, ageEnd)) throw problem(text, ageEnd, 'expected the end of the line after the age');
    const rule = { query: text.slice(at, queryEnd), maxAgeMs };
    checkRule(rule, (message, position, code) =>
      problem(text, position < 0 ? ageAt : at + position, message, code),
    );
    rules.push(rule);
    at = ageEnd;
  }
  return rules;
}

/** What `parseRetentionRules` reads back as the same rules. */
export function retentionText(rules: readonly RetentionRule[]): string {
  return rules.map((rule) => `${rule.query} ${ageText(rule.maxAgeMs)}`).join('\n');
}

/** Throws QuestionError for what is no retention policy. */
export function checkPolicy({ rules, maxBytes }: RetentionPolicy): void {
  if (rules.length > MAX_RULES) throw new QuestionError('invalid_query', `more than ${MAX_RULES} rules`);
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes > 0)) {
    throw new QuestionError('invalid_argument', `${maxBytes} is no number of bytes from 1`);
  }
  rules.forEach((rule, index) =>
    checkRule(
      rule,
      (message, position, code) =>
        new QuestionError(code, `rule ${index + 1}: ${message}`, position < 0 ? undefined : position),
    ),
  );
  if (retentionText(rules).length > MAX_TEXT_CHARS) {
    throw new QuestionError('invalid_query', `retention rules have at most ${MAX_TEXT_CHARS} characters`);
  }
}

/** The condition on a span, null for every span. For a rule that was checked. */
export function ruleCondition(rule: RetentionRule): FieldExpression | null {
  return analyse(expectCondition(parseQuery(rule.query))).scan;
}

/** `12h`, `30d`, `1.5d`, `2w`, `1y` in milliseconds; undefined for another text. */
export function parseAge(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s*([a-z])$/i.exec(text.trim());
  const unit = AGE_UNITS.get(match?.[2].toLowerCase() ?? '');
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** `7d`, `36h`: in days where they are whole. For an age that was checked. */
export function ageText(ms: number): string {
  return ms % DAY_MS === 0 ? `${ms / DAY_MS}d` : `${ms / HOUR_MS}h`;
}

type Problem = (
  message: string,
  position: number,
  code: 'invalid_query' | 'unsupported_query',
) => QuestionError;

/** `complain` gets positions within the query, -1 for the age. */
function checkRule({ query, maxAgeMs }: RetentionRule, complain: Problem): void {
  if (!(maxAgeMs >= MIN_AGE_MS && maxAgeMs <= MAX_AGE_MS)) {
    throw complain('an age is between 1h and 100y', -1, 'invalid_query');
  }
  if (maxAgeMs % HOUR_MS !== 0) throw complain('an age is a number of whole hours', -1, 'invalid_query');
  const condition = conditionOf(query, complain);
  const { needsTrace } = analyse(condition);
  if (condition !== null && needsTrace) {
    throw complain(
      `{ ${shortened(printExpression(condition))} } asks for more than one span can tell (a parent, the root, ` +
        'the whole trace); a retention rule asks for fields of a span, and decides for its trace',
      0,
      'unsupported_query',
    );
  }
}

function conditionOf(query: string, complain: Problem): FieldExpression | null {
  try {
    // Alone in the text, so that a rule read back from text is the same rule.
    if (!query.startsWith('{') || endOfSelector(query, 0) !== query.length) {
      throw complain('expected a selector, as { status = error } or {}', 0, 'invalid_query');
    }
    return expectCondition(parseQuery(query));
  } catch (error) {
    if (!(error instanceof TraceqlError)) throw error;
    throw complain(`expected ${error.expected}, found ${error.found}`, error.position, error.code);
  }
}

function selectorEnd(text: string, start: number): number {
  const expected = 'expected a selector, as { status = error } or {}';
  if (text[start] !== '{')
    throw problem(text, start, `${expected}, found ${JSON.stringify(lineAt(text, start))}`);
  try {
    const end = endOfSelector(text, start);
    if (end !== undefined) return end;
  } catch (error) {
    if (!(error instanceof TraceqlError)) throw error;
    throw problem(text, error.position, `expected ${error.expected}, found ${error.found}`, error.code);
  }
  throw problem(text, start, 'expected "}" at the end of the selector');
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function endsRule(text: string, at: number): boolean {
  REST.lastIndex = at;
  return REST.test(text);
}

function problem(
  text: string,
  position: number,
  message: string,
  code: 'invalid_query' | 'unsupported_query' = 'invalid_query',
): QuestionError {
  const line = text.slice(0, position).split('\n').length;
  return new QuestionError(code, `line ${line}: ${message}`, position);
}

function lineAt(text: string, position: number): string {
  return shortened(text.slice(position).split(/[\n;]/, 1)[0]);
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
