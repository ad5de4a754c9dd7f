/**
 * Text to tree, by recursive descent. This version answers one span selector `{...}`; spanset operators,
 * pipelines and metrics are recognised as TraceQL and refused with their position.
 */
import { MAX_QUERY_CHARS, MAX_QUERY_DEPTH, MAX_QUERY_OPERATORS } from '../limits.ts';
import type { BinaryOperator, FieldExpression, Query, SpansetExpression } from './ast.ts';
import { checkCondition } from './check.ts';
import { isNumeric, negate } from './compare.ts';
import { TraceqlError } from './error.ts';
import { isComparison, isNil, precedence, prefixPrecedence } from './expression.ts';
import { CONSTANTS, idDigits, INTRINSICS } from './keywords.ts';
import { tokenize, type Token } from './lex.ts';

/** Throws TraceqlError. */
export function parseQuery(text: string): Query {
  if (text.length > MAX_QUERY_CHARS) {
    throw new TraceqlError(
      MAX_QUERY_CHARS,
      `${text.length}`,
      `a query of at most ${MAX_QUERY_CHARS} characters`,
    );
  }
  return { text, spanset: new Parser(text).query() };
}

const BINARY_OPERATORS: ReadonlyMap<string, BinaryOperator> = new Map(
  (['&&', '||', '=', '!=', '>', '>=', '<', '<=', '=~', '!~', '+', '-', '*', '/', '%', '^'] as const).map(
    (operator) => [operator, operator],
  ),
);

/** What may follow a selector, or begin a query, in the TraceQL that this version does not answer. */
const SPANSET_OPERATORS: ReadonlySet<string> = new Set(
  '&& || > >> < << ~ !> !>> !< !<< !~ &> &>> &< &<< &~ |'.split(' '),
);
const PIPELINE_STARTS: ReadonlySet<string> = new Set(['count', 'avg', 'max', 'min', 'sum', 'by', 'select']);

const ONE_SELECTOR = 'this version answers a single span selector {...}';
const OPERAND = 'a value or field';
const SCOPED_OPERAND = `${OPERAND}; an attribute begins with ".", "span." or "resource."`;

class Parser {
  private readonly tokens: readonly Token[];
  private index = 0;
  private depth = 0;
  private operators = 0;

  constructor(private readonly text: string) {
    this.tokens = tokenize(text);
  }

  query(): SpansetExpression {
    const spanset = this.spanset();
    const { token } = this;
    if (token.kind === 'end') return spanset;
    if (this.isUnanswered(token)) throw this.unsupported('the end of the query');
    throw this.unexpected('the end of the query');
  }

  private get token(): Token {
    return this.tokens[this.index];
  }

  private isUnanswered(token: Token): boolean {
    if (token.kind === 'word') return token.text === 'with';
    return token.kind === 'symbol' && SPANSET_OPERATORS.has(token.text);
  }

  /** Room for spanset operators: a loop over them by precedence around this. */
  private spanset(): SpansetExpression {
    const { token } = this;
    if (this.takeSymbol('(')) {
      this.enter(token);
      const inner = this.spanset();
      if (this.isUnanswered(this.token)) throw this.unsupported('")"');
      this.expectSymbol(')');
      this.depth--;
      return inner;
    }
    if (beginsOtherQuery(token)) throw this.unsupported('"{"');
    return this.filter();
  }

  private filter(): SpansetExpression {
    const { position } = this.token;
    this.expectSymbol('{');
    if (this.takeSymbol('}')) return { kind: 'filter', condition: null, position };
    const start = this.token.position;
    const condition = this.expression(1);
    this.expectSymbol('}', 'an operator or "}"');
    checkCondition(condition, start);
    return { kind: 'filter', condition, position };
  }

  /** Operators that bind as tight as `minimum` or tighter. */
  private expression(minimum: number): FieldExpression {
    let left = this.operand();
    for (;;) {
      const { token } = this;
      const operator = token.kind === 'symbol' ? BINARY_OPERATORS.get(token.text) : undefined;
      if (operator === undefined) return left;
      const binds = precedence(operator);
      if (binds < minimum) return left;
      this.countOperator(token);
      this.index++;
      // "^" groups from the right, all others from the left.
      const right = this.expression(operator === '^' ? binds : binds + 1);
      left = binary(operator, left, right, token.position);
    }
  }

