/**
 * Numbers of spansets: aggregates, arithmetic with them, and filters that compare them. An aggregate looks at
 * the numbers among its operand's values; where there is none it has no value, and a comparison with that is
 * false. Only `count()` has always one.
 */
import type { Aggregate, ScalarExpression, ScalarFilter, SpansetExpression, Static } from './ast.ts';
import { compareStatics, isNumeric } from './compare.ts';
import { calculate, evaluate } from './evaluate.ts';
import { MAX_INT, MIN_INT } from './keywords.ts';
import { printExpression } from './print.ts';
import { spansOf } from './spanset.ts';
import type { Spanset, SpansetAttribute, TraceSpans } from './spanset.ts';

/** What an expression gives of a spanset (spansets.ts). */
type Apply = (expression: SpansetExpression, given: readonly Spanset[], trace: TraceSpans) => Spanset[];

/**
 * The spanset, with its figures, if the filter holds. A filter that compares only pipelines of its own,
 * `({ a } | count()) > ({ b } | count())`, gives the spans of those.
 */
export function keepWhere(filter: ScalarFilter, given: Spanset, trace: TraceSpans, apply: Apply): Spanset[] {
  const figures = new Figures(given, trace, apply);
  const left = figures.valueOf(filter.left);
  const right = figures.valueOf(filter.right);
  if (!left || !right || !compareStatics(filter.operator, left, right)) return [];
  return [{ spans: figures.spans(), attributes: figures.attributes() }];
}

type Numeric = Extract<Static, { type: 'int' | 'float' | 'duration' }>;

class Figures {
  readonly #attributes = new Map<string, SpansetAttribute>();
  readonly #sources: Spanset[] = [];
  #hasPipelines = false;
  #ofGiven = false;

  constructor(
    readonly given: Spanset,
    readonly trace: TraceSpans,
    readonly apply: Apply,
  ) {}

  valueOf(expression: ScalarExpression): Static | undefined {
    switch (expression.kind) {
      case 'literal':
        return expression.value;
      case 'aggregate':
        this.#ofGiven = true;
        return this.#figure(expression, this.given.spans, '');
      case 'scalar pipeline': {
        const spansets = this.apply(expression.source, [this.given], this.trace);
        this.#hasPipelines = true;
        this.#sources.push(...spansets);
        // Two pipelines may have the same figure: they are told apart by their order.
        const again = this.#attributes.has(keyOf(expression.aggregate)) ? ' 2' : '';
        return this.#figure(expression.aggregate, spansOf(spansets), again);
      }
      case 'calculation': {
        const left = this.valueOf(expression.left);
        const right = this.valueOf(expression.right);
        if (!left || !right) return undefined;
        return calculate(expression.operator, left, right) ?? undefined;
      }
    }
  }

  #figure(of: Aggregate, spans: readonly number[], suffix: string): Static | undefined {
    const value = aggregate(of, spans, this.trace);
    const key = keyOf(of) + suffix;
    if (value) this.#attributes.set(key, { key, value });
    return value;
  }

  spans(): readonly number[] {
    return this.#ofGiven || !this.#hasPipelines ? this.given.spans : spansOf(this.#sources);
  }

  /** Those given and the figures; the same figure of an earlier stage is out of date. */
  attributes(): readonly SpansetAttribute[] {
    const kept = this.given.attributes.filter(({ key }) => !this.#attributes.has(key));
    return [...kept, ...this.#attributes.values()];
  }
}

function keyOf({ name, operand }: Aggregate): string {
  return `${name}(${operand ? printExpression(operand) : ''})`;
}

function aggregate(
  { name, operand }: Aggregate,
  spans: readonly number[],
  trace: TraceSpans,
): Static | undefined {
  if (name === 'count' || !operand) return { type: 'int', value: BigInt(spans.length) };
  const values: Numeric[] = [];
  for (const span of spans) {
    const value = evaluate(operand, trace.fields(span));
    // A NaN is in no order: which of the others were least would hang on where it stands. Metrics drop it too.
    if (isNumeric(value) && !Number.isNaN(value.value)) values.push(value);
  }
  if (values.length === 0) return undefined;
  switch (name) {
    case 'min':
      return values.reduce((best, value) => (compareStatics('<', value, best) ? value : best));
    case 'max':
      return values.reduce((best, value) => (compareStatics('>', value, best) ? value : best));
    case 'sum':
      return sum(values);
    case 'avg':
      return average(sum(values), values.length);
  }
}

/** Of one type, exact and of that type; of several, or beyond 64 bits, a float. */
function sum(values: readonly Numeric[]): Numeric {
  const [{ type }] = values;
  if (type === 'float' || values.some((value) => value.type !== type)) {
    return { type: 'float', value: values.reduce((total, { value }) => total + Number(value), 0) };
  }
  const total = values.reduce((so, { value }) => so + BigInt(value), 0n);
  return total < MIN_INT || total > MAX_INT
    ? { type: 'float', value: Number(total) }
    : { type, value: total };
}

/** Of durations a duration, cut to nanoseconds; of other numbers a float. */
function average(total: Numeric, count: number): Static {
  return total.type === 'duration'
    ? { type: 'duration', value: total.value / BigInt(count) }
    : { type: 'float', value: Number(total.value) / count };
}
