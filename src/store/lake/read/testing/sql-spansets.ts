/**
 * Test support: TraceQL's spanset expressions as SQL over the table of `sql-table.ts`. Each expression is a
 * relation of (trace_id, g, rid): the spans of the spansets, told apart within their trace by `g`.
 */
import type {
  Aggregate,
  FieldExpression,
  ScalarExpression,
  ScalarFilter,
  SpansetExpression,
  SpansetOperator,
  SpansetStage,
  StructuralRelation,
} from '../../../../traceql/ast.ts';
import type { TimeRange } from '../../../span-store.ts';
import { NotInSqlError, SPANS_WITH_PARENTS, conditionSql, valuesSql } from './sql-conditions.ts';

/** `tables` in front of `sql`, which may then select from `name`. */
export interface Relation {
  readonly name: string;
  readonly tables: string;
}

/** Throws NotInSqlError. */
export function spansetRelation(expression: SpansetExpression, range: TimeRange): Relation {
  const builder = new RelationBuilder(range);
  const name = builder.of(expression, undefined);
  return { name, tables: `WITH ${builder.tables.join(',\n')}` };
}

export function rangeSql({ startUnixNano, endUnixNano }: TimeRange): string {
  return `s.start >= ${startUnixNano}::HUGEINT AND s.start < ${endUnixNano}::HUGEINT`;
}

class RelationBuilder {
  readonly tables: string[] = [];

  constructor(readonly range: TimeRange) {}

  /** `input`: the relation that the stage before gave; undefined at the beginning. */
  of(expression: SpansetExpression, input: string | undefined): string {
    switch (expression.kind) {
      case 'filter':
        return this.#filter(expression.condition, input);
      case 'operation': {
        if (input !== undefined) throw new NotInSqlError('an operation behind a stage');
        const [left, right] = [this.of(expression.left, undefined), this.of(expression.right, undefined)];
        return this.#operation(expression.operator, left, right);
      }
      case 'pipeline': {
        let relation = input;
        for (const stage of expression.stages) relation = this.#stage(stage, relation);
        if (relation === undefined) throw new Error('a pipeline without stages');
        return relation;
      }
      case 'scalar filter':
        return this.#scalarFilter(expression, input ?? this.#filter(null, undefined));
    }
  }

