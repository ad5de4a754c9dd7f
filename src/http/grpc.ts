/** OTLP over gRPC: TraceService/Export on a port of its own, HTTP/2 without TLS. */
import { formatAddress } from '../config.ts';
import type { ListenAddress } from '../config.ts';
import { GrpcCall } from './grpc-call.ts';
import { Connection } from './http2/connection.ts';
import type { Wire } from './http2/outbox.ts';
import type { Receiver, ReceiverDeps } from './receiver.ts';

export interface GrpcListener {
  readonly port: number;
  /** Those that are open. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** Calls under way get their answer; a client that hangs does not hold the server. */
const STOP_TIMEOUT_MS = 3_000;
const TICK_MS = 1_000;
/** Answers are some hundred bytes: who has so many of them unread reads nothing. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** A client that vanished is noticed by the system. */
const KEEP_ALIVE_MS = 60_000;
/** File descriptors are the store's too. */
const MAX_CONNECTIONS = 8_192;
/** For the last bytes to leave, and for the client to close its side. */
const END_MS = 5_000;
/** How long a client may take nothing of what was written. */
const UNREAD_MS = 20_000;

const NO_GRPC = 'this port takes OTLP over gRPC; OTLP over HTTP goes to the other one\n';
const WRONG_PROTOCOL = Buffer.from(
  'HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n' +
    `content-length: ${NO_GRPC.length}\r\n\r\n${NO_GRPC}`,
);

type Socket = Bun.Socket<Peer | undefined>;

/** A socket and what is to be written to it. */
export class Peer implements Wire {
  readonly connection: Connection;
  #unsent: Uint8Array = new Uint8Array(0);
  /** Since when the client has taken nothing of what waits. */
  #stuckSinceMs: number | undefined;
  #endingSinceMs: number | undefined;

  constructor(
    private readonly socket: Pick<Socket, 'write' | 'end' | 'terminate'>,
    receiver: Receiver,
    maxBodyBytes: number,
  ) {
    this.connection = new Connection(
      this,
      (headers, stream) => {
        const call = new GrpcCall(headers, stream, receiver, maxBodyBytes);
        call.begin();
        return call;
      },
      performance.now(),
    );
  }

  readonly write = (bytes: Uint8Array): boolean => {
    if (this.#unsent.length > 0) {
      this.#unsent = Buffer.concat([this.#unsent, bytes]);
      return this.#unsent.length <= MAX_UNREAD_BYTES;
    }
    const written = Math.max(0, this.socket.write(bytes));
    if (written < bytes.length) this.#unsent = new Uint8Array(bytes.subarray(written));
    return true;
  };

  readonly end = (): void => {
    this.#endingSinceMs ??= performance.now();
    if (!this.connection.sawPreface) this.socket.write(WRONG_PROTOCOL);
    if (this.#unsent.length === 0) this.socket.end();
    // Who has read nothing so far would not read the rest.
    else if (this.#unsent.length > MAX_UNREAD_BYTES) this.socket.terminate();
  };

  drained(): void {
    const written = Math.max(0, this.socket.write(this.#unsent));
    if (written > 0) this.#stuckSinceMs = undefined;
    this.#unsent = this.#unsent.subarray(written);
    if (this.#endingSinceMs !== undefined && this.#unsent.length === 0) this.socket.end();
  }

  /** To be called each second. False: this one is over, whatever the client does. */
  tick(nowMs: number): boolean {
    this.connection.tick(nowMs);
    if (this.#unsent.length === 0) this.#stuckSinceMs = undefined;
    else this.#stuckSinceMs ??= nowMs;
    return (
      nowMs - (this.#endingSinceMs ?? nowMs) <= END_MS && nowMs - (this.#stuckSinceMs ?? nowMs) <= UNREAD_MS
    );
  }
}

/** Throws what the system says of an address in use or not of this machine, with the address. */
export async function listenGrpc(
  address: ListenAddress,
  receiver: Receiver,
  { maxBodyBytes }: Pick<ReceiverDeps, 'maxBodyBytes'>,
  maxConnections = MAX_CONNECTIONS,
): Promise<GrpcListener> {
  const peers = new Map<Socket, Peer>();
  let onEmpty: (() => void) | undefined;
  const left = (socket: Socket): void => {
    peers.get(socket)?.connection.closed();
    peers.delete(socket);
    if (peers.size === 0) onEmpty?.();
  };
  const drop = (socket: Socket): void => {
    left(socket);
    socket.terminate();
  };
  const listener = listenAt(address, {
    open: (socket) => {
      if (peers.size >= maxConnections) {
        const idle = longestIdle(peers);
        if (idle === undefined) {
          socket.terminate();
          return;
        }
        peers.get(idle)?.connection.drain();
        drop(idle);
      }
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.data = new Peer(socket, receiver, maxBodyBytes);
      peers.set(socket, socket.data);
    },
    // A plain array: pieces of a Buffer cost several times as much to name.
    data: (socket, chunk) =>
      socket.data?.connection.receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)),
    drain: (socket) => socket.data?.drained(),
    end: (socket) => {
      socket.end();
    },
    close: left,
    error: left,
  });
  const ticker = setInterval(() => {
    const now = performance.now();
    for (const [socket, peer] of peers) if (!peer.tick(now)) drop(socket);
  }, TICK_MS);
  ticker.unref();
  return {
    port: listener.port,
    get connections() {
      return peers.size;
    },
    stop: async () => {
      listener.stop();
      clearInterval(ticker);
      const empty = new Promise<void>((resolve) => (onEmpty = resolve));
      for (const { connection } of peers.values()) connection.drain();
      if (peers.size === 0) return;
      const forced = setTimeout(() => {
        for (const socket of peers.keys()) socket.terminate();
        onEmpty?.();
      }, STOP_TIMEOUT_MS);
      await empty;
      clearTimeout(forced);
    },
  };
}

/** The connection that is missed least; undefined while all have calls under way. */
function longestIdle(peers: ReadonlyMap<Socket, Peer>): Socket | undefined {
  const now = performance.now();
  let longest: Socket | undefined;
  let mostMs = -1;
  for (const [socket, { connection }] of peers) {
    const idleMs = connection.idleMs(now) ?? -1;
    if (idleMs <= mostMs) continue;
    longest = socket;
    mostMs = idleMs;
  }
  return longest;
}

function listenAt(
  address: ListenAddress,
  socket: Bun.SocketHandler<Peer | undefined>,
): Bun.TCPSocketListener<Peer | undefined> {
  try {
    return Bun.listen<Peer | undefined>({
      hostname: address.host,
      port: address.port,
      socket,
      data: undefined,
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw Object.assign(new Error(`${code} ${formatAddress(address)}`, { cause: error }), { code });
  }
}
