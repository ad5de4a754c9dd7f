/** Attribute keys and values, for completion and facets. */
import type { AttributesVector, Block } from '../../../span/vector.ts';
import { analyse } from '../../../traceql/analyse.ts';
import type { FieldExpression, Query } from '../../../traceql/ast.ts';
import { and, comparison, fieldFromText, intrinsic } from '../../../traceql/build.ts';
import type { AttributeKey, AttributeScope, NamesQuestion, ValueCount } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { childOf, columnOf } from './cells.ts';
import { splitByRows } from './plan.ts';
import type { FilePlan } from './plan.ts';
import { Selection, filterColumns } from './scan.ts';
import type { Filter } from './scan.ts';
import { IN_BUFFER, availableIn, inLanes } from './session.ts';
import type { Session } from './session.ts';
import { TextCache, Texts } from './texts.ts';
import { planQuestion } from './token-pruning.ts';
import { ValueCounts } from './value-counts.ts';
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

export function conditionOf(query: Query): FieldExpression | null {
  return query.spanset.condition;
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

/** Of buffers, counted among the matching spans; of files, whatever files with matching spans hold. */
export async function attributeKeys(session: Session, question: NamesQuestion): Promise<AttributeKey[]> {
  const { range, query, prefix, limit } = question;
  const filter = { condition: analyse(conditionOf(query)).scan, range };
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

export async function attributeValues(
  session: Session,
  fieldText: string,
  question: NamesQuestion,
): Promise<ValuesFound> {
  const asked = askedField(fieldText);
  if (!asked) return { values: [], full: false };
  const condition = and(conditionOf(question.query), asked.only);
  const filter = { condition: analyse(condition).scan, range: question.range };
  const counts = new ValueCounts(question.prefix);
  await bufferValues(session, asked.field, filter, counts);
  const plan = await planQuestion(session, filter.range, filter.condition);
  const scanned = plan.scan.filter(({ file }) => !addFromStatistics(file, asked.field, filter, counts));
  const full = await fileValues(session, scanned, asked.field, filter, counts);
  return { values: counts.top(question.limit), full: full || counts.full };
}

interface AskedField {
  readonly field: ValueField;
  /** Which spans count, besides those that match the query. */
  readonly only: FieldExpression | null;
}

const IS_ROOT = comparison(intrinsic('span:parent'), '=', { type: 'nil' });

/** Undefined for fields whose values nobody chooses from, such as places in a nested set. */
function askedField(text: string): AskedField | undefined {
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

async function bufferValues(
  session: Session,
  field: ValueField,
  filter: Filter,
  counts: ValueCounts,
): Promise<void> {
  const columns = [...filterColumns(filter, IN_BUFFER), ...columnsOfValues(field, IN_BUFFER)];
  for (const buffer of session.buffers) {
    await session.eachSlice(buffer, columns, (block) => {
      const selection = new Selection(block, filter);
      const texts = new TextCache();
      return (from, to) => {
        countValues(block, field, { selected: selection.select(from, to), from, to, texts }, counts);
      };
    });
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

/** Merging so many takes about a millisecond. */
const VALUES_WITHOUT_BREAK = 8192;

async function fileValues(
  session: Session,
  plans: readonly FilePlan[],
  field: ValueField,
  filter: Filter,
  counts: ValueCounts,
): Promise<boolean> {
  let full = false;
  const units = plans.flatMap(({ file, rowGroups }) =>
    splitByRows(rowGroups, (index) => file.rowGroups[index].rows).map((part) => ({ file, rowGroups: part })),
  );
  const { prefix } = counts;
  await inLanes(
    session.concurrency,
    () => units.shift(),
    async ({ file, rowGroups }) => {
      const available = availableIn(file);
      const columns = [...filterColumns(filter, available), ...columnsOfValues(field, available)];
      const ask = { kind: 'values', columns, rowGroups, filter, field, prefix } as const;
      const answer = await session.job<'values'>(file, ask);
      if (!answer) return;
      for (const { type, values, counts: found } of answer.values) {
        for (let i = 0; i < values.length; i++) {
          counts.add(type, values[i], found[i]);
          if (i % VALUES_WITHOUT_BREAK === VALUES_WITHOUT_BREAK - 1) await session.breathe();
        }
      }
      await session.breathe();
      full ||= answer.full;
    },
  );
  return full;
}
