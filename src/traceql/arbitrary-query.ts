/** Random whole queries for property tests: trees as the parser makes them, with every position 0. */
import fc from 'fast-check';
import { condition, isSound } from './arbitrary.ts';
import type {
  Aggregate,
  ArithmeticOperator,
  FieldExpression,
  GroupField,
  Hint,
  Literal,
  MetricsAggregate,
  MetricsExpression,
  MetricsStage,
  Query,
  ScalarExpression,
  ScalarFilter,
  SpansetExpression,
  SpansetFilter,
  SpansetOperator,
  SpansetStage,
  Static,
} from './ast.ts';
import { MIN_INT } from './keywords.ts';
import { checkAggregate, checkGroup, checkNumeric } from './check.ts';

const SPANSET_OPERATORS: readonly SpansetOperator[] = [
  ...(['&&', '||', '>', '>>', '<', '<<', '~'] as const),
  ...(['!>', '!>>', '!<', '!<<', '!~', '&>', '&>>', '&<', '&<<', '&~'] as const),
];
const COMPARISONS = ['=', '!=', '>', '>=', '<', '<='] as const;
const position = fc.constant(0);

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

const selector: fc.Arbitrary<SpansetFilter> = fc.record({
  kind: fc.constant('filter' as const),
  condition: fc.oneof(fc.constant(null), condition),
  position,
});

/** Any expression that is sound where a condition, a group or a number is asked for. */
function expressionFor(check: (expression: FieldExpression) => void): fc.Arbitrary<FieldExpression> {
  return condition.chain((tree) => fc.constantFrom(...partsOf(tree))).filter((part) => isSound(part, check));
}

function partsOf(tree: FieldExpression): readonly FieldExpression[] {
  if (tree.kind === 'binary') return [tree, ...partsOf(tree.left), ...partsOf(tree.right)];
  return tree.kind === 'unary' ? [tree, ...partsOf(tree.operand)] : [tree];
}

const group = expressionFor((tree) => checkGroup(tree, 0));
const number = expressionFor((tree) => checkAggregate(tree, 0, 'max'));

const field: fc.Arbitrary<GroupField> = condition
  .chain((tree) => fc.constantFrom(...partsOf(tree)))
  .map((part) => (part.kind === 'attribute' || part.kind === 'intrinsic' ? part : null))
  .filter((part) => part !== null)
  .filter((part) => part.kind === 'attribute' || part.name !== 'span:parent');
const numericField = field.filter((each) => passes(() => checkNumeric(each, 0, '')));

/** Durations have no `minInt`: the smallest can't be written. */
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const plainNumber: fc.Arbitrary<Static> = fc.oneof(
  fc.record({ type: fc.constant('int' as const), value: int64 }),
  fc.record({ type: fc.constant('float' as const), value: finite }),
);
const anyNumber: fc.Arbitrary<Static> = fc.oneof(
  plainNumber,
  fc.record({ type: fc.constant('duration' as const), value: int64.filter((value) => value !== MIN_INT) }),
);
const literalOf = (value: Static): Literal => ({ kind: 'literal', value, position: 0 });

const aggregate: fc.Arbitrary<Aggregate> = fc.oneof(
  fc.constant<Aggregate>({ kind: 'aggregate', name: 'count', operand: null, position: 0 }),
  fc.record({
    kind: fc.constant('aggregate' as const),
    name: fc.constantFrom('avg' as const, 'min' as const, 'max' as const, 'sum' as const),
    operand: number,
    position,
  }),
);

const operator = fc.constantFrom<ArithmeticOperator>('+', '-', '*', '/', '%', '^');

/** Calculations over `leaf`: two literals side by side are folded by the parser, so there are none. */
function scalars(leaf: fc.Arbitrary<ScalarExpression>): fc.Arbitrary<ScalarExpression> {
  const { tree } = fc.letrec<{ tree: ScalarExpression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      leaf,
      fc
        .tuple(operator, tie('tree'), fc.oneof(tie('tree'), anyNumber.map(literalOf)), fc.boolean())
        .map(([symbol, one, other, swapped]): ScalarExpression => {
          const [left, right] = swapped ? [other, one] : [one, other];
          return { kind: 'calculation', operator: symbol, left, right, position: 0 };
        }),
    ),
  }));
  return tree;
}

function scalarFilter(leaf: fc.Arbitrary<ScalarExpression>): fc.Arbitrary<ScalarFilter> {
  const scalar = scalars(leaf);
  return fc
    .tuple(fc.constantFrom(...COMPARISONS), scalar, fc.oneof(scalar, anyNumber.map(literalOf)), fc.boolean())
    .map(([symbol, one, other, swapped]): ScalarFilter => {
      const [left, right] = swapped ? [other, one] : [one, other];
      return { kind: 'scalar filter', operator: symbol, left, right, position: 0 };
    });
}

