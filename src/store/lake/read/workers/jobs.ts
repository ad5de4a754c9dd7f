/** What the main thread asks of a reader worker, and what comes back. Plain data, one file a job. */
import type { Block } from '../../../../span/vector.ts';
import type { SearchOrder } from '../../../span-store.ts';
import type { ComparisonJob } from '../numbers/comparison-job.ts';
import type { ComparisonPart } from '../numbers/comparison-scan.ts';
import type { CallRowsJob, CallsJob } from '../statistics/dependencies-job.ts';
import type { CallRows } from '../statistics/dependencies-rows.ts';
import type { CallPart } from '../statistics/dependencies-runs.ts';
import type { Extents } from '../search/extents.ts';
import type { FacetsJob, FacetsPart } from '../numbers/facets-job.ts';
import type { GroupService, GroupTable } from '../statistics/groups.ts';
import type { HeatmapJob, HeatmapPart } from '../numbers/heatmap-job.ts';
import type { IdsJob } from '../numbers/metrics-ids-job.ts';
import type { SeriesJob } from '../numbers/metrics-job.ts';
import type { Rank, RowKey } from '../scan/row-key.ts';
import type { Filter } from '../scan/scan.ts';
import type { SeriesPart } from '../numbers/series-scan.ts';
import type { SlimRows } from '../search/slim-rows.ts';
import type { PickedRows, SpansetJob, SpansetRowsJob, SpansetsFound } from '../spansets/jobs.ts';
import type { RankedRows } from '../scan/top-rows.ts';
import type { TraceRules } from '../search/trace-rules.ts';
import type { CountedValues } from '../numbers/value-counts.ts';
import type { ValueField } from '../numbers/values.ts';

/** A row group and, where rows have an order, the best rank that one of its rows can have. */
export interface RowGroupToScan {
  readonly index: number;
  readonly best: Rank;
}

/** Rows of one row group, ascending. */
export interface RowPick {
  readonly rowGroup: number;
  readonly rows: Uint32Array;
}

export interface JobBase {
  /** Absolute. */
  readonly path: string;
  /** Columns to read, as far as the file has them; undefined means all. */
  readonly columns: readonly string[] | undefined;
}

/** The best rows of the file. */
export interface SearchJob extends JobBase {
  readonly kind: 'search';
  readonly rowGroups: readonly RowGroupToScan[];
  readonly filter: Filter;
  readonly order: SearchOrder;
  readonly limit: number;
  readonly after: RowKey | undefined;
  /** Ids of traces that are not looked for, 16 bytes each: few. */
  readonly without?: Uint8Array;
  /** Enough rows that rank before this are known already. */
  readonly worst: Rank | undefined;
}

/** Rows as whole spans, in the order of the picks. */
export interface SpansJob extends JobBase {
  readonly kind: 'spans';
  readonly picks: readonly RowPick[];
}

/** Rows with what a trace's summary needs; `filter` marks those that match. */
export interface SlimJob extends JobBase {
  readonly kind: 'slim';
  readonly picks: readonly RowPick[];
  readonly filter: Filter;
}

/** Start and end of every trace in the row groups, and whether a span of it matches. */
export interface ExtentsJob extends JobBase {
  readonly kind: 'extents';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
}

export interface GroupsJob extends JobBase {
  readonly kind: 'groups';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly service: GroupService;
}

export interface ValuesJob extends JobBase {
  readonly kind: 'values';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly field: ValueField;
  readonly prefix: string;
}

/** Which filter, in order, is the first that a span of each trace in the row groups matches. */
export interface TraceRulesJob extends JobBase {
  readonly kind: 'trace rules';
  readonly rowGroups: readonly number[];
  readonly filters: readonly Filter[];
}

/** The bytes of the `.traces` file, made anew. */
export interface TraceIndexJob extends JobBase {
  readonly kind: 'traceIndex';
}

export type Job =
  | CallsJob
  | CallRowsJob
  | SearchJob
  | SpansJob
  | SlimJob
  | ExtentsJob
  | GroupsJob
  | ValuesJob
  | SeriesJob
  | IdsJob
  | HeatmapJob
  | FacetsJob
  | ComparisonJob
  | TraceRulesJob
  | TraceIndexJob
  | SpansetJob
  | SpansetRowsJob;

/** By kind of job. Parts of a spans job may come before its end. */
export interface JobValues {
  calls: CallPart;
  'call rows': CallRows;
  search: RankedRows;
  /** Blocks that hold just these rows: to clone 1,000 spans takes some 50 ms, their block 1 ms. */
  spans: readonly Block[];
  slim: SlimRows;
  extents: Extents;
  groups: GroupTable;
  'trace rules': TraceRules;
  /** `full`: there were more distinct values than are counted. */
  values: { readonly values: readonly CountedValues[]; readonly full: boolean };
  series: SeriesPart;
  ids: Uint8Array;
  heatmap: HeatmapPart;
  facets: FacetsPart;
  comparison: ComparisonPart;
  traceIndex: Uint8Array;
  spansets: SpansetsFound;
  'spanset rows': readonly PickedRows[];
}

export interface JobCost {
  readonly rowGroups: number;
  readonly rows: number;
  readonly bytes: number;
  /** Row groups that were listed and then not needed. */
  readonly skippedRowGroups: number;
  /** Rows that a scan selected. */
  readonly matchedRows?: number;
  /** Pages of columns that were decoded already, and that were not. */
  readonly cacheHits?: number;
  readonly cacheMisses?: number;
  /** Long values that were not matched with a regular expression, since time was up. */
  readonly unjudged?: number;
}

export interface JobResult<K extends Job['kind'] = Job['kind']> {
  readonly value: JobValues[K];
  readonly cost: JobCost;
}

export type ToWorker =
  /** `cacheBytes`: of decoded columns that it may keep. */
  | { readonly kind: 'start'; readonly cacheBytes: number }
  | { readonly kind: 'limit'; readonly cacheBytes: number }
  | { readonly kind: 'job'; readonly id: number; readonly job: Job }
  | { readonly kind: 'cancel'; readonly id: number }
  /** The question's time is up: what takes long is left out. */
  | { readonly kind: 'late'; readonly id: number };

export type FromWorker =
  | { readonly kind: 'started' }
  | { readonly kind: 'part'; readonly id: number; readonly parts: readonly Block[] }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly value: JobValues[Job['kind']];
      readonly cost: JobCost;
      /** Of what the worker keeps, and of the wasm, which never gives memory back. */
      readonly memoryBytes: number;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