  #add(sql: string): string {
    const name = `r${this.tables.length}`;
    this.tables.push(`${name} AS (${sql})`);
    return name;
  }

  #filter(condition: FieldExpression | null, input: string | undefined): string {
    const where = `${rangeSql(this.range)} AND ${conditionSql(condition)}`;
    if (input === undefined) {
      return this.#add(`SELECT s.trace_id, '' AS g, s.rid FROM ${SPANS_WITH_PARENTS} WHERE ${where}`);
    }
    return this.#add(
      `SELECT i.* FROM ${input} i JOIN (${SPANS_WITH_PARENTS}) ON s.rid = i.rid WHERE ${where}`,
    );
  }

  #operation(operator: SpansetOperator, left: string, right: string): string {
    const both = `(SELECT trace_id, rid FROM ${left} UNION SELECT trace_id, rid FROM ${right})`;
    if (operator === '||') return this.#add(`SELECT trace_id, '' AS g, rid FROM ${both}`);
    if (operator === '&&') {
      return this.#add(`SELECT trace_id, '' AS g, rid FROM ${both}
        WHERE trace_id IN (SELECT trace_id FROM ${left}) AND trace_id IN (SELECT trace_id FROM ${right})`);
    }
    const those = (side: string, related: string) =>
      `SELECT trace_id, '' AS g, rid FROM (SELECT DISTINCT trace_id, rid FROM ${side}) WHERE rid ${related}`;
    const relation = (
      operator.length > 1 && /^[!&]/.test(operator) ? operator.slice(1) : operator
    ) as StructuralRelation;
    const toLeft = `IN (SELECT r FROM related WHERE relation = '${relation}' AND l IN (SELECT rid FROM ${left}))`;
    if (operator.startsWith('!')) return this.#add(those(right, `NOT ${toLeft}`));
    if (!operator.startsWith('&')) return this.#add(those(right, toLeft));
    const toRight = `IN (SELECT l FROM related WHERE relation = '${relation}' AND r IN (SELECT rid FROM ${right}))`;
    return this.#add(`${those(right, toLeft)} UNION ${those(left, toRight)}`);
  }

  #stage(stage: SpansetStage, input: string | undefined): string {
    const all = (): string => input ?? this.#filter(null, undefined);
    switch (stage.kind) {
      case 'select':
        return all();
      case 'coalesce':
        return this.#add(`SELECT DISTINCT trace_id, '' AS g, rid FROM ${all()}`);
      case 'by': {
        return this.#add(`SELECT trace_id, g || '/' || ${labelSql('v', 'one')} AS g, rid FROM (
          SELECT i.*, (${valuesSql(stage.expression)})[1] AS v
          FROM ${all()} i JOIN (${SPANS_WITH_PARENTS}) ON s.rid = i.rid)`);
      }
      case 'filter':
      case 'operation':
      case 'pipeline':
      case 'scalar filter':
        return this.of(stage, input);
    }
  }

  /** Keeps the spansets for which it holds; one without numbers has no average, least or largest. */
  #scalarFilter({ operator, left, right }: ScalarFilter, input: string): string {
    const [l, r] = [scalarSql(left), scalarSql(right)];
    const test = `CASE WHEN ${l} IS NULL OR ${r} IS NULL THEN false
      WHEN isnan(${l}) OR isnan(${r}) THEN ${operator === '!='} ELSE ${l} ${operator} ${r} END`;
    return this.#add(`SELECT i.* FROM ${input} i JOIN (
      SELECT i.trace_id, i.g FROM ${input} i JOIN (${SPANS_WITH_PARENTS}) ON s.rid = i.rid
      GROUP BY i.trace_id, i.g HAVING ${test}) kept ON kept.trace_id = i.trace_id AND kept.g = i.g`);
  }
}

/** Durations are nanoseconds, and every number a double. */
function scalarSql(expression: ScalarExpression): string {
  switch (expression.kind) {
    case 'aggregate':
      return aggregateSql(expression);
    case 'calculation':
      if (expression.operator === '^') throw new NotInSqlError('powers');
      return `(${scalarSql(expression.left)} ${expression.operator} ${scalarSql(expression.right)})`;
    case 'scalar pipeline':
      throw new NotInSqlError('a scalar pipeline');
    case 'literal': {
      const { value } = expression;
      if (value.type === 'int' || value.type === 'duration' || value.type === 'float') {
        return `'${value.value}'::DOUBLE`;
      }
      throw new NotInSqlError(`a scalar of type ${value.type}`);
    }
  }
}

function aggregateSql({ name, operand }: Aggregate): string {
  if (operand === null) return 'count(*)::DOUBLE';
  const number = numberSql(`(${valuesSql(operand)})[1]`);
  // A NaN is passed over.
  const value = `${name}(${number}) FILTER (WHERE NOT isnan(${number}))`;
  // The average of durations is a duration: whole nanoseconds.
  const isDuration = operand.kind === 'intrinsic' && operand.name === 'span:duration';
  return name === 'avg' && isDuration ? `trunc(${value})` : value;
}

/** A value as a double, null where it is no number. */
export function numberSql(value: string): string {
  return `CASE WHEN ${value}.t IN ('i', 'n', 'd') THEN number_of(${value}) ELSE NULL END`;
}

/**
 * A value as text, by which groups are told apart. As `labelText` of `sql-metrics.ts` writes it. -0 and 0 are one
 * group of spans, and two series.
 */
export function labelSql(value: string, zeros: 'one' | 'two'): string {
  const double = zeros === 'one' ? `(${value}.d + 0)` : `${value}.d`;
  return `CASE WHEN ${value} IS NULL THEN 'nil' WHEN ${value}.t = 'o' THEN 'opaque'
    ELSE ${value}.t || ' ' || coalesce(${value}.s, ${value}.i::VARCHAR, ${double}::VARCHAR) END`;
}
