/** Attribute keys and values, for completion and facets. */
import type { AttributesVector, Block } from '../../../../span/vector.ts';
import { analyse } from '../../../../traceql/analyse.ts';
import type { FieldExpression, Query, SpansetExpression } from '../../../../traceql/ast.ts';
import { comparison, fieldFromText, intrinsic } from '../../../../traceql/build.ts';
import { QuestionError } from '../../../span-store.ts';
import type { AttributeKey, AttributeScope, NamesQuestion, ValueCount } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { childOf, columnOf } from '../scan/cells.ts';
import { conditionOfRows, matchingRows } from './metrics-source.ts';
import { Selection, filterColumns } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';
import { IN_BUFFER } from '../session.ts';
import type { Session } from '../session.ts';
import { TextCache, Texts } from '../scan/texts.ts';
import { planQuestion } from '../plan/token-pruning.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';
import { ValueCounts } from './value-counts.ts';
import type { CountedValues } from './value-counts.ts';
import { columnsOfValues, countValues } from './values.ts';
import type { ValueField } from './values.ts';

/** Fields that every span has and that people filter by. */
const INTRINSIC_KEYS: readonly string[] = [
  'name',
  'kind',
  'status',
  'statusMessage',
  'duration',
  'rootName',
  'rootServiceName',
  'traceDuration',
];

/** The spans that names are asked of: those that a metrics query measures; undefined where it has several kinds. */
function spansOf({ expression }: Query): SpansetExpression | undefined {
  if (expression.kind === 'metrics') return expression.source;
  return expression.kind === 'metrics calculation' ? undefined : expression;
}

class KeyCounts {
  readonly #counts = new Map<string, { scope: AttributeScope; key: string; count: number }>();

  add(scope: AttributeScope, key: string, count: number): void {
    if (count === 0) return;
    const id = `${scope} ${key}`;
    const known = this.#counts.get(id);
    if (known) known.count += count;
    else this.#counts.set(id, { scope, key, count });
  }