  private operand(): FieldExpression {
    const { token } = this;
    switch (token.kind) {
      case 'symbol':
        return this.symbolOperand(token.text, token);
      case 'literal':
        this.index++;
        return { kind: 'literal', value: token.value, position: token.position };
      case 'attribute': {
        const { kind, scope, parent, key, position } = token;
        this.index++;
        return { kind, scope, parent, key, position };
      }
      case 'intrinsic': {
        const { kind, name, parent, position } = token;
        this.index++;
        return { kind, name, parent, position };
      }
      case 'word':
        return this.wordOperand(token.text, token.position);
      case 'end':
        throw this.unexpected(OPERAND);
    }
  }

  private symbolOperand(symbol: string, token: Token): FieldExpression {
    if (symbol === '!' || symbol === '-') {
      this.enter(token);
      this.countOperator(token);
      this.index++;
      const operand = this.expression(prefixPrecedence(symbol) + 1);
      this.depth--;
      return unary(symbol, operand, token.position);
    }
    if (!this.takeSymbol('(')) throw this.unexpected(OPERAND);
    this.enter(token);
    const inner = this.expression(1);
    if (isNil(inner)) {
      throw new TraceqlError(inner.position, 'nil in parentheses', 'nil right beside "=" or "!="');
    }
    this.expectSymbol(')', 'an operator or ")"');
    this.depth--;
    return inner;
  }

  private wordOperand(word: string, position: number): FieldExpression {
    const value = CONSTANTS.get(word);
    const name = INTRINSICS.get(word);
    if (value === undefined && name === undefined) throw this.unexpected(SCOPED_OPERAND);
    this.index++;
    if (value !== undefined) return { kind: 'literal', value, position };
    return { kind: 'intrinsic', name: name ?? 'span:name', parent: false, position };
  }

  private takeSymbol(symbol: string): boolean {
    const { token } = this;
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.index++;
    return true;
  }

  private expectSymbol(symbol: string, expected = `"${symbol}"`): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(expected);
  }

  private enter(token: Token): void {
    if (++this.depth <= MAX_QUERY_DEPTH) return;
    throw new TraceqlError(token.position, 'more', `at most ${MAX_QUERY_DEPTH} levels of nesting`);
  }

  private countOperator(token: Token): void {
    if (++this.operators <= MAX_QUERY_OPERATORS) return;
    throw new TraceqlError(token.position, 'more', `at most ${MAX_QUERY_OPERATORS} operators`);
  }

  private unexpected(expected: string): TraceqlError {
    return new TraceqlError(this.token.position, this.found(), expected);
  }

  private unsupported(expected: string): TraceqlError {
    const { position } = this.token;
    return new TraceqlError(position, this.found(), `${expected}: ${ONE_SELECTOR}`, 'unsupported_query');
  }

  /** A string shows its own quotes. */
  private found(): string {
    const { kind, position, end } = this.token;
    if (kind === 'end') return 'the end of the query';
    const source = this.text.slice(position, end);
    const shown = source.length > 40 ? `${source.slice(0, 40)}...` : source;
    return /^["`]/.test(source) ? shown : `"${shown}"`;
  }
}

/** An aggregate, or the number of a calculation with metrics: `100 * ({} | rate())`. */
function beginsOtherQuery(token: Token): boolean {
  if (token.kind === 'word') return PIPELINE_STARTS.has(token.text);
  return token.kind === 'literal' ? isNumeric(token.value) : token.kind === 'symbol' && token.text === '-';
}

/** The sign of a number belongs to it: `-1` is a literal. */
function unary(operator: '!' | '-', operand: FieldExpression, position: number): FieldExpression {
  if (operator === '-' && operand.kind === 'literal' && isNumeric(operand.value)) {
    return { kind: 'literal', value: negate(operand.value), position };
  }
  return { kind: 'unary', operator, operand, position };
}

function binary(
  operator: BinaryOperator,
  left: FieldExpression,
  right: FieldExpression,
  position: number,
): FieldExpression {
  if (!isComparison(operator) || operator === '=~' || operator === '!~') {
    return { kind: 'binary', operator, left, right, position };
  }
  return { kind: 'binary', operator, left: wholeId(left, right), right: wholeId(right, left), position };
}

/** Ids may be written without their leading zeros and in upper case; the tree has them as they are stored. */
function wholeId(expression: FieldExpression, other: FieldExpression): FieldExpression {
  if (expression.kind !== 'literal' || expression.value.type !== 'string') return expression;
  const digits = other.kind === 'intrinsic' ? idDigits(other.name) : 0;
  const { value } = expression.value;
  if (digits === 0 || !/^[0-9a-fA-F]+$/.test(value)) return expression;
  return { ...expression, value: { type: 'string', value: value.toLowerCase().padStart(digits, '0') } };
}
