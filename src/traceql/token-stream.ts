/** The parser's place in the tokens, with what all of its parts share: expectations, bounds and errors. */
import {
  MAX_QUERY_DEPTH,
  MAX_QUERY_OPERATORS,
  MAX_QUERY_SELECTORS,
  MAX_QUERY_STAGES,
  MAX_REGEX_COST,
} from '../limits.ts';
import { TraceqlError } from './error.ts';
import { tokenize, type Token } from './lex.ts';

export class TokenStream {
  private readonly tokens: readonly Token[];
  private index = 0;
  private depth = 0;
  private operators = 0;
  private stages = 0;
  private selectors = 0;
  private regexes = 0;

  /** Throws TraceqlError for what is no token. */
  constructor(private readonly text: string) {
    this.tokens = tokenize(text);
  }

  /** The next one; at last the token `end`, for ever. */
  get token(): Token {
    return this.tokens[this.index];
  }

  /** True behind "==", which other languages have for "=". */
  get isSecondEqualSign(): boolean {
    const before = this.tokens[this.index - 1];
    return (
      this.isSymbol('=') &&
      before?.kind === 'symbol' &&
      before.text === '=' &&
      before.end === this.token.position
    );
  }

  skip(): void {
    if (this.index < this.tokens.length - 1) this.index++;
  }

  isSymbol(symbol: string): boolean {
    const { token } = this;
    return token.kind === 'symbol' && token.text === symbol;
  }

  isWord(word: string): boolean {
    const { token } = this;
    return token.kind === 'word' && token.text === word;
  }

  takeSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.index++;
    return true;
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.index++;
    return true;
  }

  expectSymbol(symbol: string, expected = `"${symbol}"`): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(expected);
  }

  /** One level of parentheses or prefix operators deeper; `leave` undoes it. */
  enter(): void {
    this.count(++this.depth, MAX_QUERY_DEPTH, 'levels of nesting');
  }

  leave(): void {
    this.depth--;
  }

  countOperator(): void {
    this.count(++this.operators, MAX_QUERY_OPERATORS, 'operators');
  }

  countStage(): void {
    this.count(++this.stages, MAX_QUERY_STAGES, 'pipeline stages');
  }

  countSelector(): void {
    this.count(++this.selectors, MAX_QUERY_SELECTORS, 'selectors {...}');
  }

  /** A regular expression at `position`, that costs `cost` to compile. */
  countRegex(cost: number, position: number): void {
    this.regexes += cost;
    if (this.regexes <= MAX_REGEX_COST) return;
    throw new TraceqlError(
      position,
      'more',
      'regular expressions that are shorter, or have fewer repetitions',
    );
  }

  /** Throws TraceqlError, about the next token, for the one that is too many. */
  count(used: number, most: number, what: string): void {
    if (used > most) throw new TraceqlError(this.token.position, 'more', `at most ${most} ${what}`);
  }

  /** An error about the next token. */
  unexpected(expected: string): TraceqlError {
    return this.unexpectedAt(this.token, expected);
  }

  /** A string shows its own quotes. */
  unexpectedAt({ kind, position, end }: Token, expected: string): TraceqlError {
    if (kind === 'end') return new TraceqlError(position, 'the end of the query', expected);
    const source = this.text.slice(position, end);
    const shown = source.length > 40 ? `${source.slice(0, 40)}...` : source;
    return new TraceqlError(position, /^["`]/.test(source) ? shown : `"${shown}"`, expected);
  }
}
