/** Test support: TraceQL's expressions over one span as SQL over the table of `sql-table.ts`. */
import type {
  ArithmeticOperator,
  BinaryExpression,
  ComparisonOperator,
  FieldExpression,
  Intrinsic,
  Static,
} from '../../../../traceql/ast.ts';

/** What SQL can't say the very same way. Such a query is left to the other oracle. */
export class NotInSqlError extends Error {
  override readonly name = 'NotInSqlError';
}

/** Names of the rows that an expression may look at. */
const SPAN = 's';
const PARENT = 'p';

/** The spans `s`, each with its parent `p` where there is one. */
export const SPANS_WITH_PARENTS = `spans ${SPAN} LEFT JOIN spans ${PARENT} ON ${PARENT}.rid = ${SPAN}.parent_rid`;

/** Never null. Throws NotInSqlError. */
export function conditionSql(condition: FieldExpression | null): string {
  return condition === null ? 'true' : `coalesce(${holds(condition)}, false)`;
}

function holds(expression: FieldExpression): string {
  if (expression.kind === 'binary') {
    const { operator, left, right } = expression;
    if (operator === '&&') return `(${holds(left)} AND ${holds(right)})`;
    if (operator === '||') return `(${holds(left)} OR ${holds(right)})`;
    return isComparison(operator) ? comparison(expression, operator) : 'false';
  }
  return any(valuesSql(expression), (v) => `${v}.t = 'b' AND ${v}.i = 1`);
}

/** A list of `val`, never null. Throws NotInSqlError. */
export function valuesSql(expression: FieldExpression): string {
  switch (expression.kind) {
    case 'literal':
      return expression.value.type === 'nil' ? 'no_vals()' : `[${staticSql(expression.value)}]`;
    case 'intrinsic':
      return ofRow(expression.parent, (row) => intrinsic(expression.name, row));
    case 'attribute':
      return ofRow(expression.parent, (row) => attribute(expression.scope, expression.key, row));
    case 'unary':
      return unary(expression.operator, valuesSql(expression.operand));
    case 'binary': {
      const { operator } = expression;
      if (isArithmetic(operator)) return arithmetic(operator, expression.left, expression.right);
      return `[int_val('b', CASE WHEN ${holds(expression)} THEN 1 ELSE 0 END)]`;
    }
  }
}

function ofRow(parent: boolean, values: (row: string) => string): string {
  if (!parent) return values(SPAN);
  return `CASE WHEN ${PARENT}.rid IS NULL THEN no_vals() ELSE ${values(PARENT)} END`;
}

function attribute(scope: string, key: string, row: string): string {
  const text = textSql(key);
  switch (scope) {
    case 'any': {
      const own = `attr(${row}.span_attributes, ${text})`;
      return `CASE WHEN len(${own}) > 0 THEN ${own} ELSE attr(${row}.resource_attributes, ${text}) END`;
    }
    case 'span':
    case 'resource':
      return `attr(${row}.${scope}_attributes, ${text})`;
    case 'instrumentation':
      return `attr(${row}.scope_attributes, ${text})`;
    case 'event':
    case 'link':
      return `flatten(list_transform(${row}.${scope}s, lambda e: attr(e.attributes, ${text})))`;
    default:
      throw new NotInSqlError(`scope ${scope}`);
  }
}

const KINDS = "['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']";
const STATUSES = "['unset', 'ok', 'error']";

function intrinsic(name: Intrinsic, row: string): string {
  const text = (column: string) => `[text_val('s', ${row}.${column})]`;
  switch (name) {
    case 'span:id':
      return text('span_id');
    case 'span:parentID':
      return text('parent_span_id');
    case 'span:parent':
      return `CASE WHEN ${row}.parent_span_id = '' THEN no_vals() ELSE [opaque()] END`;
    case 'span:name':
      return text('name');
    case 'span:statusMessage':
      return text('status_message');
    case 'span:kind':
      return `[text_val('k', ${KINDS}[${row}.kind + 1])]`;
    case 'span:status':
      return `[text_val('t', ${STATUSES}[${row}.status_code + 1])]`;
    case 'span:duration':
      return `[int_val('n', ${row}.duration)]`;
    case 'span:childCount':
      return `[int_val('i', ${row}.child_count)]`;
    case 'trace:id':
      return text('trace_id');
    case 'trace:duration':
      return `[int_val('n', ${row}.trace_duration)]`;
    case 'trace:rootName':
    case 'trace:rootService': {
      const column = `${row}.${name === 'trace:rootName' ? 'root_name' : 'root_service'}`;
      return `CASE WHEN ${column} IS NULL THEN no_vals() ELSE [text_val('s', ${column})] END`;
    }
    case 'event:name':
      return `list_transform(${row}.events, lambda e: text_val('s', e.name))`;
    case 'event:timeSinceStart':
      return `list_transform(${row}.events, lambda e: int_val('n', wrap64(e.time - ${row}.start)))`;
    case 'link:traceID':
      return `list_transform(${row}.links, lambda e: text_val('s', e.trace_id))`;
    case 'link:spanID':
      return `list_transform(${row}.links, lambda e: text_val('s', e.span_id))`;
    case 'instrumentation:name':
      return text('scope_name');
    case 'instrumentation:version':
      return text('scope_version');
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      throw new NotInSqlError(name);
  }
}

