/** Small bodies that decompress to 10 GiB, made without decompressing or compressing 10 GiB. */
import { constants, deflateRawSync, gzipSync } from 'node:zlib';

const BOMB_BYTES = 10 * 1024 ** 3;
const PIECE_BYTES = 64 * 1024 ** 2;
const PIECES = BOMB_BYTES / PIECE_BYTES;

export interface Bomb {
  readonly encoding: 'gzip' | 'deflate' | 'zstd';
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A field of an unknown number and 10 GiB would do as well: nobody gets to look inside. */
export function bombs(): readonly Bomb[] {
  const piece = new Uint8Array(PIECE_BYTES);
  return [
    { encoding: 'gzip', body: repeated(gzipSync(piece), PIECES) },
    { encoding: 'deflate', body: deflateBomb(piece) },
    { encoding: 'zstd', body: zstdBomb() },
  ];
}

function repeated(bytes: Uint8Array, times: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(Array<Uint8Array>(times).fill(bytes)));
}

/** Flushed pieces of raw deflate stand for themselves, so one can follow the other in one zlib stream. */
function deflateBomb(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const flushed = deflateRawSync(piece, { finishFlush: constants.Z_FULL_FLUSH });
  return new Uint8Array(Buffer.concat([Buffer.from([0x78, 0x9c]), repeated(flushed, PIECES)]));
}

/** One frame of run-length blocks (RFC 8878): four bytes stand for 128 KiB. */
function zstdBomb(): Uint8Array<ArrayBuffer> {
  const blockBytes = 128 * 1024;
  const blocks = BOMB_BYTES / blockBytes;
  // Magic number; a frame header without content size; a window of 1 MiB.
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 10 << 3]);
  const body = Buffer.alloc(header.length + blocks * 4);
  header.copy(body);
  for (let block = 0; block < blocks; block++) {
    const isLast = block === blocks - 1 ? 1 : 0;
    body.writeUIntLE(isLast | (1 << 1) | (blockBytes << 3), header.length + block * 4, 3);
  }
  return new Uint8Array(body);
}
