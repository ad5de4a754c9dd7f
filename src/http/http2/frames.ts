/** Frames of HTTP/2 (RFC 9113): their numbers, and how they are written. */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const HEAD_BYTES = 9;

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

export const SETTING = {
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** Why a stream or a connection ends. */
export const REASON = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

/** The connection can't go on: it hears `reason` and is closed. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  constructor(
    readonly reason: number,
    message: string,
  ) {
    super(message);
  }
}

export function protocolError(message: string): ConnectionError {
  return new ConnectionError(REASON.PROTOCOL_ERROR, message);
}

export function tooMuch(message: string): ConnectionError {
  return new ConnectionError(REASON.ENHANCE_YOUR_CALM, message);
}

export const MAX_WINDOW = 2 ** 31 - 1;
/** Of one frame: HTTP/2 has a handful, each to be said once. */
const MAX_SETTINGS = 32;

/**
 * What the payload of SETTINGS says of the windows of streams, the last where it says it several times; undefined
 * when it says nothing of them. Throws ConnectionError.
 */
export function initialWindow(payload: Uint8Array): number | undefined {
  if (payload.length % 6 !== 0) throw new ConnectionError(REASON.FRAME_SIZE_ERROR, 'a setting has 6 bytes');
  if (payload.length > MAX_SETTINGS * 6) throw tooMuch('too many settings in a frame');
  let window: number | undefined;
  for (let at = 0; at < payload.length; at += 6) {
    if (((payload[at] << 8) | payload[at + 1]) !== SETTING.INITIAL_WINDOW_SIZE) continue;
    window = readWord(payload, at + 2);
    if (window > MAX_WINDOW) throw new ConnectionError(REASON.FLOW_CONTROL_ERROR, 'a window is too large');
  }
  return window;
}

export function writeHead(
  to: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): void {
  to[at] = length >>> 16;
  to[at + 1] = length >>> 8;
  to[at + 2] = length;
  to[at + 3] = type;
  to[at + 4] = flags;
  writeWord(to, at + 5, id);
}

export function writeWord(to: Uint8Array, at: number, word: number): void {
  to[at] = word >>> 24;
  to[at + 1] = word >>> 16;
  to[at + 2] = word >>> 8;
  to[at + 3] = word;
}

export function readWord(from: Uint8Array, at: number): number {
  return ((from[at] << 24) | (from[at + 1] << 16) | (from[at + 2] << 8) | from[at + 3]) >>> 0;
}

export function frame(type: number, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length);
  writeHead(bytes, 0, payload.length, type, flags, id);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** RST_STREAM, WINDOW_UPDATE: one word. */
export function wordFrame(type: number, id: number, word: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + 4);
  writeHead(bytes, 0, 4, type, 0, id);
  writeWord(bytes, HEAD_BYTES, word);
  return bytes;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const payload = new Uint8Array(settings.length * 6);
  for (const [n, [id, value]] of settings.entries()) {
    payload[n * 6 + 1] = id;
    writeWord(payload, n * 6 + 2, value);
  }
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

export function goAwayFrame(lastStream: number, reason: number, message = ''): Uint8Array {
  const text = Buffer.from(message, 'latin1');
  const payload = new Uint8Array(8 + text.length);
  writeWord(payload, 0, lastStream);
  writeWord(payload, 4, reason);
  payload.set(text, 8);
  return frame(FRAME.GOAWAY, 0, 0, payload);
}
