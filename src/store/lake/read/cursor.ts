/** Where the next page begins, as opaque text: the last key given, and for which question. */
import type { Query } from '../../../traceql/ast.ts';
import { printQuery } from '../../../traceql/print.ts';
import { QuestionError } from '../../span-store.ts';
import type { SearchOrder } from '../../span-store.ts';
import type { RowKey } from './row-key.ts';
import { ID_BYTES } from './row-key.ts';
import { bytesOfHex, hexAt } from './texts.ts';

export type CursorKind = 'spans' | 'traces';

/** The last trace of a page. */
export interface TraceCursor {
  /** Start or duration, by the order. */
  readonly value: bigint;
  readonly traceId: string;
  /** newest: matching spans that start later can only be of traces that were given already. */
  readonly frontier: bigint;
}

/** Differs by query and order, not by range: `since=15m` is another range on each page. */
function questionHash(kind: CursorKind, query: Query, order: SearchOrder): string {
  return Bun.hash.xxHash32(`${kind} ${order} ${printQuery(query)}`).toString(16);
}

function encode(fields: readonly string[]): string {
  return Buffer.from(fields.join('~')).toString('base64url');
}

function decode(cursor: string, hash: string, pattern: RegExp): RegExpExecArray {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const found = pattern.exec(text);
  if (!found) throw new QuestionError('invalid_cursor', 'the cursor is not one of this server');
  if (found[1] !== hash) {
    throw new QuestionError('invalid_cursor', 'the cursor belongs to another query or another order');
  }
  return found;
}

export function spanCursor(query: Query, order: SearchOrder, key: RowKey): string {
  const ids = hexAt(key.ids, 0, ID_BYTES);
  return encode([
    questionHash('spans', query, order),
    String(key.high),
    String(key.low),
    ids,
    String(key.kind),
  ]);
}

export function parseSpanCursor(cursor: string, query: Query, order: SearchOrder): RowKey {
  const hash = questionHash('spans', query, order);
  const found = decode(cursor, hash, /^([0-9a-f]{1,8})~(\d{1,10})~(\d{1,10})~([0-9a-f]{64})~(\d{1,3})$/);
  const [, , high, low, ids, kind] = found;
  return {
    high: Number(high),
    low: Number(low),
    ids: bytesOfHex(ids, ID_BYTES) ?? new Uint8Array(ID_BYTES),
    kind: Number(kind),
  };
}

export function traceCursor(query: Query, order: SearchOrder, last: TraceCursor): string {
  const { value, traceId, frontier } = last;
  return encode([questionHash('traces', query, order), String(value), traceId, String(frontier)]);
}

export function parseTraceCursor(cursor: string, query: Query, order: SearchOrder): TraceCursor {
  const hash = questionHash('traces', query, order);
  const pattern = /^([0-9a-f]{1,8})~(-?\d{1,20})~([0-9a-f]{32})~(\d{1,20})$/;
  const [, , value, traceId, frontier] = decode(cursor, hash, pattern);
  return { value: BigInt(value), traceId, frontier: BigInt(frontier) };
}
