/**
 * How an answer is come by, written down as it happens. The session tells what it plans, asks and reads, so
 * that every kind of question is explained without a word of its own.
 */
import { analyse } from '../../../traceql/analyse.ts';
import type {
  FieldExpression,
  Literal,
  MetricsExpression,
  Query,
  SpansetExpression,
} from '../../../traceql/ast.ts';
import { printExpression, printQuery, printSpansets } from '../../../traceql/print.ts';
import { isMetrics } from '../../../traceql/query.ts';
import type { Explain, ExplainedPredicate, PruneCount } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { conjuncts } from './scan/leaf.ts';
import type { Plan } from './plan/plan.ts';
import { predicateText, predicatesOf } from './plan/predicates.ts';
import { PRUNE_REASONS } from './plan/pruning.ts';
import type { PruneReason } from './plan/pruning.ts';

export type StageName =
  | 'plan'
  | 'token filters'
  | 'trace index'
  | 'buffers'
  | 'rollups'
  | 'scan'
  | 'traces'
  | 'rows'
  | 'merge';

/** What was planned and then not read: `order`, enough was found that comes before; else another source knew. */
type Unread = PruneReason | 'rollups' | 'not needed';

interface Stage {
  /** Since the question began. */
  readonly beganMs: number;
  ms: number;
  times: number;
  running: number;
  since: number;
}

/** Of a file that is read: what became of each row group that was looked at. */
type RowGroupFates = Map<number, 'read' | PruneReason>;

export class ExplainLog {
  readonly #began = performance.now();
  readonly #stages = new Map<StageName, Stage>();
  /** Of all stages together: what is left of the whole is merging. */
  #running = 0;
  #runningSince = 0;
  #coveredMs = 0;
  /** By file: code of the reason for which all plans leave it out, 0 where one wants it. */
  #verdicts: Uint8Array | undefined;
  readonly #fates = new Map<FileEntry, RowGroupFates>();
  readonly #columns = new Set<string>();
  readonly #predicates = new Map<string, ExplainedPredicate>();
  #skipped = 0;
  #tokensAsked = 0;
  #bufferRows = 0;
  #matched = 0;
  #candidates = 0;
  #tracesRead = 0;
  #lookedUp = 0;
  #hits = 0;
  #misses = 0;
  #earlyStop = '';

