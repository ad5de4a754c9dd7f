/**
 * One HTTP/2 connection as a server of short answers to uploads, without TLS: no push, no priorities, answers of some
 * hundred bytes. Why not node:http2: under Bun it opens its windows as bytes come, read or not,
 * and takes half as many instructions again for a batch of 200 KB.
 */
import {
  ConnectionError,
  FLAG,
  FRAME,
  frame,
  goAwayFrame,
  initialWindow,
  MAX_WINDOW,
  protocolError,
  readWord,
  REASON,
  SETTING,
  settingsFrame,
  tooMuch,
  wordFrame,
} from './frames.ts';
import { FrameReader } from './frame-reader.ts';
import { FIRST_WINDOW, Outbox } from './outbox.ts';
import type { Answer, OutStream, Wire } from './outbox.ts';
import { HpackDecoder, HpackError } from './hpack.ts';

/** What a client sends on one stream. */
export interface StreamHandler {
  /** `piece` is good until this returns. */
  readonly data: (piece: Uint8Array) => void;
  readonly end: () => void;
  /** The client took it back, or left. */
  readonly aborted: () => void;
  /** About each second. */
  readonly tick: (nowMs: number) => void;
}

export interface Stream {
  /** Once. When the client is still sending, it is told to stop. */
  readonly answer: (answer: Answer) => void;
  /** The call is of somebody who may make it: the connection is worth keeping. */
  readonly letIn: () => void;
}

export type RequestHandler = (headers: ReadonlyMap<string, string>, stream: Stream) => StreamHandler;

/** Several times what an exporter has in flight. */
const MAX_STREAMS = 256;
/** Of one upload and of a connection: at 100 ms there and back 20 and 80 MB a second. */
const STREAM_WINDOW = 2 * 1024 ** 2;
const CONNECTION_WINDOW = 8 * 1024 ** 2;
/** As grpc-go and Node have it: tokens and metadata stay below. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Frames that cost us and not the sender (pings, settings, resets...), more than there were calls. */
const MAX_NUISANCE = 2_000;
const NUISANCE_MS = 10_000;
/** What a call makes up for: windows and pings come with it. */
const NUISANCE_A_CALL = 4;
/** Without a call. Clients connect anew when they have one; who never made one that was let in is a guest. */
const IDLE_MS = 5 * 60_000;
const GUEST_IDLE_MS = 15_000;
/** Until the preface, and for the rest of a frame or of headers. */
const UNFINISHED_MS = 10_000;

interface OpenStream extends OutStream {
  handler: StreamHandler | undefined;
  /** What the client may still send, and what it was not told yet that it may again. */
  window: number;
  consumed: number;
}

export class Connection {
  readonly #reader: FrameReader;
  readonly #decoder = new HpackDecoder();
  readonly #streams = new Map<number, OpenStream>();
  #lastStream = 0;
  #window = CONNECTION_WINDOW;
  #consumed = 0;
  readonly #outbox: Outbox<OpenStream>;
  #clientWindow = FIRST_WINDOW;
  /** A window grew: answers that wait may go on, all in one go behind the frames that came with this one. */
  #mayGoOn = false;
  /** Headers that go on in CONTINUATION frames. */
  #block: { readonly id: number; readonly flags: number; parts: Uint8Array } | undefined;
  #isLeaving = false;
  #isClosed = false;
  #nuisance = 0;
  #nuisanceSinceMs = 0;
  #unfinishedSinceMs: number | undefined;
  #isGuest = true;
  /** Calls that were let in came since the last look. */
  #hasCalls = false;
  #idleSinceMs: number;

