/**
 * Whether a zstd body is whole. Bun's decompressor takes a frame that is cut off for one that ends there,
 * and gives what it has, often nothing: an export would be acknowledged and lost. The sizes of frames and
 * blocks stand in their headers (RFC 8878), so this reads a few bytes in each 128 KiB.
 */
const MAGIC = 0xfd2fb528;
/** 0x184d2a50 to 0x184d2a5f: data of no interest, with its length. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** True for one or more whole frames with nothing behind them. */
export function isWholeZstd(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return false;
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === SKIPPABLE_MAGIC >>> 4) {
      if (at + 8 > bytes.length) return false;
      at += 8 + view.getUint32(at + 4, true);
    } else if (magic === MAGIC) {
      at = endOfFrame(bytes, at + 4);
    } else {
      return false;
    }
  }
  return at === bytes.length && at > 0;
}

/** Past the end of `bytes` for a frame that is cut off or damaged. */
function endOfFrame(bytes: Uint8Array, start: number): number {
  const nowhere = bytes.length + 1;
  const descriptor = bytes[start];
  if (descriptor === undefined) return nowhere;
  const hasChecksum = (descriptor & 4) !== 0;
  let at = start + headerBytes(descriptor);
  for (;;) {
    if (at + 3 > bytes.length) return nowhere;
    const header = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    const type = (header >>> 1) & 3;
    if (type === RESERVED_BLOCK) return nowhere;
    at += 3 + (type === RLE_BLOCK ? 1 : header >>> 3);
    if ((header & 1) === 1) return hasChecksum ? at + 4 : at;
  }
}

/** The descriptor itself, the window, the dictionary's id, and the content's size. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3];
  const content = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6];
  return 1 + (isSingleSegment ? 0 : 1) + dictionary + content;
}
