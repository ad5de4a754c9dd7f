/** What the address of a trace page says of the waterfall: what is collapsed, shown, looked for, and from when to when. */
import { formatDurationExact, parseDuration } from '../../src/span/time.ts';

export const ONLY = ['errors', 'matches', 'critical', 'entries', 'window'] as const;
export type Only = (typeof ONLY)[number];

export interface WaterfallState {
  /** Levels open at first; 0 for all. */
  readonly levels: number;
  /** Services whose spans are collapsed at first. */
  readonly closed: ReadonlySet<string>;
  /** Keys of what stands otherwise than at first. */
  readonly toggled: ReadonlySet<string>;
  readonly only: '' | Only;
  /** Text to find, or TraceQL where it begins with a brace. */
  readonly q: string;
  /** Similar siblings are folded. */
  readonly folds: boolean;
  /** Nanoseconds from the trace's start; both 0 for all of it. */
  readonly fromNano: bigint;
  readonly toNano: bigint;
  /** First row of the window, from 0. */
  readonly row: number;
}

export const MAX_LEVELS = 999;
/** More than this would not fit in an address that every proxy takes: 1,800 bytes. */
export const MAX_TOGGLED = 300;
const MAX_CLOSED = 20;
const MAX_QUERY_CHARS = 1500;
const KEY_CHARS = 6;
/** 104 days: beyond, numbers are no longer exact. */
const MAX_NANO = 9_007_199_254_740_991n;

/** Takes what it understands: an address that was cut or edited still opens the trace. */
export function readWaterfallState(params: URLSearchParams): WaterfallState {
  const [fromNano, toNano] = [offset(params.get('from')), offset(params.get('to'))];
  const only = params.get('only') ?? '';
  const zoomed = toNano > fromNano;
  return {
    levels: Math.min(wholeNumber(params.get('levels')), MAX_LEVELS),
    closed: new Set(params.getAll('closed').slice(0, MAX_CLOSED)),
    toggled: readKeys(params.get('toggled') ?? ''),
    only: ONLY.find((known) => known === only) ?? '',
    q: (params.get('q') ?? '').trim().slice(0, MAX_QUERY_CHARS),
    folds: params.get('similar') !== 'apart',
    fromNano: zoomed ? fromNano : 0n,
    toNano: zoomed ? toNano : 0n,
    row: wholeNumber(params.get('row')),
  };
}

function wholeNumber(text: string | null): number {
  const number = Number(text ?? 0);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

function offset(text: string | null): bigint {
  const nano = text === null ? null : parseDuration(text);
  return nano === null || nano < 0n || nano > MAX_NANO ? 0n : nano;
}

function readKeys(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  if (!/^[\w-]*$/.test(text)) return keys;
  for (let at = 0; at + KEY_CHARS <= text.length && keys.size < MAX_TOGGLED; at += KEY_CHARS) {
    keys.add(text.slice(at, at + KEY_CHARS));
  }
  return keys;
}

/** Names and values for an address, not yet encoded. */
export function waterfallFields(state: WaterfallState): (readonly [name: string, value: string])[] {
  const { levels, closed, toggled, only, q, folds, fromNano, toNano, row } = state;
  const fields: [string, string][] = [];
  if (q !== '') fields.push(['q', q]);
  if (only !== '') fields.push(['only', only]);
  if (levels > 0) fields.push(['levels', String(levels)]);
  for (const service of closed) fields.push(['closed', service]);
  if (!folds) fields.push(['similar', 'apart']);
  if (toNano > fromNano) {
    fields.push(['from', formatDurationExact(fromNano)], ['to', formatDurationExact(toNano)]);
  }
  if (toggled.size > 0) fields.push(['toggled', [...toggled].slice(-MAX_TOGGLED).join('')]);
  if (row > 0) fields.push(['row', String(row)]);
  return fields;
}

/** A set with one thing in it or out of it. */
export function flipped(set: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const changed = new Set(set);
  if (!changed.delete(one)) changed.add(one);
  return changed;
}
