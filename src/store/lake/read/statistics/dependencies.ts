/**
 * Which service calls which, as the Collector's service graph tells it: a span whose parent is of another service
 * is a call; so is a client's or producer's span without such a child that says whom it called. The rows of a
 * trace stand together in a file, so workers join most of them; what a page's end or a file's cuts, and what is
 * in buffers, is joined here.
 *
 * A call is of the range when its later span starts in it; parents, and children that show that a call was
 * answered, are looked for among the spans that start up to MARGIN before and after. Spans that came twice count
 * once where both copies are in one file's run of the trace, or both are joined here.
 */
import type { Coverage, DependenciesPage, StatsQuestion, TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { Edges, MAX_EDGES, addCall, dependenciesOf } from './dependencies-edges.ts';
import { OpenCallsBuilder, countCall, countPeer, inSlices, lookUpParents } from './dependencies-lookup.ts';
import type { LookUp } from './dependencies-lookup.ts';
import { peerColumns } from './dependencies-peers.ts';
import {
  BYTES_PER_CALL_ROW,
  CALL_COLUMNS,
  CallBlock,
  CallNames,
  CallRowsBuilder,
  hasParent,
} from './dependencies-rows.ts';
import type { CallRows } from './dependencies-rows.ts';
import { CallTable } from './dependencies-table.ts';
import { scanFiles } from '../workers/scan-files.ts';
import { IN_BUFFER, availableIn } from '../session.ts';
import type { Session } from '../session.ts';

/** Longer than most calls take; 600,000 spans on either side at 10,000 a second. */
const MARGIN_NANO = 60_000_000_000n;

/** Of a row here: as kept, and its part of the table. */
const BYTES_PER_ROW = BYTES_PER_CALL_ROW * 2 + 16;

const IN_A_BUFFER = -1;

export async function dependencies(
  session: Session,
  { range }: StatsQuestion,
): Promise<Omit<DependenciesPage, keyof Coverage>> {
  const within = {
    startUnixNano: range.startUnixNano > MARGIN_NANO ? range.startUnixNano - MARGIN_NANO : 0n,
    endUnixNano: range.endUnixNano + MARGIN_NANO,
  };
  const edges = new Edges();
  const names = new CallNames();
  const loose = new OpenCallsBuilder(new CallRowsBuilder(names));
  const open = new OpenCallsBuilder(new CallRowsBuilder(names));
  await addBuffers(session, range, within, loose);
  const { scan } = await session.plan(within, null);
  const files = scan.map(({ file }) => file);
  const numbers = new Map<FileEntry, number>(files.map((file, number) => [file, number]));
  await scanFiles<'calls'>(
    session,
    scan,
    (file, rowGroups) => ({
      kind: 'calls',
      columns: [...CALL_COLUMNS, ...peerColumns(availableIn(file))],
      rowGroups,
      filter: { condition: null, range: within },
      range,
    }),
    (part, file) => {
      const number = numbers.get(file) ?? IN_A_BUFFER;
      edges.merge(part.edges);
      if (!session.keep((part.loose.count + part.open.count) * BYTES_PER_ROW)) return;
      loose.append(part.loose, number);
      open.append(part.open, number);
    },
  );
  await joinHere({ session, files, range, within, edges }, loose, open);
  if (edges.full) session.limit(`only ${MAX_EDGES} pairs of services are counted`);
  return { dependencies: dependenciesOf(edges) };
}

async function addBuffers(
  session: Session,
  range: TimeRange,
  within: TimeRange,
  loose: OpenCallsBuilder,
): Promise<void> {
  const columns = [...CALL_COLUMNS, ...peerColumns(IN_BUFFER)];
  for (const buffer of session.buffers) {
    const rows = new CallRowsBuilder(new CallNames());
    await session.scanBuffer(buffer, { condition: null, range: within }, columns, (block) => {
      const calls = new CallBlock(block, rows.callNames);
      return (selected, from, to) => {
        calls.mark(range, from, to);
        for (let row = from; row < to; row++) if (selected[row] !== 0) rows.push(calls, row);
      };
    });
    if (session.keep(rows.count * BYTES_PER_ROW)) loose.append(rows, IN_A_BUFFER);
  }
}

/** What the workers could not join. */
async function joinHere(question: LookUp, loose: OpenCallsBuilder, open: OpenCallsBuilder): Promise<void> {
  const { session, edges } = question;
  const { rows } = loose;
  const table = new CallTable(rows);
  await inSlices(session, table.fill());
  const hasForeign = new Uint8Array(rows.count);
  const settledLoose = table.dead.slice();
  const settledOpen = new Uint8Array(open.rows.count);
  const join = (children: CallRows, settled: Uint8Array) =>
    inSlices(session, joinRows(table, children, { settled, hasForeign, edges }));
  await join(rows, settledLoose);
  await join(open.rows, settledOpen);
  await lookUpParents(question, [
    { rows, files: loose.files, settled: settledLoose },
    { rows: open.rows, files: open.files, settled: settledOpen },
  ]);
  for (let row = 0; row < rows.count; row++) {
    if (table.dead[row] === 0 && hasForeign[row] === 0) countPeer(edges, rows, row, addCall);
  }
}

interface Joining {
  /** 1 for a child that needs no parent any more. */
  readonly settled: Uint8Array;
  /** By row of the table. */
  readonly hasForeign: Uint8Array;
  readonly edges: Edges;
}

/** Yields now and then. */
function* joinRows(
  table: CallTable,
  children: CallRows,
  { settled, hasForeign, edges }: Joining,
): Generator<void, void> {
  const parents = table.rows;
  for (let row = 0; row < children.count; row++) {
    if (row % 1024 === 1023) yield;
    if (settled[row] === 1) continue;
    if (!hasParent(children, row)) settled[row] = 1;
    const parent = settled[row] === 1 ? -1 : table.parentOf(children, row);
    if (parent < 0) continue;
    settled[row] = 1;
    if (parents.services[parent] === children.services[row]) continue;
    hasForeign[parent] = 1;
    countCall(edges, parents, parent, children, row);
  }
}
