/** `/search/complete?q=&at=`: what can stand at the caret of the query bar. `at` counts UTF-16 units. */
import { Html } from '@elysiajs/html';
import { QuestionError } from '../../store/span-store.ts';
import type { AttributeKey, TimeRange, ValueCount } from '../../store/span-store.ts';
import type { AttributeField, IntrinsicField, Static } from '../../traceql/ast.ts';
import { field, MATCH_ALL } from '../../traceql/build.ts';
import { completionAt } from '../../traceql/completion.ts';
import type { Completion, ValuePlace } from '../../traceql/completion.ts';
import { INTRINSICS, SCOPES } from '../../traceql/keywords.ts';
import { printExpression, printStatic } from '../../traceql/print.ts';
import { Suggestions } from '../../../views/search/complete.tsx';
import type { Suggestion, SuggestionsProps } from '../../../views/search/complete.tsx';
import { rangeText, readSearchState } from '../../../views/search/search-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOf } from './range.ts';
import { html } from './respond.ts';

/** Rows of the list: what comes later is found by typing on. */
const SHOWN = 40;
/** Asked of the store, to choose from. */
const ASKED_KEYS = 2_000;
const ASKED_VALUES = 200;
/** A value that long is nobody's search. */
const MAX_INSERT_CHARS = 1_000;

interface Asked {
  readonly deps: PagesDeps;
  readonly context: PageContext;
  readonly request: Request;
  readonly range: TimeRange;
  /** The range in words. */
  readonly where: string;
  readonly completion: Completion;
}

type Found = Pick<SuggestionsProps, 'heading' | 'suggestions'>;

export async function completeFragment(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const text = params.get('q') ?? '';
  const at = /^\d{1,6}$/.test(params.get('at') ?? '') ? Number(params.get('at')) : text.length;
  params.delete('at');
  const state = readSearchState(params);
  const completion = completionAt(text, at);
  const none: SuggestionsProps = { from: at, to: at, heading: '', suggestions: [] };
  if (completion === undefined) return html(Html.createElement(Suggestions, none));
  const { from, to } = completion;
  try {
    const range = rangeOf(state, deps.now());
    const found = await find({ deps, context, request, range, where: rangeText(state), completion });
    const lead = from === 0 || /[\s(]$/.test(text.slice(0, from)) ? '' : ' ';
    const suggestions = found.suggestions
      .slice(0, SHOWN)
      .map((one) => ({ ...one, insert: `${lead}${one.insert}` }));
    return html(Html.createElement(Suggestions, { from, to, heading: found.heading, suggestions }));
  } catch (error) {
    // The range is half typed, or values of this field can't be told: the search itself says so.
    if (error instanceof QuestionError) return html(Html.createElement(Suggestions, none));
    throw error;
  }
}

async function find(asked: Asked): Promise<Found> {
  const { values, fields } = asked.completion;
  if (values !== undefined) return findValues(asked, values);
  const words = wordSuggestions(asked.completion);
  if (!fields) return { heading: 'Operators and functions', suggestions: words };
  const keys = await findKeys(asked);
  return { ...keys, suggestions: [...keys.suggestions, ...words] };
}

const DETAILS: ReadonlyMap<string, string> = new Map([
  ['&&', 'and'],
  ['||', 'or'],
  ['=~', 'matches a regular expression'],
  ['!~', 'matches none'],
  ['}', 'end of the conditions'],
  ['{', 'another selector'],
  ['|', 'then'],
  ['>>', 'with a descendant'],
  ['>', 'greater, or a child'],
  ['<<', 'with an ancestor'],
  ['<', 'less, or a parent'],
  ['~', 'with a sibling'],
  ['by(', 'group'],
  ['select(', 'fields of the answer'],
  ['rate()', 'a second'],
  ['count()', 'spans of a trace'],
]);

function wordSuggestions({ typed, words }: Completion): Suggestion[] {
  return words
    .filter((word) => word.startsWith(typed) && word !== typed)
    .map((word) => ({
      label: word,
      insert: word.endsWith('(') ? word : `${word} `,
      detail: DETAILS.get(word) ?? '',
    }));
}

async function findKeys({ deps, context, request, range, where, completion }: Asked): Promise<Found> {
  const { typed } = completion;
  const question = { query: MATCH_ALL, range, prefix: '', limit: ASKED_KEYS, signal: request.signal };
  const page = await deps.store.attributeKeys(context.projectId, question);
  const suggestions = page.keys
    .map((key) => ({ key, text: keyText(key), rank: rankOf(key, typed) }))
    .filter(({ rank, text }) => rank < NO_MATCH && text.length <= MAX_INSERT_CHARS)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ key, text }) => ({ label: text, insert: `${text} `, detail: detailOf(key), count: key.count }));
  const known = new Set(suggestions.map(({ label }) => label));
  const scoped = typed.includes(':') ? scopedIntrinsics(typed).filter(({ label }) => !known.has(label)) : [];
  return { heading: `Fields, with their spans in ${where}`, suggestions: [...scoped, ...suggestions] };
}

