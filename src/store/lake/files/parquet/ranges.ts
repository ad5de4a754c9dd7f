/** Neighbouring rows, slots or values: `from .. to`, without `to`. Lists of them ascend and don't touch. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Ascending numbers as ranges. Throws RangeError when they don't ascend. */
export function rangesOf(rows: Uint32Array): Range[] {
  const ranges: Range[] = [];
  for (let i = 0; i < rows.length;) {
    let end = i + 1;
    while (end < rows.length && rows[end] === rows[end - 1] + 1) end++;
    if (end < rows.length && rows[end] <= rows[end - 1]) {
      throw new RangeError(`row ${rows[end]} behind ${rows[end - 1]}`);
    }
    ranges.push({ from: rows[i], to: rows[end - 1] + 1 });
    i = end;
  }
  return ranges;
}

/** What of the ranges stands within `from .. to`, counted from `from`. */
export function rangesWithin(ranges: readonly Range[], from: number, to: number): Range[] {
  const within: Range[] = [];
  for (const range of ranges) {
    const first = Math.max(from, range.from);
    const end = Math.min(to, range.to);
    if (first < end) within.push({ from: first - from, to: end - from });
  }
  return within;
}

export function countIn(ranges: readonly Range[]): number {
  let count = 0;
  for (const { from, to } of ranges) count += to - from;
  return count;
}
