/**
 * TraceQL as a typed tree: plain data, so that it can be planned, printed, compared whole in tests, and
 * posted to a worker. Unions grow with the language; switches over them are exhaustive.
 */

export interface Query {
  /** The text that was parsed: positions count UTF-16 units into it. */
  readonly text: string;
  readonly spanset: SpansetExpression;
}

export type SpansetExpression = SpansetFilter;

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