  /** A stage begins; what it gives ends it. One that runs several times at once counts the time once. */
  begin(name: StageName): () => void {
    const now = performance.now();
    let stage = this.#stages.get(name);
    if (!stage) {
      stage = { beganMs: now - this.#began, ms: 0, times: 0, running: 0, since: 0 };
      this.#stages.set(name, stage);
    }
    stage.times++;
    if (stage.running++ === 0) stage.since = now;
    if (this.#running++ === 0) this.#runningSince = now;
    return () => {
      const end = performance.now();
      if (--stage.running === 0) stage.ms += end - stage.since;
      if (--this.#running === 0) this.#coveredMs += end - this.#runningSince;
    };
  }

  /** `files`: all of the snapshot. */
  planned({ condition, verdicts, prunedInFiles, scan }: Plan, files: readonly FileEntry[]): void {
    const before = this.#verdicts;
    this.#verdicts =
      before === undefined ? verdicts : before.map((code, at) => (code === 0 ? 0 : verdicts[at]));
    for (const { file, index, reason } of prunedInFiles) this.#fate(file, index, reason);
    this.#addPredicates(condition, scan.length > 0 ? scan.map(({ file }) => file) : files);
  }

  /** Of row groups that a plan kept: what filters or an index ruled out. */
  narrowed(file: FileEntry, pruned: readonly number[], reason: PruneReason): void {
    for (const index of pruned) this.#fate(file, index, reason);
  }

  askedTokens(rowGroups: number): void {
    this.#tokensAsked += rowGroups;
  }

  /** A job on row groups of a file. `columns` undefined: all, as of the rows that are answered. */
  reads(file: FileEntry, rowGroups: readonly number[], columns: readonly string[] | undefined): void {
    for (const index of rowGroups) this.#fate(file, index, 'read');
    for (const column of columns ?? []) this.#columns.add(column);
  }

  answered(cost: ExplainedCost): void {
    this.#skipped += cost.skippedRowGroups;
    this.#matched += cost.matchedRows ?? 0;
    this.#hits += cost.cacheHits ?? 0;
    this.#misses += cost.cacheMisses ?? 0;
  }

  buffer(rows: number): void {
    this.#bufferRows += rows;
  }

  matched(rows: number): void {
    this.#matched += rows;
  }

  traces(counts: { readonly candidates?: number; readonly read?: number }): void {
    this.#candidates += counts.candidates ?? 0;
    this.#tracesRead += counts.read ?? 0;
  }

  /** Traces that an index was asked for. */
  lookedUp(traces: number): void {
    this.#lookedUp += traces;
  }

  stopped(reason: string): void {
    if (this.#earlyStop === '') this.#earlyStop = reason;
  }

  finish(files: readonly FileEntry[], query: Query | undefined): Explain {
    const counts = this.#count(files);
    return {
      query: query === undefined ? '' : printQuery(query),
      predicates: [...this.#predicates.values()],
      residual: query === undefined ? '' : residualOf(query),
      columns: [...this.#columns],
      ...counts,
      bufferRows: this.#bufferRows,
      rowsMatched: this.#matched,
      traces: { candidates: this.#candidates, read: this.#tracesRead },
      cache: { hits: this.#hits, misses: this.#misses },
      earlyStop: this.#earlyStop,
      stages: this.#allStages(files.length),
    };
  }

  #fate(file: FileEntry, index: number, fate: 'read' | PruneReason): void {
    let fates = this.#fates.get(file);
    if (!fates) this.#fates.set(file, (fates = new Map()));
    if (fates.get(index) !== 'read') fates.set(index, fate);
  }

  #addPredicates(condition: FieldExpression | null, files: readonly FileEntry[]): void {
    for (const predicate of predicatesOf(condition, files)) {
      const text = predicateText(predicate);
      if (this.#predicates.has(text)) continue;
      this.#predicates.set(text, { text, by: predicate.by, cost: predicate.cost });
    }
  }

  #count(files: readonly FileEntry[]): { files: PruneCount; rowGroups: PruneCount } {
    const ofFiles = new Counts();
    const ofRowGroups = new Counts();
    files.forEach((file, at) => {
      const { length } = file.rowGroups;
      const fates = this.#fates.get(file);
      const isRead = fates?.values().some((fate) => fate === 'read') ?? false;
      const code = this.#verdicts?.[at] ?? 0;
      if (!isRead && code > 0) {
        ofFiles.prune(PRUNE_REASONS[code - 1], 1);
        return ofRowGroups.prune(PRUNE_REASONS[code - 1], length);
      }
      const left = this.#unreadReason();
      let known = 0;
      for (const fate of fates?.values() ?? []) {
        known++;
        if (fate === 'read') ofRowGroups.read++;
        else ofRowGroups.prune(fate, 1);
      }
      ofRowGroups.prune(left, length - known);
      if (isRead) ofFiles.read++;
      else ofFiles.prune(known === length ? (firstOf(fates) ?? left) : left, 1);
    });
    const skipped = Math.min(this.#skipped, ofRowGroups.read);
    ofRowGroups.read -= skipped;
    ofRowGroups.prune('order', skipped);
    return { files: ofFiles.all(), rowGroups: ofRowGroups.all() };
  }

  #unreadReason(): Unread {
    if (this.#earlyStop !== '') return 'order';
    if (this.#stages.has('rollups')) return 'rollups';
    return this.#lookedUp > 0 ? 'trace index' : 'not needed';
  }

  #allStages(files: number): Explain['stages'] {
    const wholeMs = performance.now() - this.#began;
    const stages = [...this.#stages]
      .sort(([, a], [, b]) => a.beganMs - b.beganMs)
      .map(([name, { ms, times }]) => ({ name, ms: rounded(ms), detail: this.#detail(name, times, files) }));
    return [
      ...stages,
      { name: 'merge', ms: rounded(Math.max(0, wholeMs - this.#coveredMs)), detail: 'and all else between' },
    ];
  }

  #detail(name: StageName, times: number, files: number): string {
    switch (name) {
      case 'plan':
        return `statistics of ${counted(files, 'file')}${times > 1 ? `, ${times} times` : ''}`;
      case 'token filters':
        return `${counted(this.#tokensAsked, 'row group')} asked`;
      case 'trace index':
        return `${counted(this.#lookedUp, 'trace')} looked up`;
      case 'buffers':
        return `${counted(this.#bufferRows, 'row')} in memory`;
      case 'rollups':
        return 'figures kept with the files';
      case 'scan':
      case 'traces':
      case 'rows':
        return counted(times, 'job');
      case 'merge':
        return '';
    }
  }
}

/** As JobCost has it. */
interface ExplainedCost {
  readonly skippedRowGroups: number;
  readonly matchedRows?: number;
  readonly cacheHits?: number;
  readonly cacheMisses?: number;
}

class Counts {
  read = 0;
  readonly #pruned = new Map<Unread, number>();

  prune(reason: Unread, count: number): void {
    if (count > 0) this.#pruned.set(reason, (this.#pruned.get(reason) ?? 0) + count);
  }

  all(): PruneCount {
    const pruned = Object.fromEntries([...this.#pruned].sort(([, a], [, b]) => b - a));
    const considered = [...this.#pruned.values()].reduce((sum, count) => sum + count, this.read);
    return { considered, read: this.read, pruned };
  }
}

function firstOf(fates: RowGroupFates | undefined): PruneReason | undefined {
  const fate = fates?.values().next().value;
  return fate === 'read' ? undefined : fate;
}

/** What of a query a scan can't decide: what is more than a selector, and the parts that need the trace. */
export function residualOf({ expression }: Query): string {
  const sources = isMetrics(expression) ? sourcesOf(expression) : [expression];
  return [...new Set(sources.map(residualOfSpansets))].filter((text) => text !== '').join(', ');
}

function sourcesOf(expression: MetricsExpression | Literal): readonly SpansetExpression[] {
  switch (expression.kind) {
    case 'literal':
      return [];
    case 'metrics':
      return [expression.source];
    case 'metrics calculation':
      return [...sourcesOf(expression.left), ...sourcesOf(expression.right)];
  }
}

function residualOfSpansets(expression: SpansetExpression): string {
  if (expression.kind !== 'filter') return printSpansets(expression);
  const { condition } = expression;
  if (condition === null || !analyse(condition).needsTrace) return '';
  return conjuncts(condition)
    .filter((part) => analyse(part).needsTrace)
    .map(printExpression)
    .join(' && ');
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
