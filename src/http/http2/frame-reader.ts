/**
 * Bytes as they come -> frames. A DATA frame is handed on piece by piece, so a frame that is announced and does not
 * come holds nothing; the others are short and handed on whole.
 */
import { ConnectionError, FLAG, FRAME, HEAD_BYTES, PREFACE, readWord, REASON } from './frames.ts';

/** HTTP/2's own least: nobody may send longer ones before it is told so, and nobody is. */
export const MAX_FRAME_BYTES = 16 * 1024;

export interface FrameSink {
  /** A frame that is no DATA. `payload` is good until this returns. */
  readonly frame: (type: number, flags: number, id: number, payload: Uint8Array) => void;
  /** A DATA frame begins; `bytes` with padding. */
  readonly dataBegins: (id: number, bytes: number) => void;
  /** Some of it. `piece` is good until this returns; `counted` are its bytes and those of padding beside it. */
  readonly data: (id: number, piece: Uint8Array, counted: number) => void;
  readonly dataEnds: (id: number, isLast: boolean) => void;
}

const NOTHING = new Uint8Array(0);

export class FrameReader {
  /** Of the preface that is still to come. */
  #prefaceLeft = PREFACE.length;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headLength = 0;
  #type = 0;
  #flags = 0;
  #id = 0;
  /** Of the payload that is still to come. */
  #left = 0;
  #padding = 0;
  #inFrame = false;
  #awaitsPadLength = false;
  #payload = NOTHING;
  #payloadLength = 0;

  constructor(private readonly sink: FrameSink) {}

  get sawPreface(): boolean {
    return this.#prefaceLeft === 0;
  }

  /** True between frames: nobody waits for the rest of one. */
  get isIdle(): boolean {
    return this.sawPreface && !this.#inFrame && this.#headLength === 0;
  }

  /** Throws ConnectionError. */
  read(chunk: Uint8Array): void {
    let at = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : 0;
    while (at < chunk.length || (this.#inFrame && this.#left === 0)) {
      if (!this.#inFrame) at = this.#readHead(chunk, at);
      else if (this.#type === FRAME.DATA) at = this.#readData(chunk, at);
      else at = this.#readPayload(chunk, at);
    }
  }

  #readPreface(chunk: Uint8Array): number {
    const from = PREFACE.length - this.#prefaceLeft;
    const length = Math.min(this.#prefaceLeft, chunk.length);
    for (let n = 0; n < length; n++) {
      if (chunk[n] !== PREFACE[from + n])
        throw new ConnectionError(REASON.PROTOCOL_ERROR, 'this is no HTTP/2');
    }
    this.#prefaceLeft -= length;
    return length;
  }

  #readHead(chunk: Uint8Array, at: number): number {
    const head = this.#head;
    let next = at;
    while (this.#headLength < HEAD_BYTES && next < chunk.length) head[this.#headLength++] = chunk[next++];
    if (this.#headLength < HEAD_BYTES) return next;
    this.#headLength = 0;
    this.#left = (head[0] << 16) | (head[1] << 8) | head[2];
    this.#type = head[3];
    this.#flags = head[4];
    this.#id = readWord(head, 5) & 0x7f_ff_ff_ff;
    if (this.#left > MAX_FRAME_BYTES)
      throw new ConnectionError(REASON.FRAME_SIZE_ERROR, 'a frame is too long');
    this.#inFrame = true;
    if (this.#type === FRAME.DATA) {
      this.#padding = 0;
      this.#awaitsPadLength = (this.#flags & FLAG.PADDED) !== 0;
      if (this.#awaitsPadLength && this.#left === 0) throw badPadding();
      this.sink.dataBegins(this.#id, this.#left);
    }
    return next;
  }

  #readData(chunk: Uint8Array, at: number): number {
    let next = at;
    let counted = 0;
    if (this.#awaitsPadLength && next < chunk.length) {
      this.#padding = chunk[next++];
      this.#left -= 1;
      counted = 1;
      this.#awaitsPadLength = false;
      if (this.#padding > this.#left) throw badPadding();
    }
    const length = Math.min(this.#left, chunk.length - next);
    const content = Math.max(0, Math.min(length, this.#left - this.#padding));
    this.#left -= length;
    counted += length;
    if (counted > 0) this.sink.data(this.#id, chunk.subarray(next, next + content), counted);
    if (this.#left === 0) {
      this.#inFrame = false;
      this.sink.dataEnds(this.#id, (this.#flags & FLAG.END_STREAM) !== 0);
    }
    return next + length;
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const length = Math.min(this.#left, chunk.length - at);
    const isWhole = this.#payloadLength === 0 && length === this.#left;
    if (!isWhole) {
      if (this.#payloadLength === 0) this.#payload = new Uint8Array(this.#left);
      this.#payload.set(chunk.subarray(at, at + length), this.#payloadLength);
      this.#payloadLength += length;
    }
    this.#left -= length;
    if (this.#left > 0) return at + length;
    const payload = isWhole ? chunk.subarray(at, at + length) : this.#payload;
    this.#payload = NOTHING;
    this.#payloadLength = 0;
    this.#inFrame = false;
    this.sink.frame(this.#type, this.#flags, this.#id, payload);
    return at + length;
  }
}

function badPadding(): ConnectionError {
  return new ConnectionError(REASON.PROTOCOL_ERROR, 'a frame has more padding than bytes');
}
