/**
 * What stands around selectors: operators between spansets, pipelines, scalars, and metrics. One loop by
 * precedence reads all of them; which of the three kinds its operands are decides what an operator means.
 */
import { MAX_SELECT_FIELDS } from '../limits.ts';
import type { Literal, MetricsExpression, SpansetExpression, SpansetStage, Static } from './ast.ts';
import { checkAggregate, checkGroup } from './check.ts';
import { isNumeric, negate } from './compare.ts';
import { arithmeticOf, operatorPrecedence, precedence } from './expression.ts';
import { CONSTANTS, INTRINSICS } from './keywords.ts';
import { combineTerms, type Term } from './parse-terms.ts';
import { EQUAL_SIGN, parseField, parseFieldExpression, parseSelector } from './parse-field.ts';
import { metricsName, parseMetricsAggregate, parseMetricsStages } from './parse-metrics.ts';
import type { Token } from './lex.ts';
import type { TokenStream } from './token-stream.ts';

const AGGREGATES = new Map(
  (['count', 'avg', 'min', 'max', 'sum'] as const).map((name): [string, typeof name] => [name, name]),
);
const COMPARISON = 'a comparison, such as "> 2"';
const STAGE =
  'a selector {...}, count(), avg(), min(), max() or sum(), by(), select(), coalesce(), or a metrics function';
const NUMBER = 'a number';
const START = 'a selector, such as { status = error }';
const RIGHT_SPANSET = 'a selector {...} or "("';
const SPANSETS_EXPECTED: ReadonlySet<string> = new Set([START, STAGE, RIGHT_SPANSET]);
const CALCULATED = 'an operator and what the number is calculated with, such as count()';
const COMPARISONS_BIND = precedence('=');

/** The whole query but for its hints. Throws TraceqlError. */
export function parseExpression(tokens: TokenStream): SpansetExpression | MetricsExpression {
  const term = pipeline(tokens);
  switch (term.kind) {
    case 'spansets':
      expectEnd(tokens, 'an operator, "|" or the end of the query');
      return term.expression;
    case 'metrics':
      expectEnd(tokens, metricsEnd(tokens, term.expression, 'the end of the query'));
      return term.expression;
    case 'scalar':
      throw tokens.unexpected(term.expression.kind === 'literal' ? CALCULATED : COMPARISON);
  }
}

function expectEnd(tokens: TokenStream, expected: string): void {
  if (tokens.token.kind !== 'end' && !tokens.isWord('with')) throw tokens.unexpected(expected);
}

/** What can follow metrics up to `end`, said for what does. */
function metricsEnd(tokens: TokenStream, expression: MetricsExpression, end: string): string {
  const { token } = tokens;
  if (token.kind === 'symbol' && arithmeticOf(token.text) !== undefined) {
    return 'parentheses around metrics that are calculated with, as in ({} | rate()) * 60';
  }
  if (tokens.isWord('by')) return 'one "by (...)", right behind a metrics function that is not compare()';
  const groups =
    expression.kind === 'metrics' &&
    expression.aggregate.kind !== 'compare' &&
    expression.aggregate.by.length === 0;
  const by = groups && expression.stages.length === 0 ? '"by (...)", ' : '';
  return `${by}a comparison, "| topk(n)", "| bottomk(n)" or ${end}`;
}

/** Up to a ")", `with` or the end. */
function pipeline(tokens: TokenStream): Term {
  const { position } = tokens.token;
  const stages: SpansetStage[] = [];
  for (;;) {
    const name = metricsName(tokens);
    if (name !== undefined) {
      if (stages.length === 0)
        throw tokens.unexpected(`a selector and "|" before ${name}(), as in {} | rate()`);
      const aggregate = parseMetricsAggregate(tokens, name);
      return metrics(tokens, {
        kind: 'metrics',
        source: pipelineOf(stages, position),
        aggregate,
        stages: [],
        position,
      });
    }
    const stage = spansetStage(tokens, stages.length === 0);
    if (stage.kind === 'metrics') return metrics(tokens, stage.expression);
    if (stage.kind === 'scalar') return scalarEnd(tokens, stage, stages, position);
    if (stage.kind === 'spansets') addStage(stages, stage.expression);
    else stages.push(checkedEnd(tokens, stage));
    if (!tokens.isSymbol('|'))
      return { kind: 'spansets', expression: pipelineOf(stages, position), open: false };
    tokens.countStage();
    tokens.skip();
  }
}

