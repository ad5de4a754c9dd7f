/** A page as it was before compression, out of the bytes of the file, its checksum verified. */
import { CODECS } from './column-chunk.ts';
import type { OpenPage } from './leaf-reader.ts';
import { readPage } from './page-header.ts';

/** Throws RangeError when the page is damaged. */
export function openPage(bytes: Uint8Array, codec: number): OpenPage {
  const { header, stored } = readPage(bytes);
  // A call costs 3 us, that of node:zlib 25; what is decompressed had the right checksum.
  const body = codec === CODECS.none ? stored : Bun.zstdDecompressSync(stored);
  if (body.length !== header.rawBytes) {
    throw new RangeError(`a page of ${header.rawBytes} bytes gave ${body.length}`);
  }
  return { header, body };
}
