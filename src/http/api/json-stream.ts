/**
 * Long answers as JSON in pieces: a trace of 100,000 spans is 74 MB of JSON, and writing that at once
 * would hold the loop for most of a second.
 */
import { nextTurn } from '../../turns.ts';
import { HttpError } from '../errors.ts';

/** Spans: some 2 ms of writing between two looks at the loop. */
const ITEMS_A_PIECE = 250;

/**
 * Items of all answers that are being read: 100,000 spans are some 100 MB, and a slow reader keeps them for as long as
 * it reads. One answer is always let through, whatever its length.
 */
const ITEMS_IN_PROGRESS = 200_000;
/** When others want their room, an answer that is read for longer than this ends half way. */
const PATIENCE_MS = 30_000;
const RETRY_SECONDS = 5;

interface Reading {
  readonly items: number;
  readonly startedMs: number;
  readonly cutOff: () => void;
}

/** Oldest first. */
const readings = new Set<Reading>();

/** Throws HttpError when slow readers hold too much. */
function makeRoom(items: number): void {
  let held = 0;
  for (const reading of readings) held += reading.items;
  for (const reading of readings) {
    if (held + items <= ITEMS_IN_PROGRESS || performance.now() - reading.startedMs < PATIENCE_MS) break;
    reading.cutOff();
    held -= reading.items;
  }
  if (readings.size === 0 || held + items <= ITEMS_IN_PROGRESS) return;
  throw new HttpError(
    503,
    'unavailable',
    `answers of ${held} spans are being read, slowly: ask again in ${RETRY_SECONDS} s`,
    { 'retry-after': String(RETRY_SECONDS) },
  );
}

const encoder = new TextEncoder();

/** `{"<head's fields>", "<name>": [items], "<tail's fields>"}`; `textOf` gives some items, comma-separated. */
export interface LongList<T> {
  readonly head: object;
  readonly name: string;
  readonly items: readonly T[];
  readonly textOf: (items: readonly T[]) => string;
  readonly tail: object;
  /** Default ITEMS_A_PIECE. */
  readonly itemsAPiece?: number;
}

/**
 * The whole as one text where it is short, else as a stream that the client's reading drives. Throws HttpError when
 * long answers that are read slowly hold too much.
 */
export function longListResponse<T>(list: LongList<T>, headers: Record<string, string>): Response {
  const init = { headers: { ...headers, 'content-type': 'application/json;charset=utf-8' } };
  if (list.items.length <= (list.itemsAPiece ?? ITEMS_A_PIECE))
    return new Response([...pieces(list)].join(''), init);
  makeRoom(list.items.length);
  let texts = pieces(list);
  const end = (): void => {
    readings.delete(reading);
    texts = noPieces();
  };
  let stop: (() => void) | undefined;
  const reading: Reading = {
    items: list.items.length,
    startedMs: performance.now(),
    cutOff: () => {
      end();
      stop?.();
    },
  };
  readings.add(reading);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      stop = () => controller.error(new Error('read too slowly'));
    },
    async pull(controller) {
      // A client on the same machine reads at once: without a pause the loop would see nobody else.
      await nextTurn();
      if (!readings.has(reading)) return;
      const next = texts.next();
      if (!next.done) {
        controller.enqueue(encoder.encode(next.value));
        return;
      }
      end();
      controller.close();
    },
    cancel: end,
  });
  return new Response(stream, init);
}

/** In the place of what holds the items. */
function* noPieces(): Generator<string> {}

function* pieces<T>(list: LongList<T>): Generator<string> {
  const { head, name, items, textOf, tail, itemsAPiece = ITEMS_A_PIECE } = list;
  const opening = `{${[fields(head), JSON.stringify(name)].filter((text) => text !== '').join(',')}:[`;
  let separator = opening;
  for (let from = 0; from < items.length; from += itemsAPiece) {
    yield separator + textOf(items.slice(from, from + itemsAPiece));
    separator = ',';
  }
  const closing = fields(tail);
  yield `${items.length === 0 ? opening : ''}]${closing === '' ? '' : `,${closing}`}}`;
}

function fields(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}
