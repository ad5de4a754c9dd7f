/**
 * What a spanset expression needs of a trace, so that few traces have to be judged as wholes. Probes are
 * conditions that a span alone decides; from which of them have a matching span in a trace it is told whether
 * the expression can hold there. Pure; every answer errs on the side of more traces.
 */
import { analyse, fieldsOf } from './analyse.ts';
import type { Field } from './analyse.ts';
import type {
  BinaryExpression,
  FieldExpression,
  IntrinsicField,
  ScalarExpression,
  ScalarFilter,
  SpansetExpression,
  SpansetFilter,
  SpansetOperation,
  SpansetStage,
} from './ast.ts';
import { isComparison } from './expression.ts';
import { needsTrace } from './keywords.ts';
import { printExpression } from './print.ts';

export interface Probe {
  /** Asks for nothing but the span itself. Null: every span. */
  readonly condition: FieldExpression | null;
  /** False: any span of the trace may satisfy it, also one outside of the question's range. */
  readonly inRange: boolean;
}

/** Of which probes a trace needs a matching span. */
export type Need =
  | boolean
  | { readonly kind: 'probe'; readonly probe: number }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Need[] };

interface SelectorAnalysis {
  /** Its spans satisfy this probe; undefined when there is none for it. */
  readonly probe: number | undefined;
  /** And all spans that satisfy the probe are its spans. */
  readonly exact: boolean;
  /** It asks for nothing but the trace: all its spans satisfy it, or none. */
  readonly ofTrace: boolean;
}

export interface SpansetAnalysis {
  readonly expression: SpansetExpression;
  /** The first, BOUND, is satisfied by every span that the expression may give. */
  readonly probes: readonly Probe[];
  readonly need: Need;
  /** So many spans of a trace have to satisfy the bound. */
  readonly minimum: number;
  readonly selectors: ReadonlyMap<SpansetFilter, SelectorAnalysis>;
  /** What is read of spans one by one: by selectors that need the trace, groups and aggregates. */
  readonly fields: readonly Field[];
}

export const BOUND = 0;

/** Bits of a word, one a probe. Selectors beyond are evaluated span by span. */
const MAX_PROBES = 32;

export function analyseSpansets(expression: SpansetExpression): SpansetAnalysis {
  const probes = new Probes();
  probes.of(boundOf(expression), true);
  const fields = new Map<string, Field>();
  const selectors = new Map<SpansetFilter, SelectorAnalysis>();
  for (const filter of filtersOf(expression)) {
    const { scan, needsTrace: outside } = analyse(filter.condition);
    const probe = scan === null ? undefined : probes.of(scan, true);
    const exact = !outside && (probe !== undefined || scan === null);
    selectors.set(filter, { probe, exact, ofTrace: isOfTrace(filter.condition) });
    if (!exact && filter.condition) addFields(fields, filter.condition);
  }
  for (const read of expressionsOf(expression)) addFields(fields, read);
  const need = needOf(expression, probes);
  const minimum = Math.max(1, minimumOf(expression));
  return { expression, probes: probes.all, need, minimum, selectors, fields: [...fields.values()] };
}

/** `| count() > 5` at the end, or with what only drops spansets behind it, gives six spans or none. */
function minimumOf(stage: SpansetStage): number {
  switch (stage.kind) {
    case 'pipeline':
      return Math.max(
        ...stage.stages.map((each, i) => (keepsCounts(stage.stages.slice(i + 1)) ? minimumOf(each) : 0)),
      );
    case 'scalar filter': {
      const { operator, left, right } = stage;
      if (left.kind !== 'aggregate' || left.name !== 'count' || right.kind !== 'literal') return 0;
      if (right.value.type !== 'int') return 0;
      const least =
        operator === '>'
          ? right.value.value + 1n
          : operator === '>=' || operator === '='
            ? right.value.value
            : 0n;
      return least > 0n && least < MAX_MINIMUM ? Number(least) : 0;
    }
    default:
      return 0;
  }
}

/** Beyond that a count says nothing: traces are smaller. */
const MAX_MINIMUM = 1_000_000_000n;

function keepsCounts(stages: readonly SpansetStage[]): boolean {
  return stages.every(
    ({ kind }) => kind === 'select' || kind === 'coalesce' || kind === 'by' || kind === 'scalar filter',
  );
}

function isOfTrace(condition: FieldExpression | null): boolean {
  if (condition === null) return true;
  return fieldsOf(condition).every(
    (field) => field.kind === 'intrinsic' && !field.parent && field.name.startsWith('trace:'),
  );
}

function addFields(fields: Map<string, Field>, expression: FieldExpression): void {
  for (const field of fieldsOf(expression)) fields.set(printExpression(field), field);
}

class Probes {
  readonly all: Probe[] = [];
  readonly #known = new Map<string, number>();