/** Behind `by`, `coalesce` and `select` no operator stands. */
function checkedEnd<S extends SpansetStage>(tokens: TokenStream, stage: S): S {
  const { token } = tokens;
  if (token.kind !== 'symbol' || operatorPrecedence(token.text) === undefined) return stage;
  throw tokens.unexpected('"|", or parentheses around a pipeline, as in ({} | by(name)) && {}');
}

/** A pipeline in parentheses is no other than its stages. */
function addStage(stages: SpansetStage[], expression: SpansetExpression): void {
  if (expression.kind === 'pipeline') stages.push(...expression.stages);
  else stages.push(expression);
}

/** `by(x)` and `select(x)` alone are asked of all spans. */
function pipelineOf(stages: readonly SpansetStage[], position: number): SpansetExpression {
  if (stages.length > 1) return { kind: 'pipeline', stages, position };
  const [only] = stages;
  if (only.kind !== 'by' && only.kind !== 'select' && only.kind !== 'coalesce') return only;
  return { kind: 'pipeline', stages: [{ kind: 'filter', condition: null, position }, only], position };
}

function metrics(tokens: TokenStream, expression: MetricsExpression): Term {
  const behind = tokens.token;
  const stages = parseMetricsStages(tokens, stageNumber);
  if (stages.length === 0) return { kind: 'metrics', expression };
  if (expression.kind === 'metrics' && expression.aggregate.kind === 'compare') {
    throw tokens.unexpectedAt(behind, 'the end of the query: compare() stands alone');
  }
  return { kind: 'metrics', expression: { ...expression, stages: [...expression.stages, ...stages] } };
}

/** A scalar ends a pipeline only in parentheses: as a number of each of its spansets. */
function scalarEnd(
  tokens: TokenStream,
  term: Extract<Term, { kind: 'scalar' }>,
  stages: readonly SpansetStage[],
  position: number,
): Term {
  const { expression } = term;
  if (stages.length === 0) return term;
  if (expression.kind === 'literal') throw tokens.unexpected(CALCULATED);
  if (!tokens.isSymbol(')') || expression.kind !== 'aggregate') throw tokens.unexpected(COMPARISON);
  const source = pipelineOf(stages, position);
  return { kind: 'scalar', expression: { kind: 'scalar pipeline', source, aggregate: expression, position } };
}

type Stage = Term | Exclude<SpansetStage, SpansetExpression>;

function spansetStage(tokens: TokenStream, first: boolean): Stage {
  const { token } = tokens;
  const { position } = token;
  switch (token.kind === 'word' ? token.text : '') {
    case 'by': {
      tokens.skip();
      tokens.expectSymbol('(', '"(" after "by"');
      const start = tokens.token.position;
      const expression = parseFieldExpression(tokens);
      tokens.expectSymbol(')', 'an operator or ")"');
      checkGroup(expression, start);
      return { kind: 'by', expression, position };
    }
    case 'coalesce':
      if (first)
        throw tokens.unexpected('spansets and "|" before coalesce(), as in {} | by(name) | coalesce()');
      tokens.skip();
      tokens.expectSymbol('(', '"(" after "coalesce"');
      tokens.expectSymbol(')', '")": coalesce() takes nothing');
      return { kind: 'coalesce', position };
    case 'select': {
      tokens.skip();
      tokens.expectSymbol('(', '"(" after "select"');
      const fields = [parseField(tokens)];
      while (tokens.takeSymbol(',')) {
        tokens.count(fields.length + 1, MAX_SELECT_FIELDS, 'fields in select()');
        fields.push(parseField(tokens));
      }
      tokens.expectSymbol(')', '"," or ")"');
      return { kind: 'select', fields, position };
    }
    default:
      return term(tokens, 1, first ? START : STAGE);
  }
}

/** Operators that bind as tight as `minimum` or tighter. */
function term(tokens: TokenStream, minimum: number, expected: string): Term {
  let left = primary(tokens, expected);
  for (;;) {
    const { token } = tokens;
    const binds = token.kind === 'symbol' ? operatorPrecedence(token.text) : undefined;
    if (token.kind !== 'symbol' || binds === undefined || binds < minimum) return left;
    // Behind metrics a comparison is a stage of its own.
    if (left.kind === 'metrics' && binds === COMPARISONS_BIND) return left;
    tokens.countOperator();
    tokens.skip();
    const start = tokens.token;
    const right = term(tokens, token.text === '^' ? binds : binds + 1, rightOf(left));
    left = combineTerms(tokens, token, left, right, start);
  }
}

function rightOf(left: Term): string {
  switch (left.kind) {
    case 'spansets':
      return RIGHT_SPANSET;
    case 'scalar':
      return 'a number or an aggregate, such as count()';
    case 'metrics':
      return 'a number or metrics in parentheses, such as ({} | rate())';
  }
}

