/** A part of the duration heatmap, as the address holds it: times and durations as typed, '' is open. */

export interface Selection {
  readonly from: string;
  readonly to: string;
  readonly min: string;
  readonly max: string;
}

export const NO_SELECTION: Selection = { from: '', to: '', min: '', max: '' };

const NAMES = ['from', 'to', 'min', 'max'] as const;

/** In the address each name stands behind this, apart from the range of the whole search. */
const PREFIX = 'sel-';

export function readSelection(params: URLSearchParams): Selection {
  const text = (name: string): string => (params.get(PREFIX + name) ?? '').trim();
  return { from: text('from'), to: text('to'), min: text('min'), max: text('max') };
}

export function selectionFields(selection: Selection): [string, string][] {
  return NAMES.flatMap((name): [string, string][] =>
    selection[name] === '' ? [] : [[PREFIX + name, selection[name]]],
  );
}

export function isSelected(selection: Selection): boolean {
  return NAMES.some((name) => selection[name] !== '');
}

/** The form's name of a part. */
export function selectionName(part: keyof Selection): string {
  return PREFIX + part;
}
