/** For tests: a connection without a socket, and the frames that a client sends on it. */
import { Connection } from '../connection.ts';
import type { Stream, StreamHandler } from '../connection.ts';
import { FLAG, frame, FRAME, readWord, writeWord } from '../frames.ts';
import { encodeHeaders } from '../hpack.ts';
import type { Answer } from '../outbox.ts';

interface Sent {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** A connection, what it wrote, and the calls that came. */
export class Scene {
  readonly calls: { headers: ReadonlyMap<string, string>; stream: Stream; body: string; state: string }[] =
    [];
  isEnded = false;
  #written = Buffer.alloc(0);
  readonly connection = new Connection(
    {
      write: (bytes) => {
        this.#written = Buffer.concat([this.#written, bytes]);
        return true;
      },
      end: () => {
        this.isEnded = true;
      },
    },
    (headers, stream): StreamHandler => {
      const call = { headers, stream, body: '', state: 'open' };
      this.calls.push(call);
      return {
        data: (piece) => {
          call.body += Buffer.from(piece).toString('latin1');
        },
        end: () => {
          call.state = 'whole';
        },
        aborted: () => {
          call.state = 'aborted';
        },
        tick: () => {},
      };
    },
    0,
  );

  receive(...frames: readonly Uint8Array[]): void {
    this.connection.receive(new Uint8Array(Buffer.concat(frames)));
  }

  /** What was written since the last time. */
  async sent(): Promise<Sent[]> {
    await Bun.sleep(0);
    const sent: Sent[] = [];
    const bytes = this.#written;
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUIntBE(at, 3);
      const payload = bytes.subarray(at + 9, at + 9 + length);
      sent.push({ type: bytes[at + 3], flags: bytes[at + 4], id: readWord(bytes, at + 5), payload });
      at += 9 + length;
    }
    this.#written = Buffer.alloc(0);
    return sent;
  }
}

export const SETTINGS = frame(FRAME.SETTINGS, 0, 0, new Uint8Array(0));
export const HEADERS = encodeHeaders([
  [':method', 'POST'],
  [':path', '/x'],
]);

export function headers(
  id: number,
  flags: number = FLAG.END_HEADERS,
  block: Uint8Array = HEADERS,
): Uint8Array {
  return frame(FRAME.HEADERS, flags, id, block);
}

export function data(id: number, text: string, flags = 0): Uint8Array {
  return frame(FRAME.DATA, flags, id, Buffer.from(text, 'latin1'));
}

export const ANSWER: Answer = {
  head: encodeHeaders([[':status', '200']]),
  body: Buffer.from('answer'),
  trailers: encodeHeaders([['grpc-status', '0']]),
};

/** The reason of the GOAWAY, undefined without one. */
export async function goAway(scene: Scene): Promise<number | undefined> {
  const away = (await scene.sent()).find(({ type }) => type === FRAME.GOAWAY);
  return away === undefined ? undefined : readWord(away.payload, 4);
}

/** SETTINGS with these windows of streams, one behind the other. */
export function initialWindows(...sizes: readonly number[]): Uint8Array {
  const payload = new Uint8Array(sizes.length * 6);
  for (const [n, size] of sizes.entries()) {
    payload[n * 6 + 1] = 4;
    writeWord(payload, n * 6 + 2, size);
  }
  return frame(FRAME.SETTINGS, 0, 0, payload);
}