  /** Undefined when there are too many. */
  of(condition: FieldExpression | null, inRange: boolean): number | undefined {
    const text = `${inRange} ${condition === null ? '' : printExpression(condition)}`;
    let probe = this.#known.get(text);
    if (probe === undefined && this.all.length < MAX_PROBES) {
      probe = this.all.push({ condition, inRange }) - 1;
      this.#known.set(text, probe);
    }
    return probe;
  }
}

/** Whether the probes that a trace has spans of, as bits, satisfy the need. */
export function needTest(need: Need): (bits: number) => boolean {
  if (typeof need === 'boolean') return () => need;
  if (need.kind === 'probe') {
    const bit = 1 << need.probe;
    return (bits) => (bits & bit) !== 0;
  }
  const tests = need.parts.map(needTest);
  return need.kind === 'all'
    ? (bits) => tests.every((test) => test(bits))
    : (bits) => tests.some((test) => test(bits));
}

/** Sets of probes of each of which a trace needs a span of one probe at least. */
export function clausesOf(need: Need): readonly (readonly number[])[] {
  if (typeof need === 'boolean') return [];
  if (need.kind === 'probe') return [[need.probe]];
  if (need.kind === 'all') return need.parts.flatMap(clausesOf);
  // Of each part one of its clauses will do.
  const parts = need.parts.map((part) => clausesOf(part).at(0));
  const known = parts.filter((part) => part !== undefined);
  return known.length < parts.length ? [] : [[...new Set(known.flat())]];
}

/** The condition of a clause: that of one of its probes. */
export function probeOfClause(probes: readonly Probe[], clause: readonly number[]): Probe {
  const parts = clause.map((probe) => probes[probe]);
  return {
    condition: parts.map(({ condition }) => condition).reduce((a, b) => either(a, b)),
    inRange: parts.every(({ inRange }) => inRange),
  };
}

function all(parts: readonly Need[]): Need {
  const left = parts.filter((part) => part !== true);
  if (left.includes(false)) return false;
  return left.length === 0 ? true : left.length === 1 ? left[0] : { kind: 'all', parts: left };
}

function any(parts: readonly Need[]): Need {
  const left = parts.filter((part) => part !== false);
  if (left.includes(true)) return true;
  return left.length === 0 ? false : left.length === 1 ? left[0] : { kind: 'any', parts: left };
}

function needOf(stage: SpansetStage, probes: Probes): Need {
  switch (stage.kind) {
    case 'filter':
      return needOfFilter(stage, probes);
    case 'operation':
      return needOfOperation(stage, probes);
    case 'pipeline':
      return all(stage.stages.map((each) => needOf(each, probes)));
    case 'scalar filter':
      return needOfScalars(stage, probes);
    case 'by':
    case 'coalesce':
    case 'select':
      return true;
  }
}

function needOfFilter({ condition }: SpansetFilter, probes: Probes): Need {
  const { scan } = analyse(condition);
  if (scan === null) return all(needsOfTrace(condition, probes));
  if (scan.kind === 'literal' && scan.value.type === 'bool' && !scan.value.value) return false;
  return all([asNeed(probes.of(scan, true)), ...needsOfTrace(condition, probes)]);
}

function asNeed(probe: number | undefined): Need {
  return probe === undefined ? true : { kind: 'probe', probe };
}

function needOfOperation({ operator, left, right }: SpansetOperation, probes: Probes): Need {
  const [a, b] = [needOf(left, probes), needOf(right, probes)];
  if (operator === '||') return any([a, b]);
  return operator.startsWith('!') ? b : all([a, b]);
}

/** A filter of pipelines alone gives their spans: one has to give some, and those without `count()` have to. */
function needOfScalars(filter: ScalarFilter, probes: Probes): Need {
  const parts = [...scalarParts(filter.left), ...scalarParts(filter.right)];
  const needs: Need[] = [];
  const sources: Need[] = [];
  let given = false;
  for (const part of parts) {
    if (part.kind === 'aggregate') given = true;
    if (part.kind !== 'scalar pipeline') continue;
    const need = needOf(part.source, probes);
    sources.push(need);
    if (part.aggregate.name !== 'count') needs.push(need);
  }
  if (!given && sources.length > 0) needs.push(any(sources));
  return all(needs);
}

function scalarParts(expression: ScalarExpression): ScalarExpression[] {
  return expression.kind === 'calculation'
    ? [...scalarParts(expression.left), ...scalarParts(expression.right)]
    : [expression];
}

/** What conjuncts say of the root and of parents is true of some span of the trace. */
function needsOfTrace(condition: FieldExpression | null, probes: Probes): Need[] {
  const needs: Need[] = [];
  for (const part of conjunctsOf(condition)) {
    const asked = part.kind === 'binary' ? elsewhere(part) : undefined;
    if (asked) needs.push(asNeed(probes.of(asked, false)));
  }
  return needs;
}

