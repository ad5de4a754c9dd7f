/** CSV as RFC 4180 has it. */

/**
 * A text from data as a cell. Spreadsheets run what begins like a formula, so such a text gets an apostrophe
 * before it, which they take for "this is text".
 */
export function csvText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

export function csvNumber(value: number): string {
  return String(value);
}

/** Without its line feed. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r`;
}
