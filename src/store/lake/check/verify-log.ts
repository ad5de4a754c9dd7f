/** The frames of the log: checksums, and whether each can be decoded. */
import { decodeTraces } from '../../../otlp/decode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LOG_FOLDER, logSequence } from '../files/names.ts';
import { readIfThere } from '../read-only-log.ts';
import { isTornWrite, readLog } from '../write/log-frame.ts';
import { bodyOf } from '../write/replay.ts';

export interface LogCheck {
  readonly logs: number;
  readonly frames: number;
  /** Of the first frame of each log, by its name. */
  readonly firstSequences: readonly number[];
}

/** A frame that a server is writing is whole after so long. */
const GROWTH_MS = 300;

export async function checkLogs(
  files: FileSystem,
  dataDir: string,
  add: (path: string, problem: string, damage: boolean) => void,
): Promise<LogCheck> {
  let logs = 0;
  let frames = 0;
  const firstSequences: number[] = [];
  for (const { name, isDirectory } of await files.list(`${dataDir}/${LOG_FOLDER}`)) {
    const first = isDirectory ? undefined : logSequence(name);
    if (first === undefined) continue;
    const path = `${LOG_FOLDER}/${name}`;
    const bytes = await readIfThere(files, `${dataDir}/${path}`);
    if (bytes === undefined) continue;
    logs++;
    firstSequences.push(first);
    const contents = readLog(bytes);
    frames += contents.frames.length;
    for (const { start, end } of contents.damaged) {
      add(path, `${end - start} bytes at ${start} are no frame, and sound frames stand behind them`, true);
    }
    for (const frame of contents.frames) {
      const problem = undecodable(frame);
      if (problem !== undefined) add(path, `frame ${frame.sequence}: ${problem}`, true);
    }
    const tail = bytes.subarray(contents.soundEnd);
    if (tail.length === 0) continue;
    if (isTornWrite(tail)) add(path, `${tail.length} bytes of a write that is not finished`, false);
    else if (await isStill(files, `${dataDir}/${path}`, bytes.length)) {
      add(path, `${tail.length} bytes at ${contents.soundEnd} are no frame`, true);
    }
  }
  return { logs, frames, firstSequences };
}

function undecodable(frame: ReturnType<typeof readLog>['frames'][number]): string | undefined {
  try {
    if (Bun.hash.xxHash3(frame.payload) !== frame.payloadHash) return 'its payload has another hash';
    decodeTraces(
      { format: frame.format, genAiOnly: frame.genAiOnly, body: bodyOf(frame) },
      new SpanColumns(),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** True for a file that nobody is writing to. */
async function isStill(files: FileSystem, path: string, bytes: number): Promise<boolean> {
  await Bun.sleep(GROWTH_MS);
  return (await files.size(path)) === bytes;
}
