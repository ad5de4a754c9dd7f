/** The definition levels of a page at the top of the tree: which of its rows have a value. */
import { readAllCodes } from './page-codes.ts';

export interface Definition {
  /** One byte a row, 1 where there is a value; undefined when all have one. */
  readonly present: Uint8Array | undefined;
  /** Rows that have a value. */
  readonly count: number;
  /** Where in the body the values begin. */
  readonly end: number;
}

export function definitionOf(body: Uint8Array, rows: number): Definition {
  if (body.length < 4) throw new RangeError(`no levels in ${body.length} bytes`);
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  const end = 4 + length;
  const present = new Uint8Array(rows);
  const constant = readAllCodes(body, 4, end, 1, present, 0, rows);
  if (constant === 1) return { present: undefined, count: rows, end };
  let count = 0;
  for (let row = 0; row < rows; row++) count += present[row];
  return { present: count === rows ? undefined : present, count, end };
}