function primary(tokens: TokenStream, expected: string): Term {
  const { token } = tokens;
  if (tokens.isSymbol('{')) return { kind: 'spansets', expression: parseSelector(tokens), open: false };
  if (tokens.isSymbol('(')) {
    tokens.enter();
    tokens.skip();
    const inner = pipeline(tokens);
    tokens.expectSymbol(')', closing(tokens, inner));
    tokens.leave();
    return inner;
  }
  if (tokens.isSymbol('-') || numberOf(token) !== undefined) {
    return { kind: 'scalar', expression: number(tokens) };
  }
  if (token.kind === 'word' && AGGREGATES.has(token.text)) return aggregate(tokens);
  throw tokens.unexpected(tokens.isSecondEqualSign ? EQUAL_SIGN : hintOr(expected, token));
}

function closing(tokens: TokenStream, inner: Term): string {
  if (tokens.isWord('with')) return '")": with (...) stands at the very end of a query';
  switch (inner.kind) {
    case 'spansets':
      return 'an operator, "|" or ")"';
    case 'scalar':
      return 'an operator or ")"';
    case 'metrics':
      return metricsEnd(tokens, inner.expression, '")"');
  }
}

/** What to say of a token that begins nothing: what was meant, if that shows, else what may stand here. */
function hintOr(expected: string, token: Token): string {
  if (token.kind === 'word' && (token.text === 'topk' || token.text === 'bottomk')) {
    return `a metrics function before ${token.text}(), as in {} | rate() by (name) | ${token.text}(5)`;
  }
  return SPANSETS_EXPECTED.has(expected) && beginsCondition(token)
    ? 'a selector: conditions stand in braces, as in { status = error }'
    : expected;
}

function beginsCondition(token: Token): boolean {
  if (token.kind === 'word') return INTRINSICS.has(token.text) || CONSTANTS.has(token.text);
  return (
    token.kind === 'attribute' ||
    token.kind === 'intrinsic' ||
    (token.kind === 'symbol' && token.text === '!')
  );
}

function aggregate(tokens: TokenStream): Term {
  const { token } = tokens;
  const name = token.kind === 'word' ? AGGREGATES.get(token.text) : undefined;
  if (name === undefined) throw tokens.unexpected(STAGE);
  const { position } = token;
  tokens.skip();
  tokens.expectSymbol('(', `"(" after "${name}"`);
  if (name === 'count') {
    tokens.expectSymbol(')', '")": count() counts spans and takes no field');
    return { kind: 'scalar', expression: { kind: 'aggregate', name, operand: null, position } };
  }
  if (tokens.isSymbol(')')) throw tokens.unexpected(`a field or calculation in ${name}()`);
  const start = tokens.token.position;
  const operand = parseFieldExpression(tokens);
  tokens.expectSymbol(')', 'an operator or ")"');
  checkAggregate(operand, start, name);
  return { kind: 'scalar', expression: { kind: 'aggregate', name, operand, position } };
}

/** `minInt` and `maxInt` are numbers too. */
function numberOf(token: Token): Static | undefined {
  const value =
    token.kind === 'literal' ? token.value : token.kind === 'word' ? CONSTANTS.get(token.text) : undefined;
  return value !== undefined && isNumeric(value) ? value : undefined;
}

/** A number with its signs. */
function number(tokens: TokenStream): Literal {
  const { token } = tokens;
  if (tokens.isSymbol('-')) {
    tokens.enter();
    tokens.countOperator();
    tokens.skip();
    const inner = tokens.isSymbol('(') ? numberInParentheses(tokens) : number(tokens);
    tokens.leave();
    const { value } = inner;
    if (!isNumeric(value)) throw new Error('a number that is none');
    return { kind: 'literal', value: negate(value), position: token.position };
  }
  const value = numberOf(token);
  if (value === undefined) throw tokens.unexpected(NUMBER);
  tokens.skip();
  return { kind: 'literal', value, position: token.position };
}

function numberInParentheses(tokens: TokenStream): Literal {
  const { token } = tokens;
  const inner = primary(tokens, NUMBER);
  if (inner.kind !== 'scalar' || inner.expression.kind !== 'literal')
    throw tokens.unexpectedAt(token, NUMBER);
  return inner.expression;
}

/** What a series is compared with: a number, or a calculation that gives one. */
function stageNumber(tokens: TokenStream): Literal {
  const start = tokens.token;
  const whole = term(tokens, COMPARISONS_BIND + 1, NUMBER);
  if (whole.kind !== 'scalar' || whole.expression.kind !== 'literal')
    throw tokens.unexpectedAt(start, NUMBER);
  return whole.expression;
}