  constructor(
    private readonly wire: Wire,
    private readonly onRequest: RequestHandler,
    nowMs: number,
  ) {
    this.#unfinishedSinceMs = nowMs;
    this.#idleSinceMs = nowMs;
    this.#outbox = new Outbox(wire, () => this.closed());
    this.#reader = new FrameReader({
      frame: (type, flags, id, payload) => this.#frame(type, flags, id, payload),
      dataBegins: (id, bytes) => this.#dataBegins(id, bytes),
      data: (id, piece, counted) => this.#data(id, piece, counted),
      dataEnds: (id, isLast) => this.#dataEnds(id, isLast),
    });
    const settings = [
      [SETTING.MAX_CONCURRENT_STREAMS, MAX_STREAMS],
      [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTING.MAX_HEADER_LIST_SIZE, MAX_HEADER_BYTES],
    ] as const;
    this.#send(settingsFrame(settings));
    this.#send(wordFrame(FRAME.WINDOW_UPDATE, 0, CONNECTION_WINDOW - FIRST_WINDOW));
  }

  get sawPreface(): boolean {
    return this.#reader.sawPreface;
  }

  /** Of two connections, the one with more is dropped first; undefined while a call is under way. */
  idleMs(nowMs: number): number | undefined {
    if (this.#streams.size > 0 || this.#hasCalls) return undefined;
    // Whoever opens connections without end is to push out their own.
    return nowMs - this.#idleSinceMs + (this.#isGuest ? IDLE_MS : 0);
  }

  /** Bytes of the client. */
  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.#reader.read(chunk);
      this.#goOn();
      if (this.#consumed >= CONNECTION_WINDOW / 2) this.#openWindow();
    } catch (error) {
      this.#fail(error);
    }
    this.#outbox.flush();
  }

  /** About each second: ends what takes too long to say something. */
  tick(nowMs: number): void {
    if (this.#isClosed) return;
    for (const { handler } of this.#streams.values()) handler?.tick(nowMs);
    if (nowMs - this.#nuisanceSinceMs > NUISANCE_MS) {
      this.#nuisance = 0;
      this.#nuisanceSinceMs = nowMs;
    }
    // A DATA frame may take its time: its call has limits of its own.
    const isUnfinished = (!this.#reader.isIdle && this.#streams.size === 0) || this.#block !== undefined;
    if (!isUnfinished) this.#unfinishedSinceMs = undefined;
    else if (this.#unfinishedSinceMs === undefined) this.#unfinishedSinceMs = nowMs;
    else if (nowMs - this.#unfinishedSinceMs > UNFINISHED_MS)
      this.#leave(REASON.ENHANCE_YOUR_CALM, 'too slow');
    if (this.#streams.size > 0 || this.#hasCalls) this.#idleSinceMs = nowMs;
    this.#hasCalls = false;
    if (nowMs - this.#idleSinceMs > (this.#isGuest ? GUEST_IDLE_MS : IDLE_MS)) this.drain();
    if (this.#outbox.isStuck(nowMs)) this.#leave(REASON.ENHANCE_YOUR_CALM, 'answers are not taken');
    this.#outbox.flush();
  }

  /** Takes no more calls, and closes when those under way are answered. */
  drain(): void {
    if (this.#isLeaving || this.#isClosed) return;
    this.#isLeaving = true;
    this.#send(goAwayFrame(this.#lastStream, REASON.NO_ERROR));
    this.#outbox.flush();
    this.#closeWhenDone();
  }

  /** The socket is closed: nobody waits for answers. */
  closed(): void {
    this.#isClosed = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#outbox.clear();
    for (const { handler } of streams) handler?.aborted();
  }

  #frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    if (this.#block !== undefined && type !== FRAME.CONTINUATION)
      throw protocolError('headers were not ended');
    switch (type) {
      case FRAME.HEADERS:
        return this.#headers(flags, id, payload);
      case FRAME.CONTINUATION:
        return this.#continuation(flags, id, payload);
      case FRAME.SETTINGS:
        return this.#settings(flags, id, payload);
      case FRAME.WINDOW_UPDATE:
        return this.#windowUpdate(id, payload);
      case FRAME.RST_STREAM:
        return this.#reset(id, payload);
      case FRAME.PING:
        if (payload.length !== 8) throw new ConnectionError(REASON.FRAME_SIZE_ERROR, 'a ping has 8 bytes');
        this.#bother();
        if ((flags & FLAG.ACK) === 0) this.#send(frame(FRAME.PING, FLAG.ACK, 0, payload));
        return;
      case FRAME.PUSH_PROMISE:
        throw protocolError('a client pushes nothing');
      default:
        // PRIORITY and GOAWAY change nothing here; frames of an unknown type are to be passed over.
        this.#bother();
    }
  }

  #headers(flags: number, id: number, payload: Uint8Array): void {
    if (id % 2 === 0) throw protocolError(`${id} is no stream of a client`);
    let start = 0;
    let end = payload.length;
    if ((flags & FLAG.PADDED) !== 0) {
      end -= payload[0];
      start += 1;
    }
    if ((flags & FLAG.PRIORITY) !== 0) start += 5;
    if (start > end) throw protocolError('a frame has more padding than bytes');
    const block = payload.subarray(start, end);
    if ((flags & FLAG.END_HEADERS) !== 0) this.#wholeHeaders(id, flags, block);
    else this.#block = { id, flags, parts: new Uint8Array(block) };
  }

  #continuation(flags: number, id: number, payload: Uint8Array): void {
    const block = this.#block;
    if (block?.id !== id) throw protocolError('headers go on that did not begin');
    this.#bother();
    if (block.parts.length + payload.length > MAX_HEADER_BYTES) throw tooMuch('the headers are too long');
    block.parts = Buffer.concat([block.parts, payload]);
    if ((flags & FLAG.END_HEADERS) === 0) return;
    this.#block = undefined;
    this.#wholeHeaders(id, block.flags, block.parts);
  }

  #wholeHeaders(id: number, flags: number, block: Uint8Array): void {
    // Read whatever comes of it: the table must follow.
    const headers = this.#decoder.decode(block, MAX_HEADER_BYTES);
    const isWhole = (flags & FLAG.END_STREAM) !== 0;
    const known = this.#streams.get(id);
    if (known !== undefined) {
      // Trailers of a request: nothing of them is needed.
      if (!isWhole || known.isWhole) throw protocolError('headers come twice');
      this.#whole(known);
      return;
    }
    if (id <= this.#lastStream) return;
    this.#lastStream = id;
    if (this.#isLeaving || this.#streams.size + this.#outbox.waiting >= MAX_STREAMS) {
      this.#bother();
      this.#send(wordFrame(FRAME.RST_STREAM, id, REASON.REFUSED_STREAM));
      return;
    }
    const stream: OpenStream = {
      id,
      handler: undefined,
      isWhole: false,
      window: STREAM_WINDOW,
      consumed: 0,
      sendWindow: this.#clientWindow,
    };
    this.#streams.set(id, stream);
    stream.handler = this.onRequest(headers, {
      answer: (answer) => this.#answer(stream, answer),
      letIn: () => {
        this.#hasCalls = true;
        this.#isGuest = false;
      },
    });
    if (isWhole) this.#whole(stream);
  }

  #whole(stream: OpenStream): void {
    stream.isWhole = true;
    // One that is answered already hears nothing more.
    if (this.#streams.has(stream.id)) stream.handler?.end();
  }

  #dataBegins(id: number, bytes: number): void {
    if (this.#block !== undefined) throw protocolError('headers were not ended');
    if (id === 0 || id > this.#lastStream) throw protocolError(`data for stream ${id}, which was not begun`);
    this.#window -= bytes;
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.window -= bytes;
    if (this.#window < 0 || (stream !== undefined && stream.window < 0)) {
      throw new ConnectionError(REASON.FLOW_CONTROL_ERROR, 'more than the window was sent');
    }
    if (bytes === 0) this.#bother();
  }

  #data(id: number, piece: Uint8Array, counted: number): void {
    this.#consumed += counted;
    const stream = this.#streams.get(id);
    // What comes for an answered stream is dropped.
    if (stream === undefined) return;
    if (stream.isWhole) throw protocolError('data behind the end of a stream');
    stream.consumed += counted;
    if (piece.length > 0) stream.handler?.data(piece);
    if (stream.consumed < STREAM_WINDOW / 2 || !this.#streams.has(id)) return;
    stream.window += stream.consumed;
    this.#send(wordFrame(FRAME.WINDOW_UPDATE, id, stream.consumed));
    stream.consumed = 0;
  }

  #dataEnds(id: number, isLast: boolean): void {
    const stream = this.#streams.get(id);
    if (isLast && stream !== undefined) this.#whole(stream);
  }

  #openWindow(): void {
    this.#window += this.#consumed;
    this.#send(wordFrame(FRAME.WINDOW_UPDATE, 0, this.#consumed));
    this.#consumed = 0;
  }

  #settings(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw protocolError('settings are of the connection');
    if ((flags & FLAG.ACK) !== 0) return;
    const change = (initialWindow(payload) ?? this.#clientWindow) - this.#clientWindow;
    this.#bother(Math.max(1, payload.length / 6));
    // Once a frame, however often it says it: this walks all streams.
    if (change !== 0) {
      for (const stream of this.#streams.values()) stream.sendWindow += change;
      this.#outbox.resized(change);
      this.#clientWindow += change;
      this.#mayGoOn = true;
    }
    this.#send(frame(FRAME.SETTINGS, FLAG.ACK, 0, new Uint8Array(0)));
  }

  #windowUpdate(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new ConnectionError(REASON.FRAME_SIZE_ERROR, 'a window has 4 bytes');
    const more = readWord(payload, 0) & 0x7f_ff_ff_ff;
    if (id === 0) {
      if (more === 0) throw protocolError('a window grows by nothing');
      this.#outbox.opened(more);
    } else {
      const stream = this.#streams.get(id) ?? this.#outbox.streamOf(id);
      if (stream !== undefined) stream.sendWindow = Math.min(MAX_WINDOW, stream.sendWindow + more);
    }
    this.#bother();
    this.#mayGoOn = true;
  }

  #goOn(): void {
    if (!this.#mayGoOn) return;
    this.#mayGoOn = false;
    this.#outbox.go();
    this.#closeWhenDone();
  }

  #reset(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new ConnectionError(REASON.FRAME_SIZE_ERROR, 'a reason has 4 bytes');
    if (id === 0 || id > this.#lastStream) throw protocolError(`stream ${id} was not begun`);
    this.#bother();
    this.#outbox.drop(id);
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.handler?.aborted();
    this.#closeWhenDone();
  }

  #answer(stream: OpenStream, answer: Answer): void {
    if (!this.#streams.delete(stream.id) || this.#isClosed) return;
    this.#nuisance = Math.max(0, this.#nuisance - NUISANCE_A_CALL);
    this.#outbox.answer(stream, answer);
    this.#closeWhenDone();
    this.#outbox.flushSoon();
  }

  #bother(times = 1): void {
    this.#nuisance += times;
    if (this.#nuisance > MAX_NUISANCE) throw tooMuch('too many frames besides calls');
  }

  #fail(error: unknown): void {
    if (error instanceof ConnectionError) this.#leave(error.reason, error.message);
    else if (error instanceof HpackError) this.#leave(REASON.COMPRESSION_ERROR, error.message);
    else throw error;
  }

  #leave(reason: number, message: string): void {
    // Who speaks no HTTP/2 hears none.
    if (this.sawPreface) this.#send(goAwayFrame(this.#lastStream, reason, message));
    else this.#outbox.clear();
    this.#outbox.flush();
    this.closed();
    this.wire.end();
  }

  #closeWhenDone(): void {
    if (!this.#isLeaving || this.#isClosed || this.#streams.size > 0 || this.#outbox.waiting > 0) return;
    this.#outbox.flush();
    this.closed();
    this.wire.end();
  }

  #send(bytes: Uint8Array): void {
    this.#outbox.send(bytes);
  }
}
