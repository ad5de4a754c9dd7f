/** Traces that stand in several places, read whole with the columns that an expression needs. */
import type { Field } from '../../../../traceql/analyse.ts';
import type { SpansetAnalysis } from '../../../../traceql/spansets-analysis.ts';
import type { TimeRange } from '../../../span-store.ts';
import { columnOf } from '../scan/cells.ts';
import { columnsOfCondition, columnsOfField } from '../scan/fields.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import type { RowAddress } from '../search/search.ts';
import { IN_BUFFER, availableIn } from '../session.ts';
import type { BufferSource, Session } from '../session.ts';
import { packedRows } from '../scan/packed-rows.ts';
import type { PickedRows } from './jobs.ts';
import { bitsOf, filtersOf } from './scan.ts';
import { NO_TRACE, STRUCTURE_COLUMNS, WholeTraces } from './traces.ts';
import type { TraceRows } from './traces.ts';
import { hexAt } from '../scan/texts.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';
import { locate } from '../search/trace-rows.ts';
import type { SourceRows } from '../search/trace-rows.ts';

/** What is asked of traces. */
export interface SpansetQuestion {
  readonly analysis: SpansetAnalysis;
  readonly range: TimeRange;
}

/** What judging reads of rows, besides probes. */
export function judgedColumns({ fields }: SpansetAnalysis, available: ColumnsAvailable): string[] {
  return [...new Set([...STRUCTURE_COLUMNS, ...fields.flatMap((field) => columnsHere(field, available))])];
}

/** Of the span itself, its parent or its root: all are rows of the trace. */
export function columnsHere(field: Field, available: ColumnsAvailable): string[] {
  if (field.kind === 'intrinsic' && field.name === 'trace:rootName') return ['name'];
  if (field.kind === 'intrinsic' && field.name === 'trace:rootService') return ['service_name'];
  return columnsOfField({ ...field, parent: false }, available);
}

export function probeColumns({ probes }: SpansetAnalysis, available: ColumnsAvailable): string[][] {
  return probes.map(({ condition }) => columnsOfCondition(condition, available));
}

/** A table of traces, and where its spans stand. */
export class OpenedTraces {
  constructor(
    readonly table: WholeTraces,
    readonly picked: readonly (PickedRows & { readonly source: RowAddress['source'] })[],
  ) {}

  /** Of a span of the table. */
  address(span: number): RowAddress {
    const { source, rowGroup, rows } = this.picked[this.table.parts[span]];
    return { source, group: rowGroup, row: rows[this.table.rows[span]] };
  }
}

/** `extra`: columns that blocks shall have besides. Trace i of the table is that of id i, in hex. */
export async function openTraces(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
  { analysis, range }: SpansetQuestion,
  extra: (available: ColumnsAvailable) => readonly string[] = () => [],
): Promise<OpenedTraces> {
  const picked: (PickedRows & { readonly source: RowAddress['source'] })[] = [];
  const read = async ({ source, picks }: SourceRows): Promise<void> => {
    const available = 'path' in source ? availableIn(source) : IN_BUFFER;
    const kept = [...new Set(['trace_id', ...judgedColumns(analysis, available), ...extra(available)])];
    const columns = [...new Set([...kept, ...probeColumns(analysis, available).flat()])];
    if (!('path' in source)) {
      const asked = { analysis, range, columns, kept };
      for (const { rows } of picks) {
        picked.push({ ...(await session.step(() => pickOfBuffer(source, rows, asked))), source });
      }
      return;
    }
    const { expression } = analysis;
    const ask = { kind: 'spanset rows', columns, kept, picks, expression, range } as const;
    for (const each of (await session.job<'spanset rows'>(source, ask)) ?? [])
      picked.push({ ...each, source });
  };
  await Promise.all((await locate(session, indexes, traceIds)).map(read));
  const numbers = new Map(traceIds.map((id, i) => [id, i]));
  const rows: TraceRows[] = [];
  for (const { block, bits } of picked) {
    rows.push({ block, bits, rows: Uint32Array.from(bits.keys()), traces: tracesOf(block, numbers) });
    await session.breathe();
  }
  return new OpenedTraces(new WholeTraces(rows, traceIds.length, range), picked);
}

interface AskedOfBuffer extends SpansetQuestion {
  readonly columns: readonly string[];
  readonly kept: readonly string[];
}

function pickOfBuffer(source: BufferSource, rows: Uint32Array, asked: AskedOfBuffer): PickedRows {
  const filters = filtersOf(asked.analysis, asked.range);
  const block = source.columns.block([...new Set([...asked.columns, 'start_time_unix_nano'])], source.rows);
  return {
    block: packedRows(block, rows, asked.kept),
    bits: bitsOf(block, rows, filters),
    rowGroup: 0,
    rows,
  };
}

/** By row; an index finds by half of an id, so there are rows of other traces. */
function tracesOf(block: PickedRows['block'], numbers: ReadonlyMap<string, number>): Uint32Array {
  const { bytes } = columnOf(block, 'trace_id', 'fixed');
  const traces = new Uint32Array(block.rows);
  for (let row = 0; row < block.rows; row++) {
    const isSame = row > 0 && sameBytes(bytes, row * 16, row * 16 - 16);
    traces[row] = isSame ? traces[row - 1] : (numbers.get(hexAt(bytes, row * 16, 16)) ?? NO_TRACE);
  }
  return traces;
}

function sameBytes(bytes: Uint8Array, a: number, b: number): boolean {
  for (let i = 15; i >= 0; i--) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
