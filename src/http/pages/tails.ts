/** Live tails: how many there are, and that each ends when its reader leaves, when its time is over, or the server stops. */
import { MAX_TAILS, MAX_TAIL_MS } from '../../limits.ts';

const TICK_MS = 1_000;
/** Proxies close what is silent for a minute, and the server itself does. */
const KEEP_ALIVE_MS = 15_000;

export type TailEnd = 'left' | 'time' | 'server' | 'failed' | 'revoked';

export interface TailWork {
  /** False when who watches may no longer: a token was revoked since. */
  readonly mayGoOn: () => boolean;
  /** Asked once a second, never twice at a time; the text of an event, '' for none. */
  readonly next: (signal: AbortSignal) => Promise<string>;
  /** The last event; not sent to who has left. */
  readonly last: (end: TailEnd) => Promise<string>;
}

export class Tails {
  readonly #open = new Set<(end: TailEnd) => void>();
  readonly #tickMs: number;

  constructor(tickMs = TICK_MS) {
    this.#tickMs = tickMs;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_TAILS;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Ends all of them, so that a stop of the server does not wait for them. */
  stop(): void {
    // Deleting while going through a set is sound.
    for (const end of this.#open) end('server');
  }

  /** The body of a stream of server-sent events. `signal`: of the request. */
  stream(work: TailWork, signal: AbortSignal): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    const asking = new AbortController();
    let ended: TailEnd | undefined;
    let wake = (): void => {};
    const end = (why: TailEnd): void => {
      ended ??= why;
      this.#open.delete(end);
      asking.abort();
      wake();
    };
    const pause = (): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, this.#tickMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.#open.add(end);
    signal.addEventListener('abort', () => end('left'), { once: true });
    const run = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const began = performance.now();
      let sent = began;
      const send = (text: string): void => {
        controller.enqueue(encoder.encode(text));
        sent = performance.now();
      };
      // So that the headers go out at once.
      send(': watching\n\n');
      const goesOn = (): boolean => ended === undefined;
      while (goesOn()) {
        if (performance.now() - began > MAX_TAIL_MS) end('time');
        if (!work.mayGoOn()) end('revoked');
        // Who reads slower than spans come is asked nothing more of the store until there is room again.
        const isRead = (controller.desiredSize ?? 0) > 0;
        const text = ended === undefined && isRead ? await work.next(asking.signal) : '';
        if (ended !== undefined) break;
        if (text !== '') send(eventOf(text));
        else if (performance.now() - sent > KEEP_ALIVE_MS) send(': still there\n\n');
        await pause();
      }
      if (ended === 'left') return;
      send(eventOf(await work.last(ended ?? 'server')));
      send('event: end\ndata: \n\n');
      controller.close();
    };
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          run(controller).catch(async () => {
            if (ended === 'left') return;
            end('failed');
            try {
              controller.enqueue(encoder.encode(eventOf(await work.last('failed'))));
              controller.enqueue(encoder.encode('event: end\ndata: \n\n'));
              controller.close();
            } catch {
              // The reader is gone as well.
            }
          });
        },
        cancel: () => end('left'),
      },
      { highWaterMark: 8 },
    );
  }
}

/** A message without a name: htmx swaps it. A line break within would end a line of the event. */
function eventOf(text: string): string {
  return `${text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}
