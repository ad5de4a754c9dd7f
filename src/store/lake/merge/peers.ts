/**
 * Files of the partition that stay as they are: where they have rows of the traces that are rewritten. By
 * the trace index beside each, so that a peer without such a trace costs one small read.
 */
import { traceIndexPath } from '../files/names.ts';
import { openTraceIndex } from '../files/trace-index.ts';
import type { TraceIndex } from '../files/trace-index.ts';
import type { Sources } from './sources.ts';
import { groupIds } from './survey.ts';
import type { Survey } from './survey.ts';
import { TraceEndings } from './traces.ts';
import type { RewriteInput } from './rewrite-job.ts';

/** Pairs of a trace here and one there with the same ending. Ids drawn at random never share one. */
const MAX_SHARING = 8;

/** A row that came twice has the same start both times: only files that overlap in time can share one. */
export function overlappingPeers(
  inputs: readonly RewriteInput[],
  peers: readonly RewriteInput[],
): RewriteInput[] {
  const groups = inputs.flatMap((input) => input.rowGroups);
  return peers.filter(({ rowGroups }) =>
    rowGroups.some((theirs) =>
      groups.some(
        (ours) =>
          ours.minStartUnixNano <= theirs.maxStartUnixNano &&
          theirs.minStartUnixNano <= ours.maxStartUnixNano,
      ),
    ),
  );
}

/** Adds the peers' runs to the survey's traces. `from`: the first peer among the sources. */
export async function addPeers(sources: Sources, survey: Survey, from: number): Promise<void> {
  if (from === sources.files.length) return;
  const endings = new TraceEndings(survey.traces);
  for (let source = from; source < sources.files.length; source++) {
    const index = await readIndex(sources.files[source].path);
    if (index === undefined || tellsLittle(endings, index)) await addByColumn(sources, survey, source);
    else addByIndex(endings, source, index);
  }
}

/** Undefined when it is missing or damaged: then the file itself tells. */
async function readIndex(path: string): Promise<TraceIndex | undefined> {
  try {
    return openTraceIndex(await Bun.file(traceIndexPath(path)).bytes());
  } catch {
    return undefined;
  }
}

/** Whether so many traces share an ending, here or there, that runs of each would be taken for runs of all. */
function tellsLittle(endings: TraceEndings, { count, high, low }: TraceIndex): boolean {
  let there = 0;
  for (let entry = 0; entry < count; entry++) {
    const isSame = entry > 0 && high[entry] === high[entry - 1] && low[entry] === low[entry - 1];
    there = isSame ? there + 1 : 1;
    let here = 0;
    let trace = endings.first(swapped(high[entry]), swapped(low[entry]));
    for (; trace !== undefined && here * there <= MAX_SHARING; trace = endings.after(trace)) here++;
    if (here * there > MAX_SHARING) return true;
  }
  return false;
}

/** Two traces may share the half of the id that an index keeps: once.ts looks at the whole. */
function addByIndex(endings: TraceEndings, source: number, index: TraceIndex): void {
  for (let entry = 0; entry < index.count; entry++) {
    let trace = endings.first(swapped(index.high[entry]), swapped(index.low[entry]));
    for (; trace !== undefined; trace = endings.after(trace))
      endings.traces.addRun(trace, source, index.firstRow[entry], index.rowCount[entry]);
  }
}

/** An index keeps the words as the hex text reads, the table as the machine does. */
function swapped(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

async function addByColumn(sources: Sources, survey: Survey, source: number): Promise<void> {
  const { traces, schema } = survey;
  for (let unit = sources.firstUnit(source); unit < sources.firstUnit(source + 1); unit++) {
    const { firstRow } = sources.units[unit];
    await sources.columns(unit, [schema.groupColumn], (block) => {
      const ids = groupIds(block, schema);
      for (let row = 0; row < block.rows; row++) {
        const first = row;
        const at = row * 4;
        while (row + 1 < block.rows && sameId(ids, at, (row + 1) * 4)) row++;
        if (traces.has(ids, at))
          traces.addRun(traces.traceOf(ids, at), source, firstRow + first, row - first + 1);
      }
    });
  }
}

export function sameId(ids: Uint32Array, a: number, b: number): boolean {
  return (
    ids[a + 3] === ids[b + 3] && ids[a + 2] === ids[b + 2] && ids[a + 1] === ids[b + 1] && ids[a] === ids[b]
  );
}
