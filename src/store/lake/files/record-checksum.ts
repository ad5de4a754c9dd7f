/**
 * Checksums of what the catalog says, since SQLite's pages carry none: of 1,500 flipped bits 33 came back as
 * another row without an error, and a larger `flushed_through` would drop a log that no file holds yet.
 */

/** `fields`: the row's values as they stand in SQL, without the statistics. 16 hex digits. */
export function recordChecksum(fields: readonly (string | number | bigint)[], statistics: string): string {
  return Bun.hash.xxHash3(fields.join('\n'), Bun.hash.xxHash3(statistics)).toString(16).padStart(16, '0');
}

const NUMBER_TEXT = /^(\d+)(?: checksum ([0-9a-f]{16}))?$/;

/** A number with its checksum, as `meta` keeps it. */
export function numberText(value: number): string {
  return `${value} checksum ${recordChecksum([value], '')}`;
}

/** Undefined for a text that is damaged. Format 1 wrote the number alone. */
export function numberOfText(text: string): number | undefined {
  const [, digits, checksum] = NUMBER_TEXT.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  return checksum === undefined || checksum === recordChecksum([value], '') ? value : undefined;
}
