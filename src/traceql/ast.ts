/**
 * TraceQL as a typed tree: plain data, so that it can be planned, printed, compared whole in tests, and
 * posted to a worker. Unions grow with the language; switches over them are exhaustive.
 */

export interface Query {
  /** The text that was parsed: positions count UTF-16 units into it. */
  readonly text: string;
  readonly expression: SpansetExpression | MetricsExpression;
  /** Of `with (key = value, ...)`, in the order of the text. */
  readonly hints: readonly Hint[];
}

export interface Hint {
  readonly key: string;
  readonly value: Static;
  readonly position: number;
}

/** What selects spans, trace by trace: its value for a trace is a list of spansets. */
export type SpansetExpression = SpansetFilter | SpansetOperation | SpansetPipeline | ScalarFilter;

/** `A op B`. All bind alike save `&&`, `||`: see `spansetPrecedence`. */
export interface SpansetOperation {
  readonly kind: 'operation';
  readonly operator: SpansetOperator;
  readonly left: SpansetExpression;
  readonly right: SpansetExpression;
  /** Of the operator. */
  readonly position: number;
}

/** How the spans of the right stand to those of the left: child, descendant, parent, ancestor, sibling. */
export type StructuralRelation = '>' | '>>' | '<' | '<<' | '~';
/** `!>` gives spans of the right that stand so to none of the left; `&>` those of both sides that do. */
export type StructuralOperator = StructuralRelation | `!${StructuralRelation}` | `&${StructuralRelation}`;
export type SpansetOperator = '&&' | '||' | StructuralOperator;

/** `stage | stage | ...`, two or more; each takes the spansets that the one before gave. */
export interface SpansetPipeline {
  readonly kind: 'pipeline';
  readonly stages: readonly SpansetStage[];
  readonly position: number;
}

export type SpansetStage = SpansetExpression | GroupStage | CoalesceStage | SelectStage;

/** `count() > 2`, `avg(duration) * 2 < max(duration)`: keeps the spansets for which it holds. */
export interface ScalarFilter {
  readonly kind: 'scalar filter';
  readonly operator: '=' | '!=' | '>' | '>=' | '<' | '<=';
  readonly left: ScalarExpression;
  readonly right: ScalarExpression;
  readonly position: number;
}

export type ScalarExpression = Aggregate | ScalarCalculation | ScalarPipeline | Literal;

/** Of the spans of a spanset. `operand` is null for `count()` alone. */
export interface Aggregate {
  readonly kind: 'aggregate';
  readonly name: 'count' | 'avg' | 'min' | 'max' | 'sum';
  readonly operand: FieldExpression | null;
  readonly position: number;
}

export interface ScalarCalculation {
  readonly kind: 'calculation';
  readonly operator: ArithmeticOperator;
  readonly left: ScalarExpression;
  readonly right: ScalarExpression;
  readonly position: number;
}

/** `({...} | count())`: spansets of its own, taken together, and one number of them. */
export interface ScalarPipeline {
  readonly kind: 'scalar pipeline';
  readonly source: SpansetExpression;
  readonly aggregate: Aggregate;
  readonly position: number;
}

/** `by(x)`: a spanset for each value of x. */
export interface GroupStage {
  readonly kind: 'by';
  readonly expression: FieldExpression;
  readonly position: number;
}

/** `coalesce()`: the groups as one spanset again. */
export interface CoalesceStage {
  readonly kind: 'coalesce';
  readonly position: number;
}

/** `select(a, b)`: which fields an answer shall carry. Selects no spans. */
export interface SelectStage {
  readonly kind: 'select';
  readonly fields: readonly (AttributeField | IntrinsicField)[];
  readonly position: number;
}

/** What gives series of numbers over time. */
export type MetricsExpression = MetricsQuery | MetricsCalculation;

/** `spansets | aggregate by (...) | second stages`. */
export interface MetricsQuery {
  readonly kind: 'metrics';
  readonly source: SpansetExpression;
  readonly aggregate: MetricsAggregate;
  readonly stages: readonly MetricsStage[];
  readonly position: number;
}

/** `(metrics) / (metrics)`, `100 * (metrics)`: sample by sample, of series with equal labels. */
export interface MetricsCalculation {
  readonly kind: 'metrics calculation';
  readonly operator: ArithmeticOperator;
  readonly left: MetricsExpression | Literal;
  readonly right: MetricsExpression | Literal;
  readonly stages: readonly MetricsStage[];
  readonly position: number;
}