  top(prefix: string, limit: number): AttributeKey[] {
    return [...this.#counts.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => b.count - a.count || compare(a.key, b.key) || compare(a.scope, b.scope))
      .slice(0, limit);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Of buffers, counted among the matching spans; of files, whatever files that may have matching spans hold, in all
 * their spans: completion asks with every key that is pressed, and to count a map of attributes takes 0.4 us a span.
 */
export async function attributeKeys(session: Session, question: NamesQuestion): Promise<AttributeKey[]> {
  const { range, query, prefix, limit } = question;
  const asked = spansOf(query);
  const condition = asked && conditionOfRows(asked);
  const filter = { condition: condition ? analyse(condition).scan : null, range };
  const counts = new KeyCounts();
  let spans = 0;
  for (const buffer of session.buffers) {
    const columns = [...KEY_COLUMNS, ...filterColumns(filter, IN_BUFFER)];
    await session.eachSlice(buffer, columns, (block) => {
      const selection = new Selection(block, filter);
      return (from, to) => {
        const selected = selection.select(from, to);
        for (let row = from; row < to; row++) spans += selected[row];
        countKeys(block, selected, from, to, counts);
      };
    });
  }
  const plan = await planQuestion(session, range, filter.condition);
  for (const { file } of plan.scan) {
    spans += file.rows;
    for (const { scope, key, spanCount } of file.attributeKeys) counts.add(scope, key, spanCount);
  }
  for (const key of INTRINSIC_KEYS) counts.add('intrinsic', key, spans);
  return counts.top(prefix, limit);
}

const KEY_COLUMNS: readonly string[] = [
  'span_attributes',
  'resource_attributes',
  'scope_attributes',
  'events',
  'links',
];

function countKeys(block: Block, selected: Uint8Array, from: number, to: number, counts: KeyCounts): void {
  const scan = (scope: AttributeScope, vector: AttributesVector, listOffsets?: Uint32Array) =>
    countKeysOf(vector, listOffsets, selected, from, to, (key, count) => counts.add(scope, key, count));
  scan('span', columnOf(block, 'span_attributes', 'attributes'));
  scan('resource', columnOf(block, 'resource_attributes', 'attributes'));
  scan('instrumentation', columnOf(block, 'scope_attributes', 'attributes'));
  const events = columnOf(block, 'events', 'list');
  const links = columnOf(block, 'links', 'list');
  scan('event', childOf(events, 'attributes', 'attributes'), events.offsets);
  scan('link', childOf(links, 'attributes', 'attributes'), links.offsets);
}

/** With `listOffsets`, the vector's lists are those of children, and a row counts once for a key. */
function countKeysOf(
  vector: AttributesVector,
  listOffsets: Uint32Array | undefined,
  selected: Uint8Array,
  from: number,
  to: number,
  add: (key: string, count: number) => void,
): void {
  const { offsets, rowIndex, pairs, keys, keyDictionary } = vector;
  const counts = new Uint32Array(keyDictionary.count);
  /** By key: the row that counted it last, plus one. */
  const lastRow = new Uint32Array(keyDictionary.count);
  for (let row = from; row < to; row++) {
    if (selected[row] === 0) continue;
    const list = rowIndex ? rowIndex[row] : row;
    const begin = offsets[listOffsets ? listOffsets[row] : list];
    const end = offsets[listOffsets ? listOffsets[row + 1] : list + 1];
    for (let entry = begin; entry < end; entry++) {
      const key = keys[pairs ? pairs[entry] : entry];
      if (lastRow[key] === row + 1) continue;
      lastRow[key] = row + 1;
      counts[key]++;
    }
  }
  const texts = new Texts(keyDictionary);
  for (let key = 0; key < counts.length; key++) if (counts[key] > 0) add(texts.get(key), counts[key]);
}

/** `full`: there are more distinct values than are counted. */
export interface ValuesFound {
  readonly values: readonly ValueCount[];
  readonly full: boolean;
}

/** Throws QuestionError for what selects no spans. */
export async function attributeValues(
  session: Session,
  indexes: TraceIndexes,
  fieldText: string,
  question: NamesQuestion,
): Promise<ValuesFound> {
  const asked = askedField(fieldText);
  if (!asked) return { values: [], full: false };
  const { field, only } = asked;
  const { range, prefix, limit } = question;
  const counts = new ValueCounts(prefix);
  const source = spansOf(question.query);
  if (!source)
    throw new QuestionError(
      'unsupported_query',
      'values are counted of one kind of spans, not of a calculation',
    );
  let full = false;
  await matchingRows<'values'>({ session, indexes, range }, source, only, {
    reads: (available) => columnsOfValues(field, available),
    begin: (block) => {
      const texts = new TextCache();
      return (selected, from, to) => countValues(block, field, { selected, from, to, texts }, counts);
    },
    isKnown: (file, filter) => addFromStatistics(file, field, filter, counts),
    job: ({ columns, rowGroups, filter }) => ({ kind: 'values', columns, rowGroups, filter, field, prefix }),
    merge: (answer) => {
      full ||= answer.full;
      return mergeValues(answer.values, counts);
    },
  });
  return { values: counts.top(limit), full: full || counts.full };
}

/** Merging so many takes about a millisecond. */
const VALUES_A_STEP = 8192;

function* mergeValues(found: readonly CountedValues[], into: ValueCounts): Generator<void> {
  for (const { type, values, counts } of found) {
    for (let i = 0; i < values.length; i++) {
      into.add(type, values[i], counts[i]);
      if (i % VALUES_A_STEP === VALUES_A_STEP - 1) yield;
    }
  }
}

export interface AskedField {
  readonly field: ValueField;
  /** Which spans count, besides those that match the query. */
  readonly only: FieldExpression | null;
}

const IS_ROOT = comparison(intrinsic('span:parent'), '=', { type: 'nil' });

/** Undefined for fields whose values nobody chooses from, such as places in a nested set. */
export function askedField(text: string): AskedField | undefined {
  const field = fieldFromText(text);
  if (field.kind === 'attribute') return { field, only: null };
  switch (field.name) {
    case 'trace:rootName':
      return { field: { kind: 'intrinsic', name: 'span:name' }, only: IS_ROOT };
    case 'trace:rootService':
      return { field: { kind: 'attribute', scope: 'resource', key: 'service.name' }, only: IS_ROOT };
    case 'span:childCount':
    case 'span:parent':
    case 'trace:duration':
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      return undefined;
    case 'span:id':
    case 'span:parentID':
    case 'span:name':
    case 'span:kind':
    case 'span:status':
    case 'span:statusMessage':
    case 'span:duration':
    case 'trace:id':
    case 'event:name':
    case 'event:timeSinceStart':
    case 'link:traceID':
    case 'link:spanID':
    case 'instrumentation:name':
    case 'instrumentation:version':
      return { field: { kind: 'intrinsic', name: field.name }, only: null };
  }
}

/** Services and names of a whole file are counted already; true when nothing is left to scan. */
function addFromStatistics(file: FileEntry, field: ValueField, filter: Filter, counts: ValueCounts): boolean {
  const { startUnixNano, endUnixNano } = filter.range;
  const whole = file.minStartUnixNano >= startUnixNano && file.maxStartUnixNano < endUnixNano;
  if (!whole || filter.condition !== null) return false;
  if (field.kind === 'intrinsic') {
    if (field.name !== 'span:name' || !file.operationsWhole) return false;
    for (const { name, spanCount } of file.operations) counts.add('string', name, spanCount);
    return true;
  }
  // Without a name the attribute is missing, or no string: only a scan can tell.
  const named = file.servicesWhole && file.services.every(({ name }) => name !== '');
  if (field.scope !== 'resource' || field.key !== 'service.name' || !named) return false;
  for (const { name, spanCount } of file.services) counts.add('string', name, spanCount);
  return true;
}