function conjunctsOf(condition: FieldExpression | null): FieldExpression[] {
  if (condition === null) return [];
  if (condition.kind !== 'binary' || condition.operator !== '&&') return [condition];
  return [...conjunctsOf(condition.left), ...conjunctsOf(condition.right)];
}

/** `rootName = "x"`: the root's own name is; `parent.a = 1`: the parent's own a is. */
function elsewhere(comparison: BinaryExpression): FieldExpression | undefined {
  const { operator, left, right } = comparison;
  if (!isComparison(operator)) return undefined;
  const [field, value] = left.kind === 'literal' ? [right, left] : [left, right];
  if (value.kind !== 'literal' || value.value.type === 'nil') return undefined;
  if (field.kind !== 'attribute' && field.kind !== 'intrinsic') return undefined;
  const of = (there: FieldExpression): BinaryExpression =>
    field === left ? { ...comparison, left: there } : { ...comparison, right: there };
  if (field.kind === 'attribute') return field.parent ? of({ ...field, parent: false }) : undefined;
  if (field.parent) {
    return needsTrace(field.name) || field.name === 'span:parent'
      ? undefined
      : of({ ...field, parent: false });
  }
  if (field.name === 'trace:rootName') return and(of({ ...field, name: 'span:name' }), rootTest(field));
  const isService = field.name === 'trace:rootService' && operator === '=';
  if (!isService || value.value.type !== 'string' || value.value.value === '') return undefined;
  const { position } = field;
  const service = {
    kind: 'attribute',
    scope: 'resource',
    parent: false,
    key: 'service.name',
    position,
  } as const;
  return and(of(service), rootTest(field));
}

/** `parent = nil`. */
function rootTest({ position }: IntrinsicField): FieldExpression {
  return {
    kind: 'binary',
    operator: '=',
    left: { kind: 'intrinsic', name: 'span:parent', parent: false, position },
    right: { kind: 'literal', value: { type: 'nil' }, position },
    position,
  };
}

function and(left: FieldExpression, right: FieldExpression): FieldExpression {
  return { kind: 'binary', operator: '&&', left, right, position: left.position };
}

function both(left: FieldExpression | null, right: FieldExpression | null): FieldExpression | null {
  return left === null || right === null ? (left ?? right) : and(left, right);
}

function either(left: FieldExpression | null, right: FieldExpression | null): FieldExpression | null {
  if (left === null || right === null) return null;
  if (printExpression(left) === printExpression(right)) return left;
  return { kind: 'binary', operator: '||', left, right, position: left.position };
}

/** True for every span that the stage may give. */
function boundOf(stage: SpansetStage): FieldExpression | null {
  switch (stage.kind) {
    case 'filter':
      return analyse(stage.condition).scan;
    case 'operation': {
      const { operator, left, right } = stage;
      const ofBoth = operator === '||' || operator.startsWith('&');
      return ofBoth ? either(boundOf(left), boundOf(right)) : boundOf(right);
    }
    case 'pipeline':
      return stage.stages.map(boundOf).reduce((a, b) => both(a, b));
    case 'scalar filter': {
      const parts = [...scalarParts(stage.left), ...scalarParts(stage.right)];
      const sources = parts.filter((part) => part.kind === 'scalar pipeline');
      if (sources.length === 0 || parts.some(({ kind }) => kind === 'aggregate')) return null;
      return sources.map(({ source }) => boundOf(source)).reduce((a, b) => either(a, b));
    }
    case 'by':
    case 'coalesce':
    case 'select':
      return null;
  }
}

function filtersOf(stage: SpansetStage): SpansetFilter[] {
  return stage.kind === 'filter' ? [stage] : partsOf(stage).flatMap(filtersOf);
}

/** Expressions that are evaluated besides selectors. */
function expressionsOf(stage: SpansetStage): FieldExpression[] {
  const inner = partsOf(stage).flatMap(expressionsOf);
  if (stage.kind === 'by') return [stage.expression];
  if (stage.kind !== 'scalar filter') return inner;
  const aggregates = [...scalarParts(stage.left), ...scalarParts(stage.right)].map((part) =>
    part.kind === 'aggregate' ? part : part.kind === 'scalar pipeline' ? part.aggregate : undefined,
  );
  return [...inner, ...aggregates.flatMap((aggregate) => aggregate?.operand ?? [])];
}

function partsOf(stage: SpansetStage): readonly SpansetStage[] {
  switch (stage.kind) {
    case 'operation':
      return [stage.left, stage.right];
    case 'pipeline':
      return stage.stages;
    case 'scalar filter':
      return [...scalarParts(stage.left), ...scalarParts(stage.right)].flatMap((part) =>
        part.kind === 'scalar pipeline' ? [part.source] : [],
      );
    case 'filter':
    case 'by':
    case 'coalesce':
    case 'select':
      return [];
  }
}