export type GroupField = AttributeField | IntrinsicField;

export type MetricsAggregate =
  | {
      readonly kind: 'rate' | 'count_over_time';
      readonly by: readonly GroupField[];
      readonly position: number;
    }
  | {
      readonly kind: 'sum_over_time' | 'avg_over_time' | 'min_over_time' | 'max_over_time';
      readonly operand: GroupField;
      readonly by: readonly GroupField[];
      readonly position: number;
    }
  | {
      readonly kind: 'quantile_over_time';
      readonly operand: GroupField;
      /** From 0 to 1. */
      readonly quantiles: readonly number[];
      readonly by: readonly GroupField[];
      readonly position: number;
    }
  | {
      readonly kind: 'histogram_over_time';
      readonly operand: GroupField;
      readonly by: readonly GroupField[];
      readonly position: number;
    }
  | {
      readonly kind: 'compare';
      readonly selection: SpansetFilter;
      readonly topN: number;
      /** Unix nanoseconds within which the selection lies; undefined: all of the range. */
      readonly startUnixNano: bigint | undefined;
      readonly endUnixNano: bigint | undefined;
      readonly position: number;
    };

export type MetricsStage =
  | { readonly kind: 'topk' | 'bottomk'; readonly count: number; readonly position: number }
  /** Keeps the samples for which it holds. */
  | {
      readonly kind: 'filter';
      readonly operator: ScalarFilter['operator'];
      readonly value: number;
      readonly position: number;
    };

/** `{ condition }`; a null condition, `{}`, matches every span. */
export interface SpansetFilter {
  readonly kind: 'filter';
  readonly condition: FieldExpression | null;
  readonly position: number;
}

export type ComparisonOperator = '=' | '!=' | '>' | '>=' | '<' | '<=' | '=~' | '!~';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^';
export type LogicalOperator = '&&' | '||';
export type BinaryOperator = ComparisonOperator | ArithmeticOperator | LogicalOperator;

export type FieldExpression = BinaryExpression | UnaryExpression | AttributeField | IntrinsicField | Literal;

export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: FieldExpression;
  readonly right: FieldExpression;
  /** Of the operator. */
  readonly position: number;
}

export interface UnaryExpression {
  readonly kind: 'unary';
  readonly operator: '!' | '-';
  readonly operand: FieldExpression;
  readonly position: number;
}

/** `any` is the unscoped `.key`: the span's attribute, else the resource's. */
export type AttributeFieldScope = 'any' | 'span' | 'resource' | 'event' | 'link' | 'instrumentation';

export interface AttributeField {
  readonly kind: 'attribute';
  readonly scope: AttributeFieldScope;
  /** `parent.x`: of the parent span. */
  readonly parent: boolean;
  readonly key: string;
  readonly position: number;
}

/** Fields that every span has, under their scoped names (`duration` parses to `span:duration`). */
export type Intrinsic =
  | 'span:id'
  | 'span:parentID'
  | 'span:name'
  | 'span:kind'
  | 'span:status'
  | 'span:statusMessage'
  | 'span:duration'
  | 'span:childCount'
  | 'span:parent'
  | 'trace:id'
  | 'trace:duration'
  | 'trace:rootName'
  | 'trace:rootService'
  | 'event:name'
  | 'event:timeSinceStart'
  | 'link:traceID'
  | 'link:spanID'
  | 'instrumentation:name'
  | 'instrumentation:version'
  | 'nestedSetLeft'
  | 'nestedSetRight'
  | 'nestedSetParent';

export interface IntrinsicField {
  readonly kind: 'intrinsic';
  readonly name: Intrinsic;
  readonly parent: boolean;
  readonly position: number;
}

export type Static =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  /** Nanoseconds. */
  | { readonly type: 'duration'; readonly value: bigint }
  | { readonly type: 'status'; readonly value: StatusKeyword }
  | { readonly type: 'kind'; readonly value: KindKeyword }
  | { readonly type: 'nil' }
  /** Bytes, kvlist, empty array: present, yet no comparison with it is true. Never a literal. */
  | { readonly type: 'opaque' };

export type StatusKeyword = 'unset' | 'ok' | 'error';
export type KindKeyword = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface Literal {
  readonly kind: 'literal';
  readonly value: Static;
  readonly position: number;
}
