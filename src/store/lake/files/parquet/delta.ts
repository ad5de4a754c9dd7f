/**
 * DELTA_BINARY_PACKED for 64-bit integers: differences of neighbours, less the smallest of their block, packed with
 * as many bits as the largest of 32 needs. Times and durations cost what they differ by.
 */
import type { ByteWriter } from './bytes.ts';

const BLOCK_VALUES = 128;
const MINIBLOCKS = 4;
const MINIBLOCK_VALUES = BLOCK_VALUES / MINIBLOCKS;

/** Differences of one block as words, low first; differences wrap at 64 bits, as the specification asks. */
const deltas = new Uint32Array(BLOCK_VALUES * 2);

/** The values `from .. to` of `words`, two words a value, low first. */
export function writeDelta(out: ByteWriter, words: Uint32Array, from: number, to: number): void {
  out.varint(BLOCK_VALUES);
  out.varint(MINIBLOCKS);
  out.varint(to - from);
  if (to === from) writeZigzag(out, 0, 0);
  else writeZigzag(out, words[from * 2], words[from * 2 + 1]);
  for (let row = from + 1; row < to; row += BLOCK_VALUES) {
    writeBlock(out, words, row, Math.min(to, row + BLOCK_VALUES));
  }
}

function writeBlock(out: ByteWriter, words: Uint32Array, from: number, to: number): void {
  const count = to - from;
  let minLow = 0;
  let minHigh = 0;
  for (let i = 0; i < count; i++) {
    const row = (from + i) * 2;
    const low = (words[row] - words[row - 2]) >>> 0;
    const borrow = words[row] < words[row - 2] ? 1 : 0;
    const high = (words[row + 1] - words[row - 1] - borrow) | 0;
    deltas[i * 2] = low;
    deltas[i * 2 + 1] = high;
    if (i === 0 || high < minHigh || (high === minHigh && low < minLow)) {
      minLow = low;
      minHigh = high;
    }
  }
  for (let i = 0; i < count; i++) {
    const low = deltas[i * 2];
    deltas[i * 2] = low - minLow;
    deltas[i * 2 + 1] -= minHigh + (low < minLow ? 1 : 0);
  }
  writeZigzag(out, minLow, minHigh >>> 0);
  // Unused values of the last miniblock are zeros; unused miniblocks have a width of 0 and no bytes.
  deltas.fill(0, count * 2);
  const widths = out.length;
  for (let mini = 0; mini < MINIBLOCKS; mini++) out.byte(widthOf(mini * MINIBLOCK_VALUES));
  for (let mini = 0; mini < MINIBLOCKS; mini++) {
    if (mini * MINIBLOCK_VALUES < count)
      packMiniblock(out, mini * MINIBLOCK_VALUES, out.bytes[widths + mini]);
  }
}

function widthOf(first: number): number {
  let low = 0;
  let high = 0;
  for (let i = first * 2; i < (first + MINIBLOCK_VALUES) * 2; i += 2) {
    low |= deltas[i];
    high |= deltas[i + 1];
  }
  return high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
}

function packMiniblock(out: ByteWriter, first: number, width: number): void {
  // 32 values of any width fill whole words.
  out.reserve(MINIBLOCK_VALUES * 4 * Math.ceil(width / 32));
  const { data } = out;
  const lowWidth = Math.min(width, 32);
  const highWidth = width - lowWidth;
  let at = out.length;
  let pending = 0;
  let bits = 0;
  for (let i = first * 2; i < (first + MINIBLOCK_VALUES) * 2; i += 2) {
    const low = deltas[i];
    pending |= low << bits;
    bits += lowWidth;
    if (bits >= 32) {
      data.setInt32(at, pending, true);
      at += 4;
      bits -= 32;
      pending = bits === 0 ? 0 : low >>> (lowWidth - bits);
    }
    if (highWidth === 0) continue;
    const high = deltas[i + 1];
    pending |= high << bits;
    bits += highWidth;
    if (bits >= 32) {
      data.setInt32(at, pending, true);
      at += 4;
      bits -= 32;
      pending = bits === 0 ? 0 : high >>> (highWidth - bits);
    }
  }
  out.length = at;
}

/** A signed 64-bit integer as a zigzag varint. */
function writeZigzag(out: ByteWriter, low: number, high: number): void {
  const sign = high >> 31;
  let restLow = ((low << 1) ^ sign) >>> 0;
  let restHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
  while (restHigh !== 0 || restLow >= 0x80) {
    out.byte((restLow & 0x7f) | 0x80);
    restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
    restHigh >>>= 7;
  }
  out.byte(restLow);
}
