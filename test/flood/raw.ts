/** Senders that no SDK is: they announce more than they send, one byte a second, or as fast as the socket takes it. */
export interface RawSender {
  /** What it was answered, as far as it came. */
  readonly answer: () => string;
  readonly isOpen: () => boolean;
  readonly write: (bytes: Uint8Array | string) => void;
  readonly close: () => void;
}

/** A connection with the head of an export request of `length` bytes already sent. */
export async function announce(url: string, token: string, length: number): Promise<RawSender> {
  const { hostname, port } = new URL(url);
  let answer = '';
  let isOpen = true;
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_socket, bytes) => {
        answer += bytes.toString('latin1');
      },
      close: () => {
        isOpen = false;
      },
      error: () => {
        isOpen = false;
      },
    },
  });
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/x-protobuf\r\nContent-Length: ${length}\r\n\r\n`,
  );
  return {
    answer: () => answer,
    isOpen: () => isOpen,
    write: (bytes) => {
      if (isOpen) socket.write(bytes);
    },
    close: () => {
      socket.terminate();
    },
  };
}
