/** A gRPC exporter in few lines, so that the sender costs little beside the server that is measured. */
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const UNAVAILABLE = '14';
const RETRY_MS = 100;
/** One byte that says whether it is compressed, four of its length. */
const FRAME_HEAD_BYTES = 5;

export class GrpcSender {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async connect(url: string): Promise<GrpcSender> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const session = connect(url);
    session.once('connect', () => resolve());
    session.once('error', reject);
    await promise;
    return new GrpcSender(session);
  }

  /** Resolves when it is acknowledged; sends again as long as the server is not available. */
  async send(body: Uint8Array): Promise<void> {
    const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + body.length);
    frame[0] = 0;
    frame.writeUInt32BE(body.length, 1);
    frame.set(body, FRAME_HEAD_BYTES);
    for (;;) {
      const status = await this.#call(frame);
      if (status === '0') return;
      if (status !== UNAVAILABLE) throw new Error(`an export over gRPC ended with status ${status}`);
      await Bun.sleep(RETRY_MS);
    }
  }

  /** grpc-status of one call, from the trailers, or the headers where there is no message. */
  #call(frame: Buffer): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const call = this.#session.request({
      ':method': 'POST',
      ':path': EXPORT_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status = 'none';
    const note = (headers: Readonly<Record<string, unknown>>) => {
      if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
    };
    call.on('response', note);
    call.on('trailers', note);
    call.on('error', reject);
    call.on('close', () => resolve(status));
    call.resume();
    call.end(frame);
    return promise;
  }

  close(): void {
    this.#session.destroy();
  }
}
