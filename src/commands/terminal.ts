/** Text for a terminal: made harmless, cut to a width, laid out in columns. */

/**
 * What a terminal, or a person's eye, takes for something else than text: controls (C0, DEL, C1), marks that are not
 * seen or turn a line around, halves of a character.
 */
const UNSAFE =
  /\p{Cc}|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/**
 * Data as one line that no terminal acts on: control characters, which can move the cursor or retitle the
 * window, and invisible ones, which can turn a line around, are shown as `\u001b`.
 */
export function safeText(text: string): string {
  return text.replace(UNSAFE, escaped);
}

function escaped(sign: string): string {
  switch (sign) {
    case '\n':
      return '\\n';
    case '\t':
      return '\\t';
    case '\r':
      return '\\r';
    default:
      return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
}

/** JSON as it is, but for what a terminal acts on: the escapes mean the same to every reader. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Columns of a terminal that the text takes: 2 for wide characters, 0 for combining ones. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The text within `width` columns; what had to be cut ends in an ellipsis. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

export interface Column {
  readonly head: string;
  readonly align?: 'right';
  /** A column that may be cut when the line is too long, and the least that must stay. Others stay whole. */
  readonly least?: number;
}

const GAP = '  ';

/** Lines no wider than `width`, if that can be; undefined: as wide as they are. The first line is the head. */
export function columnLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string[] {
  const all = [columns.map(({ head }) => head), ...rows];
  const natural = columns.map((_, at) => Math.max(...all.map((row) => widthOf(row[at]))));
  const widths = width === undefined ? natural : shrunk(columns, natural, width);
  return all.map((row) =>
    row
      .map((cell, at) => {
        const text = fit(cell, widths[at]);
        const pad = ' '.repeat(Math.max(0, widths[at] - widthOf(text)));
        return columns[at].align === 'right' ? pad + text : text + pad;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** The widest of the columns that may be cut gives way first. */
function shrunk(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1) - width;
  for (; excess > 0; excess--) {
    let widest = -1;
    for (const [at, { least }] of columns.entries()) {
      if (least === undefined || widths[at] <= least) continue;
      if (widest < 0 || widths[at] > widths[widest]) widest = at;
    }
    if (widest < 0) break;
    widths[widest]--;
  }
  return widths;
}

const BARS = '▁▂▃▄▅▆▇█';

/** Numbers as a line of bars, from 0 or the least below it to the greatest; a blank where there is none. */
export function sparkline(values: readonly (number | null)[], width: number): string {
  const cells = resampled(values, width);
  const known = cells.filter((value) => value !== null);
  const low = Math.min(0, ...known);
  const span = Math.max(0, ...known) - low;
  return cells
    .map((value) => {
      if (value === null) return ' ';
      return BARS[
        span === 0 ? 0 : Math.min(BARS.length - 1, Math.floor(((value - low) / span) * BARS.length))
      ];
    })
    .join('');
}

/** The greatest of those that share a cell: a short peak must stay to be seen. */
function resampled(values: readonly (number | null)[], width: number): (number | null)[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, cell) => {
    const from = Math.floor((cell * values.length) / width);
    const to = Math.floor(((cell + 1) * values.length) / width);
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  });
}

const SHOWN_BEFORE = 70;
const SHOWN_AFTER = 50;

/** Two lines: the text around a position, counted in UTF-16 units, and a caret below the place. */
export function caretLines(text: string, position: number): [string, string] {
  const from = Math.max(0, position - SHOWN_BEFORE);
  const before = safeText(text.slice(from, position).replaceAll(/\s/g, ' '));
  const after = safeText(text.slice(position, position + SHOWN_AFTER).replaceAll(/\s/g, ' '));
  return [before + after, `${' '.repeat(widthOf(before))}^`];
}
