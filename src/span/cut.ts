/** Long texts, cut at a whole character. */

/** The end of the whole UTF-8 characters of `source[start .. end)` that fit `maxBytes`. */
export function cutEnd(source: Uint8Array, start: number, end: number, maxBytes: number): number {
  if (end - start <= maxBytes) return end;
  let to = start + maxBytes;
  // A character has at most three bytes behind its first; bytes that are no UTF-8 are cut where they are.
  for (let back = 0; back < 3 && to > start && isContinuation(source[to]); back++) to--;
  return isContinuation(source[to]) ? start + maxBytes : to;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
