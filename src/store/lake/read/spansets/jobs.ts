/** What reader workers are asked about spansets, and what comes back. Plain data. */
import type { SpansetExpression } from '../../../../traceql/ast.ts';
import type { Block } from '../../../../span/vector.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import type { JobBase, RowPick } from '../workers/jobs.ts';
import type { Rank, RowKey } from '../scan/row-key.ts';
import type { SeriesAsk, SeriesPart } from '../numbers/series-scan.ts';
import type { SharedKeys } from './runs.ts';
import type { RankedRows } from '../scan/top-rows.ts';

interface SpansetAsking extends JobBase {
  readonly expression: SpansetExpression;
  readonly range: TimeRange;
}

/**
 * Judges the traces of row groups. A trace that may have rows elsewhere (its rows touch the end of a row group
 * that is not the file's, or it is in `shared`) is open: it is reported, if it has a row that satisfies a probe
 * of `report`, and whoever asks judges it. `columns` are those that judging reads.
 */
export interface SpansetJob extends SpansetAsking {
  readonly kind: 'spansets';
  /** By probe: the columns that it reads. */
  readonly probeColumns: readonly (readonly string[])[];
  readonly rowGroups: readonly SpansetRowGroup[];
  /** Of the file. */
  readonly rowGroupCount: number;
  /** Bits of probes. */
  readonly report: number;
  /** Of traces that may have rows in other files or buffers. */
  readonly shared: SharedKeys;
  readonly wanted: SpansetWanted;
}

export interface SpansetRowGroup {
  readonly index: number;
  /** False when none of its traces can match without rows elsewhere. */
  readonly judge: boolean;
  readonly best: Rank;
}

export type SpansetWanted =
  /** The best spans, or the best traces by their start or duration. */
  | {
      readonly kind: 'spans' | 'traces';
      readonly order: SearchOrder;
      readonly limit: number;
      readonly after: RowKey | undefined;
      /** Enough are known that rank before this. */
      readonly worst: Rank | undefined;
    }
  /** All spans, as blocks of these columns. */
  | { readonly kind: 'rows'; readonly columns: readonly string[] }
  /** What metrics count of all spans. */
  | { readonly kind: 'series'; readonly ask: SeriesAsk };

export interface SpansetsFound {
  /** Of traces: an id is the trace's and zeros, a row the number of an entry of `latest`. */
  readonly ranked: RankedRows | undefined;
  /** Of each trace, by which it was found: the rank, for newest, of its latest span that satisfies the bound. */
  readonly latest: Uint32Array;
  /** The best such rank among traces that are not in `ranked` and may match. */
  readonly left: Rank | undefined;
  readonly blocks: readonly Block[];
  readonly series: SeriesPart | undefined;
  readonly open: OpenTraces;
}

interface OpenTraces {
  readonly count: number;
  /** 16 bytes each. */
  readonly traceIds: Uint8Array;
  /** High and low word of the best rank of its spans that satisfy the bound; zeros where that is not known. */
  readonly best: Uint32Array;
}

/** Rows of traces with what judging them needs, and which probes they satisfy. */
export interface SpansetRowsJob extends SpansetAsking {
  readonly kind: 'spanset rows';
  readonly picks: readonly RowPick[];
  /** Of the job's columns, those that come back. */
  readonly kept: readonly string[];
}

export interface PickedRows {
  readonly block: Block;
  readonly bits: Uint32Array;
  readonly rowGroup: number;
  /** Of the row group. */
  readonly rows: Uint32Array;
}