function unary(operator: '!' | '-', values: string): string {
  if (operator === '!') {
    return `list_transform(list_filter(${values}, lambda u: u.t = 'b'), lambda u: int_val('b', 1 - u.i))`;
  }
  const negated = `CASE WHEN u.t = 'd' THEN double_val(-u.d) ELSE int_val(u.t, wrap64(-(u.i::HUGEINT))) END`;
  return `list_transform(list_filter(${values}, lambda u: u.t IN ('i', 'n', 'd')), lambda u: ${negated})`;
}

function comparison(expression: BinaryExpression, operator: ComparisonOperator): string {
  const { left, right } = expression;
  if (isRootTest(left, operator, right)) return `${SPAN}.parent_span_id = ''`;
  if (isNil(left) && isNil(right)) return 'false';
  if (isNil(left) || isNil(right)) {
    return `(len(${valuesSql(isNil(left) ? right : left)}) > 0) = ${operator === '!='}`;
  }
  const quantifier = isNegative(operator) && !repeats(left) && !repeats(right) ? all : any;
  if (right.kind === 'literal') {
    const one = left.kind === 'intrinsic' ? single(left.name, left.parent ? PARENT : SPAN) : undefined;
    if (one) return `coalesce(${withLiteral(operator, one, right.value)}, false)`;
    return quantifier(valuesSql(left), (l) => withLiteral(operator, variable(l), right.value), 'l');
  }
  const rights = valuesSql(right);
  return quantifier(
    valuesSql(left),
    (l) => quantifier(rights, (r) => withValue(operator, l, r, right), 'r'),
    'l',
  );
}

/** The one question about nested sets that needs no numbers. */
function isRootTest(left: FieldExpression, operator: ComparisonOperator, right: FieldExpression): boolean {
  return (
    left.kind === 'intrinsic' &&
    left.name === 'nestedSetParent' &&
    !left.parent &&
    operator === '<' &&
    right.kind === 'literal' &&
    right.value.type === 'int' &&
    right.value.value === 0n
  );
}

/** A value in SQL: its type's letter as `sql-table.ts` has it, and where its parts are found. */
interface Value {
  readonly t: string;
  readonly s: string;
  readonly i: string;
  readonly d: string;
}

function variable(name: string): Value {
  return { t: `${name}.t`, s: `${name}.s`, i: `${name}.i`, d: `${name}.d` };
}

/** Of an intrinsic that every span has once; null in SQL where there is no such row. */
function single(name: Intrinsic, row: string): Value | undefined {
  const value = (letter: string, sql: string): Value => ({ t: `'${letter}'`, s: sql, i: sql, d: 'NULL' });
  switch (name) {
    case 'span:id':
      return value('s', `${row}.span_id`);
    case 'span:name':
      return value('s', `${row}.name`);
    case 'span:statusMessage':
      return value('s', `${row}.status_message`);
    case 'span:duration':
      return value('n', `${row}.duration`);
    case 'span:kind':
      return value('k', `${KINDS}[${row}.kind + 1]`);
    case 'span:status':
      return value('t', `${STATUSES}[${row}.status_code + 1]`);
    default:
      return undefined;
  }
}

function withLiteral(operator: ComparisonOperator, { t, s, i, d }: Value, literal: Static): string {
  switch (literal.type) {
    case 'string': {
      if (operator !== '=~' && operator !== '!~')
        return `${t} = 's' AND ${s} ${operator} ${textSql(literal.value)}`;
      const matches = `regexp_full_match(${s}, ${textSql(`(?s)${literal.value}`)})`;
      return `${t} = 's' AND ${operator === '=~' ? matches : `NOT ${matches}`}`;
    }
    case 'int':
    case 'duration':
    case 'float': {
      const number = Number(literal.value);
      // What a double can't hold would be rounded here, and is not in TraceQL.
      if (
        !Number.isFinite(number) ||
        BigInt(Math.trunc(number)) !== BigInt(literal.type === 'float' ? Math.trunc(number) : literal.value)
      ) {
        throw new NotInSqlError(`the number ${literal.value}`);
      }
      const ofDouble =
        operator === '!='
          ? `(isnan(${d}) OR ${d} != '${number}'::DOUBLE)`
          : `(NOT isnan(${d}) AND ${d} ${operator} '${number}'::DOUBLE)`;
      const doubles = d === 'NULL' ? '' : `WHEN ${t} = 'd' THEN ${ofDouble}`;
      return `CASE WHEN ${t} IN ('i', 'n') THEN ${integerSql(operator, i, number)} ${doubles} ELSE false END`;
    }
    case 'bool':
      return isEquality(operator) ? `${t} = 'b' AND ${i} ${operator} ${literal.value ? 1 : 0}` : 'false';
    case 'status':
    case 'kind': {
      const letter = literal.type === 'kind' ? 'k' : 't';
      return isEquality(operator) ? `${t} = '${letter}' AND ${s} ${operator} '${literal.value}'` : 'false';
    }
    case 'nil':
    case 'opaque':
      throw new NotInSqlError(literal.type);
  }
}