function keyText({ scope, key }: AttributeKey): string {
  return scope === 'intrinsic' ? key : printExpression(field(scope, key));
}

const NO_MATCH = 9;

/** Lower is nearer to what is typed: the whole name, the key, one of its parts, any place. */
function rankOf({ scope, key }: AttributeKey, typed: string): number {
  const wanted = typed.toLowerCase();
  const dot = wanted.indexOf('.');
  const asked = SCOPES.has(wanted.slice(0, Math.max(dot, 0))) ? wanted.slice(0, dot) : undefined;
  if (asked !== undefined && asked !== scope) return NO_MATCH;
  const rest = asked === undefined ? wanted.replace(/^\./, '') : wanted.slice(dot + 1);
  if (wanted.startsWith('.') && scope !== 'span' && scope !== 'resource') return NO_MATCH;
  const name = key.toLowerCase();
  if (rest === '' || name.startsWith(rest)) return 0;
  if (asked === undefined && `${scope}.`.startsWith(rest)) return 1;
  if (name.split(/[._]/).some((part) => part.startsWith(rest))) return 2;
  return name.includes(rest) ? 3 : NO_MATCH;
}

function detailOf({ scope, key }: AttributeKey): string {
  if (scope !== 'intrinsic') return '';
  return key.startsWith('root') || key.startsWith('trace') ? 'of the trace' : 'of every span';
}

function scopedIntrinsics(typed: string): Suggestion[] {
  return [...INTRINSICS.keys()]
    .filter((name) => name.includes(':') && name.toLowerCase().startsWith(typed.toLowerCase()))
    .map((name) => ({ label: name, insert: `${name} `, detail: name.split(':')[0] }));
}

/** Round figures to begin with: no two spans have the same duration. */
const DURATIONS = ['10ms', '50ms', '100ms', '250ms', '500ms', '1s', '2s', '5s', '10s', '1m'];

async function findValues(asked: Asked, place: ValuePlace): Promise<Found> {
  const { typed } = asked.completion;
  if (place.type === 'duration') {
    const suggestions = DURATIONS.filter((text) => text.startsWith(typed)).map((text): Suggestion => ({
      label: text,
      insert: `${text} `,
      detail: '',
    }));
    return { heading: 'Durations, for example', suggestions };
  }
  const values = await valuesOf(asked, place);
  const isText = place.quote !== '' || place.isPattern;
  const suggestions = values.flatMap((value): Suggestion[] => {
    const insert = isText && value.type !== 'string' ? '' : valueTextOf(value, place.isPattern);
    if (insert === '' || insert.length > MAX_INSERT_CHARS) return [];
    const label = value.type === 'string' && value.value !== '' ? value.value : insert;
    return [{ label, insert: `${insert} `, detail: '', count: value.count }];
  });
  const nil = place.isEquality && place.quote === '' && place.field.kind === 'attribute';
  if (nil && 'nil'.startsWith(typed) && suggestions.length > 0) {
    suggestions.splice(SHOWN - 1, Infinity, { label: 'nil', insert: 'nil ', detail: 'no such attribute' });
  }
  const narrowed = place.among === MATCH_ALL ? '' : ' that match what stands before';
  return { heading: `Values, by spans in ${asked.where}${narrowed}`, suggestions };
}

/** By their beginning; where none begins so, by what they contain. */
async function valuesOf(
  { deps, context, request, range, completion }: Asked,
  place: ValuePlace,
): Promise<readonly ValueCount[]> {
  const ask = async (prefix: string): Promise<readonly ValueCount[]> => {
    const question = { query: place.among, range, prefix, limit: ASKED_VALUES, signal: request.signal };
    return (await deps.store.attributeValues(context.projectId, nameOf(place.field), question)).values;
  };
  // Escapes within a text are few and ends: up to the first of them the text is what it says.
  const typed = completion.typed.split('\\')[0];
  const found = await ask(typed);
  if (found.length > 0 || typed === '') return found;
  const wanted = typed.toLowerCase();
  return (await ask('')).filter(({ value }) => value.toLowerCase().includes(wanted));
}

function nameOf(place: AttributeField | IntrinsicField): string {
  if (place.kind === 'intrinsic') return place.name;
  return place.scope === 'any' ? `.${place.key}` : `${place.scope}.${place.key}`;
}

/** As TraceQL writes it; '' for what it can't. */
function valueTextOf({ type, value }: ValueCount, isPattern: boolean): string {
  switch (type) {
    case 'string': {
      const text = isPattern ? value.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`) : value;
      return printStatic({ type: 'string', value: text } satisfies Static);
    }
    case 'double':
      return Number.isFinite(Number(value)) ? printStatic({ type: 'float', value: Number(value) }) : '';
    case 'bool':
    case 'int':
    case 'duration':
    case 'keyword':
      return value;
  }
}
