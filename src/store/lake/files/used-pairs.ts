/** Which entries of a vector of attributes some rows use, each distinct one once. */
import type { AttributesVector } from '../../../span/vector.ts';

/** Lists that rows `from .. to` have: neighbours, or those that many rows share. */
export type UsedLists =
  | { readonly from: number; readonly to: number }
  | { readonly lists: readonly number[] };

export function listsBetween({ rowIndex, offsets }: AttributesVector, from: number, to: number): UsedLists {
  if (rowIndex === undefined) return { from, to };
  const seen = new Uint8Array(offsets.length - 1);
  const lists: number[] = [];
  for (let row = from; row < to; row++) {
    const list = rowIndex[row];
    if (seen[list] !== 0) continue;
    seen[list] = 1;
    lists.push(list);
  }
  return { lists };
}

/** Indices into `keys`, `types` and `values`, of which no two agree in all three. */
export function pairsBetween(vector: AttributesVector, used: UsedLists): number[] {
  const { offsets, pairs } = vector;
  const found: number[] = [];
  const isNew = pairs === undefined ? distinctEntries(vector, used) : firstOf(vector.keys.length);
  const each = (from: number, to: number): void => {
    for (let entry = from; entry < to; entry++) {
      const pair = pairs === undefined ? entry : pairs[entry];
      if (isNew(pair)) found.push(pair);
    }
  };
  if ('lists' in used) for (const list of used.lists) each(offsets[list], offsets[list + 1]);
  else each(offsets[used.from], offsets[used.to]);
  return found;
}

function firstOf(count: number): (pair: number) => boolean {
  const seen = new Uint8Array(count);
  return (pair) => {
    if (seen[pair] !== 0) return false;
    seen[pair] = 1;
    return true;
  };
}

/** Without a table of pairs, entries are compared by their codes: a hash table of the first of each. */
function distinctEntries(vector: AttributesVector, used: UsedLists): (entry: number) => boolean {
  const { keys, types, values, offsets } = vector;
  const count =
    'lists' in used
      ? used.lists.reduce((sum, list) => sum + offsets[list + 1] - offsets[list], 0)
      : offsets[used.to] - offsets[used.from];
  const size = 1 << (33 - Math.clz32(Math.max(1, count)));
  const slots = new Uint32Array(size);
  const mask = size - 1;
  return (entry) => {
    let slot =
      (Math.imul(keys[entry] * 8 + types[entry], 0x9e3779b1) ^ Math.imul(values[entry], 0x85ebca6b)) | 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (let at = slots[slot]; at !== 0; at = slots[slot]) {
      const known = at - 1;
      if (keys[known] === keys[entry] && values[known] === values[entry] && types[known] === types[entry]) {
        return false;
      }
      slot = (slot + 1) & mask;
    }
    slots[slot] = entry + 1;
    return true;
  };
}
