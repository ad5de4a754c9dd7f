/** What a connection writes: frames, and answers as far as the client's windows let them. */
import { ConnectionError, FLAG, FRAME, frame, MAX_WINDOW, REASON, wordFrame } from './frames.ts';
import { MAX_FRAME_BYTES } from './frame-reader.ts';

/** Of a connection and of each stream, until somebody says otherwise. */
export const FIRST_WINDOW = 65_535;

/** Blocks of headers as `encodeHeaders` makes them. */
export interface Answer {
  readonly head: Uint8Array;
  readonly body?: Uint8Array;
  readonly trailers?: Uint8Array;
}

export interface Wire {
  /** Takes the bytes, at once or later. False: the other side reads nothing, and the connection is to end. */
  readonly write: (bytes: Uint8Array) => boolean;
  /** Closes when what was written has left. */
  readonly end: () => void;
}

export interface OutStream {
  readonly id: number;
  /** The client has sent all. */
  isWhole: boolean;
  /** What the client takes of us. */
  sendWindow: number;
}

/** Answers are short: who takes none of one for so long holds what we keep for it, and wants nothing of it. */
const MOST_WAIT_MS = 10_000;

interface Unsent<S> {
  readonly stream: S;
  rest: Uint8Array;
  readonly trailers: Uint8Array | undefined;
  /** Since when somebody looked and it was there. */
  seenMs: number | undefined;
}

export class Outbox<S extends OutStream> {
  #window = FIRST_WINDOW;
  /** By stream, the oldest first. */
  readonly #unsent = new Map<number, Unsent<S>>();
  readonly #out: Uint8Array[] = [];

  constructor(
    private readonly wire: Wire,
    /** The client reads nothing: the connection is about to end. */
    private readonly onStuck: () => void,
  ) {}

  /** Answers that wait for a window. */
  get waiting(): number {
    return this.#unsent.size;
  }

  /** To be asked each second: whether an answer has waited for too long. */
  isStuck(nowMs: number): boolean {
    for (const unsent of this.#unsent.values()) {
      unsent.seenMs ??= nowMs;
      if (nowMs - unsent.seenMs > MOST_WAIT_MS) return true;
    }
    return false;
  }

  /** Of an answer that waits. */
  streamOf(id: number): S | undefined {
    return this.#unsent.get(id)?.stream;
  }

  /** Nobody wants this answer any more. */
  drop(id: number): void {
    this.#unsent.delete(id);
  }

  /** The windows of all streams grew, or shrank. */
  resized(bytes: number): void {
    for (const { stream } of this.#unsent.values()) stream.sendWindow += bytes;
  }

  /** The connection's window grew. Throws ConnectionError beyond what HTTP/2 has. */
  opened(bytes: number): void {
    this.#window += bytes;
    if (this.#window > MAX_WINDOW)
      throw new ConnectionError(REASON.FLOW_CONTROL_ERROR, 'the window is too large');
  }

  send(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  answer(stream: S, { head, body, trailers }: Answer): void {
    const isAll = body === undefined && trailers === undefined;
    this.send(frame(FRAME.HEADERS, FLAG.END_HEADERS | (isAll ? FLAG.END_STREAM : 0), stream.id, head));
    if (isAll) {
      this.#answered(stream);
      return;
    }
    const unsent = { stream, rest: body ?? new Uint8Array(0), trailers, seenMs: undefined };
    if (!this.#goOn(unsent)) this.#unsent.set(stream.id, unsent);
  }

  /** As much of the answers as the client takes. */
  go(): void {
    for (const [id, unsent] of this.#unsent) if (this.#goOn(unsent)) this.#unsent.delete(id);
  }

  clear(): void {
    this.#unsent.clear();
    this.#out.length = 0;
  }

  /** Answers of one turn leave together. */
  flushSoon(): void {
    if (this.#out.length > 0) queueMicrotask(() => this.flush());
  }

  flush(): void {
    if (this.#out.length === 0) return;
    const bytes = this.#out.length === 1 ? this.#out[0] : Buffer.concat(this.#out);
    this.#out.length = 0;
    if (this.wire.write(bytes)) return;
    this.onStuck();
    this.wire.end();
  }

  /** True when all of it is sent. */
  #goOn(unsent: Unsent<S>): boolean {
    const { stream, trailers } = unsent;
    while (unsent.rest.length > 0) {
      const length = Math.min(unsent.rest.length, MAX_FRAME_BYTES, this.#window, stream.sendWindow);
      if (length <= 0) return false;
      const isEnd = trailers === undefined && length === unsent.rest.length;
      this.send(frame(FRAME.DATA, isEnd ? FLAG.END_STREAM : 0, stream.id, unsent.rest.subarray(0, length)));
      unsent.rest = unsent.rest.subarray(length);
      this.#window -= length;
      stream.sendWindow -= length;
    }
    if (trailers !== undefined) {
      this.send(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream.id, trailers));
    }
    this.#answered(stream);
    return true;
  }

  #answered(stream: S): void {
    if (!stream.isWhole) this.send(wordFrame(FRAME.RST_STREAM, stream.id, REASON.NO_ERROR));
  }
}
