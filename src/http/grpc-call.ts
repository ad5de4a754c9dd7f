/** One call of TraceService/Export: a length-prefixed message in, a message and a status out. */
import { exportResponse } from '../otlp/response.ts';
import { DEFAULT_PROJECT } from '../store/catalog.ts';
import { bearerToken } from './access.ts';
import type { Hold } from './admission.ts';
import { BodyError, BodyTooLargeError, contentEncoding } from './body.ts';
import { HttpError } from './errors.ts';
import type { Problem } from './errors.ts';
import { answerOf, failure, PLAIN_ANSWER, problemStatus, WRONG_TYPE } from './grpc-answers.ts';
import { GrowingBytes } from './growing-bytes.ts';
import type { Stream, StreamHandler } from './http2/connection.ts';
import type { Arrival, Receiver } from './receiver.ts';

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
/** Whether the message is compressed, and its length. */
const PREFIX_BYTES = 5;
const DEADLINE_EXCEEDED = 4;

const TIMEOUT_UNITS = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1_000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
]);

/** Milliseconds of a `grpc-timeout`; Infinity without one that reads. */
export function timeoutMs(header: string | undefined): number {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header ?? '');
  return match === null ? Infinity : Number(match[1]) * (TIMEOUT_UNITS.get(match[2]) ?? Infinity);
}

export class GrpcCall implements StreamHandler {
  readonly #arrival: Arrival;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixLength = 0;
  #message: GrowingBytes | undefined;
  #messageBytes = 0;
  /** A message that came in one piece. */
  #whole: Uint8Array | undefined;
  #hold: Hold | undefined;
  #isDone = false;
  readonly #deadlineMs: number;

  constructor(
    private readonly headers: ReadonlyMap<string, string>,
    private readonly stream: Stream,
    private readonly receiver: Receiver,
    private readonly maxBodyBytes: number,
  ) {
    this.#arrival = {
      transport: 'grpc',
      format: 'protobuf',
      encoding: 'identity',
      projectId: DEFAULT_PROJECT,
      access: undefined,
      userAgent: headers.get('user-agent') ?? '',
      bytes: 0,
    };
    this.#deadlineMs = performance.now() + timeoutMs(headers.get('grpc-timeout'));
  }

  /** Looks at the headers; what may not be sent is refused before it comes. */
  begin(): void {
    const { headers } = this;
    if (!(headers.get('content-type') ?? '').startsWith('application/grpc')) {
      this.#isDone = true;
      this.stream.answer(WRONG_TYPE);
      return;
    }
    try {
      this.receiver.letIn(this.#arrival, bearerToken(headers.get('authorization')));
      this.stream.letIn();
      if (headers.get(':path') !== EXPORT_PATH || headers.get(':method') !== 'POST')
        throw unknownMethod(headers);
      const encoding = contentEncoding(headers.get('grpc-encoding') ?? null);
      if (encoding === undefined) throw unknownEncoding();
      this.#arrival.encoding = encoding;
      this.#hold = this.receiver.place(this.#arrival, undefined);
      this.#hold.onCut = (error) => this.#fail(error);
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly data = (piece: Uint8Array): void => {
    if (this.#isDone) return;
    try {
      this.#hold?.arrive(piece.length);
      this.#take(piece);
    } catch (error) {
      // Told already when the upload was cut while it asked for room.
      if (!this.#isDone) this.#fail(error);
    }
  };

  readonly end = (): void => {
    if (this.#isDone) return;
    const received = this.#whole ?? this.#message?.taken();
    if (
      this.#hold === undefined ||
      received?.length !== this.#messageBytes ||
      this.#prefixLength < PREFIX_BYTES
    ) {
      this.#fail(new BodyError('the message ended early'));
      return;
    }
    if (this.#prefix[0] === 0) this.#arrival.encoding = 'identity';
    // The store's from here on, whatever becomes of the client: the bytes are in memory until it is done with them.
    const hold = this.#hold;
    this.#hold = undefined;
    this.#message = undefined;
    hold.complete();
    void this.#keep(received, hold);
  };

  readonly aborted = (): void => {
    this.#leave();
  };

  readonly tick = (nowMs: number): void => {
    if (this.#isDone || nowMs < this.#deadlineMs) return;
    this.#leave();
    this.stream.answer(failure(DEADLINE_EXCEEDED, 'the time that the client gave is over'));
  };

  async #keep(received: Uint8Array, hold: Hold): Promise<void> {
    try {
      const { rejected, message } = await this.receiver.keep(this.#arrival, received, hold);
      if (this.#isDone) return;
      this.#isDone = true;
      this.stream.answer(
        rejected === 0 && message === ''
          ? PLAIN_ANSWER
          : answerOf(exportResponse('protobuf', rejected, message)),
      );
    } catch (error) {
      this.#fail(error);
    } finally {
      hold.release();
    }
  }

  #take(piece: Uint8Array): void {
    let at = 0;
    while (this.#prefixLength < PREFIX_BYTES && at < piece.length)
      this.#prefix[this.#prefixLength++] = piece[at++];
    if (this.#prefixLength < PREFIX_BYTES) return;
    if (this.#message === undefined && this.#whole === undefined) this.#beginMessage();
    const rest = at === 0 ? piece : piece.subarray(at);
    if (this.#whole !== undefined || (this.#message?.length ?? 0) + rest.length > this.#messageBytes) {
      if (rest.length > 0) throw new BodyError('a call has one message');
      return;
    }
    // Most messages of few spans: copied, since the piece belongs to the socket.
    if (this.#message?.length === 0 && rest.length === this.#messageBytes) this.#whole = new Uint8Array(rest);
    else this.#message?.add(rest);
  }

  #beginMessage(): void {
    const prefix = Buffer.from(this.#prefix.buffer);
    this.#messageBytes = prefix.readUInt32BE(1);
    if (this.#messageBytes > this.maxBodyBytes) throw new BodyTooLargeError(this.maxBodyBytes);
    if (prefix[0] > 1 || (prefix[0] === 1 && this.#arrival.encoding === 'identity')) {
      throw new BodyError('the message is compressed, and grpc-encoding says not how');
    }
    this.#hold?.announce(this.#messageBytes);
    this.#message = new GrowingBytes(this.#messageBytes);
  }

  #fail(error: unknown): void {
    // Told also when the client has left: the sender's page shows it.
    const problem: Problem = this.receiver.refused(this.#arrival, error);
    const isLate = this.#isDone;
    this.#leave();
    if (!isLate) this.stream.answer(problemStatus(problem));
  }

  #leave(): void {
    this.#isDone = true;
    this.#hold?.release();
    this.#message?.free();
    this.#message = undefined;
  }
}

function unknownMethod(headers: ReadonlyMap<string, string>): HttpError {
  const path = (headers.get(':path') ?? '').slice(0, 100);
  const reason = 'this version keeps traces alone, and another method was called';
  return new HttpError(
    501,
    'unimplemented',
    `this version keeps traces alone: no method ${path}`,
    {},
    reason,
  );
}

function unknownEncoding(): HttpError {
  return new HttpError(
    501,
    'unsupported_encoding',
    'the encoding of messages is gzip, zstd, deflate, or identity',
  );
}
