/**
 * Long answers as JSON in pieces: a trace of 100,000 spans is 74 MB of JSON, and writing that at once
 * would hold the loop for most of a second.
 */
import { nextTurn } from '../../turns.ts';

/** Spans: some 2 ms of writing between two looks at the loop. */
const ITEMS_A_PIECE = 250;

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

/** The whole as one text where it is short, else as a stream that the client's reading drives. */
export function longListResponse<T>(list: LongList<T>, headers: Record<string, string>): Response {
  const init = { headers: { ...headers, 'content-type': 'application/json;charset=utf-8' } };
  if (list.items.length <= (list.itemsAPiece ?? ITEMS_A_PIECE))
    return new Response([...pieces(list)].join(''), init);
  const texts = pieces(list);
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A client on the same machine reads at once: without a pause the loop would see nobody else.
      await nextTurn();
      const next = texts.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
  });
  return new Response(stream, init);
}

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