/** Pipelines have two stages or more, none of them a pipeline, and no `coalesce()` at the beginning. */
function pipelineOf(stages: readonly SpansetStage[]): SpansetExpression {
  const flat = stages.flatMap((stage) => (stage.kind === 'pipeline' ? stage.stages : [stage]));
  const first = flat.findIndex((stage) => stage.kind !== 'coalesce');
  const kept = first < 0 ? [] : flat.slice(first);
  const [only] = kept;
  const every: SpansetFilter = { kind: 'filter', condition: null, position: 0 };
  if (kept.length > 1) return { kind: 'pipeline', stages: kept, position: 0 };
  if (only === undefined) return every;
  if (only.kind === 'by' || only.kind === 'select' || only.kind === 'coalesce') {
    return { kind: 'pipeline', stages: [every, only], position: 0 };
  }
  return only;
}

const stage: fc.Arbitrary<SpansetStage> = fc.oneof(
  fc.record({ kind: fc.constant('by' as const), expression: group, position }),
  fc.record({ kind: fc.constant('coalesce' as const), position }),
  fc.record({
    kind: fc.constant('select' as const),
    fields: fc.array(field, { minLength: 1, maxLength: 3 }),
    position,
  }),
  scalarFilter(aggregate),
);

/** What selects spans. */
export const { spansets } = fc.letrec<{ spansets: SpansetExpression }>((tie) => ({
  spansets: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    selector,
    scalarFilter(aggregate),
    fc.record({
      kind: fc.constant('operation' as const),
      operator: fc.constantFrom(...SPANSET_OPERATORS),
      left: tie('spansets'),
      right: tie('spansets'),
      position,
    }),
    fc.array(fc.oneof(stage, tie('spansets')), { minLength: 1, maxLength: 4 }).map(pipelineOf),
    scalarFilter(
      fc.record({
        kind: fc.constant('scalar pipeline' as const),
        source: tie('spansets'),
        aggregate,
        position,
      }),
    ),
  ),
}));

const by = fc.array(field, { maxLength: 3 });
const metricsAggregate: fc.Arbitrary<MetricsAggregate> = fc.oneof(
  fc.record({ kind: fc.constantFrom('rate' as const, 'count_over_time' as const), by, position }),
  fc.record({
    kind: fc.constantFrom(...(['sum_over_time', 'avg_over_time', 'min_over_time', 'max_over_time'] as const)),
    operand: numericField,
    by,
    position,
  }),
  fc.record({ kind: fc.constant('histogram_over_time' as const), operand: numericField, by, position }),
  fc.record({
    kind: fc.constant('quantile_over_time' as const),
    operand: numericField,
    // A sign is no part of a quantile: -0 would have one.
    quantiles: fc.array(fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs), {
      minLength: 1,
      maxLength: 3,
    }),
    by,
    position,
  }),
);

const compare: fc.Arbitrary<MetricsAggregate> = fc
  .record({
    selection: selector,
    topN: fc.integer({ min: 1, max: 1_000 }),
    times: fc.option(
      fc.tuple(fc.bigInt({ min: 1n, max: 1n << 61n }), fc.bigInt({ min: 1n, max: 1n << 61n })),
    ),
  })
  .map(({ selection, topN, times }) => ({
    kind: 'compare',
    selection,
    topN,
    startUnixNano: times?.[0],
    endUnixNano: times === null ? undefined : times[0] + times[1],
    position: 0,
  }));

const metricsStages: fc.Arbitrary<readonly MetricsStage[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('topk' as const, 'bottomk' as const),
      count: fc.integer({ min: 1 }),
      position,
    }),
    fc.record({
      kind: fc.constant('filter' as const),
      operator: fc.constantFrom(...COMPARISONS),
      value: finite,
      position,
    }),
  ),
  { maxLength: 3 },
);

const { metrics } = fc.letrec<{ metrics: MetricsExpression }>((tie) => ({
  metrics: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.record({
      kind: fc.constant('metrics' as const),
      source: spansets,
      aggregate: metricsAggregate,
      stages: metricsStages,
      position,
    }),
    fc
      .tuple(
        fc.constantFrom<ArithmeticOperator>('+', '-', '*', '/'),
        tie('metrics'),
        fc.oneof(tie('metrics'), plainNumber.map(literalOf)),
        fc.boolean(),
        metricsStages,
      )
      .map(([symbol, one, other, swapped, stages]): MetricsExpression => {
        const [left, right] = swapped ? [other, one] : [one, other];
        return { kind: 'metrics calculation', operator: symbol, left, right, stages, position: 0 };
      }),
  ),
}));

const comparison: fc.Arbitrary<MetricsExpression> = fc.record({
  kind: fc.constant('metrics' as const),
  source: spansets,
  aggregate: compare,
  stages: fc.constant([]),
  position,
});

const hints: fc.Arbitrary<readonly Hint[]> = fc.array(
  fc.record({
    key: fc.constantFrom('sample', 'most_recent', 'exemplars', 'name', '_x1'),
    value: fc.oneof(
      anyNumber,
      fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
      fc.record({ type: fc.constant('string' as const), value: fc.string({ maxLength: 8 }) }),
    ),
    position,
  }),
  { maxLength: 2 },
);

/** The text is empty: it is what the test prints. */
export const query: fc.Arbitrary<Query> = fc.record({
  text: fc.constant(''),
  expression: fc.oneof({ weight: 4, arbitrary: spansets }, { weight: 3, arbitrary: metrics }, comparison),
  hints,
});