/** An integer beside a number that may lie between two. */
function integerSql(operator: ComparisonOperator, integer: string, number: number): string {
  const below = `'${BigInt(Math.floor(number))}'::HUGEINT`;
  if (Number.isInteger(number)) return `${integer} ${operator} ${below}`;
  if (isEquality(operator)) return String(operator === '!=');
  return `${integer} ${operator.startsWith('>') ? '>' : '<='} ${below}`;
}

function isEquality(operator: ComparisonOperator): boolean {
  return operator === '=' || operator === '!=';
}

function withValue(
  operator: ComparisonOperator,
  left: string,
  right: string,
  pattern: FieldExpression | null,
): string {
  if (operator === '=~' || operator === '!~') throw new NotInSqlError(`pattern ${pattern?.kind ?? ''}`);
  const numbers = `compare_numbers(${left}, ${right}) ${operator} 0`;
  // Of a NaN nothing holds but that it is unequal.
  const ordered = `coalesce(${numbers}, ${operator === '!='})`;
  const exact = isEquality(operator)
    ? `WHEN ${left}.t = ${right}.t AND ${left}.t = 'b' THEN ${left}.i ${operator} ${right}.i
         WHEN ${left}.t = ${right}.t AND ${left}.t IN ('k', 't') THEN ${left}.s ${operator} ${right}.s`
    : '';
  return `CASE WHEN both_numbers(${left}, ${right}) THEN ${ordered}
    WHEN ${left}.t = 's' AND ${right}.t = 's' THEN ${left}.s ${operator} ${right}.s ${exact} ELSE false END`;
}

function arithmetic(operator: ArithmeticOperator, left: FieldExpression, right: FieldExpression): string {
  // The last digit of a power is each library's own.
  if (operator === '^') throw new NotInSqlError('powers');
  const [ls, rs] = [valuesSql(left), valuesSql(right)];
  const integer = operator === '/' ? '//' : operator;
  const ints = `wrap64(a.i::HUGEINT ${integer} b.i::HUGEINT)`;
  const guarded =
    operator === '/' || operator === '%' ? `CASE WHEN b.i = 0 THEN NULL ELSE ${ints} END` : ints;
  const calculated = `CASE WHEN NOT both_numbers(a, b) THEN NULL
    WHEN a.t = 'i' AND b.t = 'i' THEN CASE WHEN ${guarded} IS NULL THEN NULL ELSE int_val('i', ${guarded}) END
    ELSE double_val(number_of(a) ${operator} number_of(b)) END`;
  const pairs = `flatten(list_transform(${ls}, lambda a: list_transform(${rs}, lambda b: ${calculated})))`;
  return `CASE WHEN len(${ls}) > 1 AND len(${rs}) > 1 THEN no_vals()
    ELSE list_filter(${pairs}, lambda c: c IS NOT NULL) END`;
}

function staticSql(value: Static): string {
  switch (value.type) {
    case 'string':
      return `text_val('s', ${textSql(value.value)})`;
    case 'int':
    case 'duration':
      return `int_val('${value.type === 'int' ? 'i' : 'n'}', '${value.value}'::BIGINT)`;
    case 'float':
      return `double_val('${value.value}'::DOUBLE)`;
    case 'bool':
      return `int_val('b', ${value.value ? 1 : 0})`;
    case 'status':
    case 'kind':
      return `text_val('${value.type === 'kind' ? 'k' : 't'}', '${value.value}')`;
    case 'nil':
    case 'opaque':
      throw new NotInSqlError(value.type);
  }
}

/** Of no value, neither any nor all. */
function any(values: string, test: (value: string) => string, name = 'x'): string {
  return `(len(list_filter(${values}, lambda ${name}: ${test(name)})) > 0)`;
}

function all(values: string, test: (value: string) => string, name = 'x'): string {
  const satisfied = `len(list_filter(${values}, lambda ${name}: ${test(name)}))`;
  return `(len(${values}) > 0 AND ${satisfied} = len(${values}))`;
}

export function textSql(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function isNil(expression: FieldExpression): boolean {
  return expression.kind === 'literal' && expression.value.type === 'nil';
}

function isNegative(operator: ComparisonOperator): boolean {
  return operator === '!=' || operator === '!~';
}

/** Values of events and links are asked each on their own. */
function repeats(expression: FieldExpression): boolean {
  switch (expression.kind) {
    case 'literal':
      return false;
    case 'attribute':
      return expression.scope === 'event' || expression.scope === 'link';
    case 'intrinsic':
      return /^(event|link):/.test(expression.name);
    case 'unary':
      return repeats(expression.operand);
    case 'binary':
      return repeats(expression.left) || repeats(expression.right);
  }
}

function isArithmetic(operator: BinaryExpression['operator']): operator is ArithmeticOperator {
  return ['+', '-', '*', '/', '%', '^'].includes(operator);
}

function isComparison(operator: BinaryExpression['operator']): operator is ComparisonOperator {
  return !isArithmetic(operator) && operator !== '&&' && operator !== '||';
}
