/**
 * Where the next page begins, as opaque text: the range of the first page, the last key given, and a
 * checksum of both together with the question. A cursor that was changed, or belongs to another question,
 * is refused.
 */
import type { Query } from '../../../../traceql/ast.ts';
import { printQuery } from '../../../../traceql/print.ts';
import { QuestionError } from '../../../span-store.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import type { RowKey } from '../scan/row-key.ts';
import { ID_BYTES } from '../scan/row-key.ts';
import { bytesOfHex, hexAt } from '../scan/texts.ts';

type CursorKind = 'spans' | 'traces';

/** What a cursor is bound to. */
interface CursorQuestion {
  readonly query: Query;
  readonly order: SearchOrder;
  readonly range: TimeRange;
}

/** The last trace of a page. */
export interface TraceCursor {
  /** Start or duration, by the order. */
  readonly value: bigint;
  readonly traceId: string;
  /** newest: matching spans that start later can only be of traces that were given already. */
  readonly frontier: bigint;
}

/** The longest cursor has some 250 characters: what is longer is not hashed. */
const MAX_CURSOR_CHARS = 1024;

const HASH_DIGITS = 16;

const FOREIGN = 'the cursor is not one of this server';

function hashOf(kind: CursorKind, { query, order, range }: CursorQuestion, key: string): string {
  const { startUnixNano, endUnixNano } = range;
  const bound = `${kind} ${order} ${startUnixNano} ${endUnixNano} ${key} ${printQuery(query)}`;
  return Bun.hash.xxHash64(bound).toString(16).padStart(HASH_DIGITS, '0');
}

function encode(kind: CursorKind, question: CursorQuestion, key: string): string {
  const { startUnixNano, endUnixNano } = question.range;
  const fields = [hashOf(kind, question, key), startUnixNano, endUnixNano, key];
  return Buffer.from(fields.join('~')).toString('base64url');
}

interface Opened {
  readonly hash: string;
  readonly range: TimeRange;
  readonly key: string;
}

function open(cursor: string): Opened {
  const text = cursor.length > MAX_CURSOR_CHARS ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  const found = /^([0-9a-f]{16})~(\d{1,20})~(\d{1,20})~([-~0-9a-f]+)$/.exec(text);
  if (!found) throw new QuestionError('invalid_cursor', FOREIGN);
  const [, hash, start, end, key] = found;
  return { hash, range: { startUnixNano: BigInt(start), endUnixNano: BigInt(end) }, key };
}

/**
 * The question's range: that of the first page where it slides with the time, so that no row leaves it
 * between two pages. Throws QuestionError for a cursor of another range.
 */
export function rangeOfPages(
  range: TimeRange,
  cursor: string | undefined,
  sliding: boolean | undefined,
): TimeRange {
  if (cursor === undefined) return range;
  const { range: first } = open(cursor);
  if (sliding) return first;
  if (first.startUnixNano !== range.startUnixNano || first.endUnixNano !== range.endUnixNano) {
    throw new QuestionError('invalid_cursor', 'the cursor belongs to another time range');
  }
  return range;
}

function decode(kind: CursorKind, cursor: string, question: CursorQuestion, pattern: RegExp): string[] {
  const { hash, key } = open(cursor);
  if (hash !== hashOf(kind, question, key)) {
    throw new QuestionError('invalid_cursor', 'the cursor belongs to another query or another order');
  }
  const found = pattern.exec(key);
  if (!found) throw new QuestionError('invalid_cursor', FOREIGN);
  return found.slice(1);
}

export function spanCursor(question: CursorQuestion, { high, low, ids, kind }: RowKey): string {
  return encode('spans', question, [high, low, hexAt(ids, 0, ID_BYTES), kind].join('~'));
}

/** Throws QuestionError for what `spanCursor` did not make of this question. */
export function parseSpanCursor(cursor: string, question: CursorQuestion): RowKey {
  const pattern = /^(\d{1,10})~(\d{1,10})~([0-9a-f]{64})~(\d{1,3})$/;
  const [high, low, ids, kind] = decode('spans', cursor, question, pattern);
  return {
    high: Number(high),
    low: Number(low),
    ids: bytesOfHex(ids, ID_BYTES) ?? new Uint8Array(ID_BYTES),
    kind: Number(kind),
  };
}

export function traceCursor(question: CursorQuestion, last: TraceCursor): string {
  const { value, traceId, frontier } = last;
  return encode('traces', question, [value, traceId, frontier].join('~'));
}

/** Throws QuestionError for what `traceCursor` did not make of this question. */
export function parseTraceCursor(cursor: string, question: CursorQuestion): TraceCursor {
  const pattern = /^(-?\d{1,20})~([0-9a-f]{32})~(\d{1,20})$/;
  const [value, traceId, frontier] = decode('traces', cursor, question, pattern);
  return { value: BigInt(value), traceId, frontier: BigInt(frontier) };
}
