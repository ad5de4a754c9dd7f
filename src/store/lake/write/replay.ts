/**
 * At start: log files back into columns. A torn tail of the last file is what a crash leaves, and is cut
 * off. Anything else that is damaged may have been acknowledged: a copy is set aside and told, and the
 * rest is taken.
 */
import { gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { decodeTracesInSlices } from '../../../otlp/decode.ts';
import type { SpanLimits } from '../../../span/span-limits.ts';
import type { FileSystem } from '../files/file-system.ts';
import { CORRUPT_FOLDER, LOG_FOLDER, logSequence } from '../files/names.ts';
import type { Deliveries } from './deliveries.ts';
import { deliveryKey } from './delivery-keys.ts';
import type { DeliveryKey } from './delivery-keys.ts';
import { Generation, LARGE_BODY_BYTES } from './generation.ts';
import { encodeFrame, isTornWrite, readLog } from './log-frame.ts';
import type { Frame, LogContents } from './log-frame.ts';
import { LogSegment } from './log-segment.ts';

export interface ReplayParts {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly deliveries: Deliveries;
  /** Frames up to it are in Parquet files. */
  readonly flushedThrough: number;
  readonly report: (problem: string) => void;
  readonly spanLimits: SpanLimits;
  /** Takes over a generation whose rows are all published. */
  readonly take: (generation: Generation) => Promise<void>;
}

export interface ReplayResult {
  readonly lastSequence: number;
  readonly frames: number;
  /** Damaged stretches, copied to `wal/corrupt`. */
  readonly damaged: number;
}

export async function replay(parts: ReplayParts): Promise<ReplayResult> {
  const { files, dataDir } = parts;
  const entries = await files.list(`${dataDir}/${LOG_FOLDER}`);
  const names = entries
    .filter(({ name, isDirectory }) => !isDirectory && logSequence(name) !== undefined)
    .map(({ name }) => name)
    .sort();
  let lastSequence = parts.flushedThrough;
  let frames = 0;
  let damaged = 0;
  for (const name of names) {
    const isLast = name === names[names.length - 1];
    const replayed = await replayFile(parts, name, isLast);
    lastSequence = Math.max(lastSequence, replayed.lastSequence);
    frames += replayed.frames;
    damaged += replayed.damaged;
  }
  return { lastSequence, frames, damaged };
}

async function replayFile(parts: ReplayParts, name: string, isLast: boolean): Promise<ReplayResult> {
  const { files, dataDir } = parts;
  const folder = `${dataDir}/${LOG_FOLDER}`;
  const path = `${folder}/${name}`;
  const bytes = await files.read(path);
  if (bytes.length === 0) parts.report(`${name}: empty, as a crash before its first write leaves it`);
  const contents = readLog(bytes);
  let damaged = await setDamageAside(parts, name, bytes, contents, isLast);
  const generation = new Generation(new LogSegment(files, path, folder, true), parts.spanLimits);
  generation.segment.bytes = contents.soundEnd;
  let frames = 0;
  let lastSequence = 0;
  for (const frame of contents.frames) {
    lastSequence = Math.max(lastSequence, frame.sequence);
    if (frame.sequence <= parts.flushedThrough) continue;
    if (await replayFrame(parts, name, generation, frame)) frames++;
    else damaged++;
  }
  if (frames > 0) await parts.take(generation);
  else await files.unlink(path);
  return { lastSequence, frames, damaged };
}

/** False for a frame whose checksum holds and whose content can't be decoded. */
async function replayFrame(
  parts: ReplayParts,
  name: string,
  generation: Generation,
  frame: Frame,
): Promise<boolean> {
  // As when it came: the limits of a buffer then take the same from it.
  const isLarge = frame.bodyBytes >= LARGE_BODY_BYTES;
  const columns = isLarge ? generation.newColumns() : generation.columnsFor(frame.projectId, () => {});
  const mark = columns.mark();
  let key: DeliveryKey;
  try {
    const { format, genAiOnly } = frame;
    const request = { format, genAiOnly, body: bodyOf(frame) };
    await decodeTracesInSlices(request, columns);
    key = deliveryKey(request);
  } catch (error) {
    columns.truncate(mark);
    const reason = error instanceof Error ? error.message : String(error);
    await setAside(parts, `${name}.frame-${frame.sequence}`, Buffer.concat(encodeFrame(frame)), reason);
    return false;
  }
  columns.publishedRows = columns.rows;
  if (isLarge) generation.add(frame.projectId, columns);
  await generation.commit(frame.sequence, () => Promise.resolve());
  // A frame with a key that is known is replayed all the same: both were acknowledged.
  parts.deliveries.remember(frame.projectId, key, generation.deliveries, frame.receivedAtMs);
  return true;
}

/** The request of a frame, decompressed. Throws when it can't be. */
export function bodyOf(frame: Frame): Uint8Array {
  const { payload, bodyBytes } = frame;
  const options = { maxOutputLength: Math.max(1, bodyBytes) };
  switch (frame.encoding) {
    case 'identity':
      return payload;
    case 'gzip':
      return gunzipSync(payload, options);
    case 'zstd':
      return zstdDecompressSync(payload, options);
    case 'deflate':
      return inflated(payload, options);
  }
}

/** HTTP's deflate is zlib's form; some senders leave its header and checksum out. */
function inflated(payload: Uint8Array, options: { maxOutputLength: number }): Uint8Array {
  try {
    return inflateSync(payload, options);
  } catch {
    return inflateRawSync(payload, options);
  }
}

async function setDamageAside(
  parts: ReplayParts,
  name: string,
  bytes: Uint8Array,
  contents: LogContents,
  isLast: boolean,
): Promise<number> {
  let count = 0;
  for (const { start, end } of contents.damaged) {
    await setAside(parts, `${name}.${start}-${end}`, bytes.subarray(start, end), 'bytes that are no frame');
    count++;
  }
  const tail = bytes.subarray(contents.soundEnd);
  if (tail.length === 0) return count;
  if (isLast && isTornWrite(tail)) {
    parts.report(`${name}: cut off ${tail.length} bytes of a write that was not finished`);
  } else {
    const place = `${name}.${contents.soundEnd}-${bytes.length}`;
    await setAside(parts, place, tail, 'a damaged end');
    count++;
  }
  const file = await parts.files.open(`${parts.dataDir}/${LOG_FOLDER}/${name}`);
  try {
    await file.truncate(contents.soundEnd);
    await file.datasync();
  } finally {
    await file.close();
  }
  return count;
}

async function setAside(parts: ReplayParts, name: string, bytes: Uint8Array, reason: string): Promise<void> {
  const folder = `${parts.dataDir}/${CORRUPT_FOLDER}`;
  await parts.files.makeFolder(folder);
  const file = await parts.files.create(`${folder}/${name}`);
  try {
    await file.write(bytes, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  await parts.files.syncFolder(folder);
  parts.report(`${CORRUPT_FOLDER}/${name}: ${reason}: ${bytes.length} bytes set aside`);
}
