/** The traces of row groups judged where they stand: in a reader worker. */
import type { Block } from '../../../../span/vector.ts';
import { BOUND, analyseSpansets, clausesOf, needTest } from '../../../../traceql/spansets-analysis.ts';
import type { SpansetAnalysis } from '../../../../traceql/spansets-analysis.ts';
import { spansOf } from '../../../../traceql/spanset.ts';
import { spansetsOf } from '../../../../traceql/spansets.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { columnOf } from '../scan/cells.ts';
import type { JobRun } from '../workers/job-run.ts';
import { compareRanks, rankMasks } from '../scan/row-key.ts';
import type { Filter } from '../scan/scan.ts';
import { SpansetAnswer } from './answer.ts';
import { packedRows } from '../scan/packed-rows.ts';
import type { PickedRows, SpansetJob, SpansetRowGroup, SpansetRowsJob, SpansetsFound } from './jobs.ts';
import { TraceRuns } from './runs.ts';
import type { Candidate } from './runs.ts';
import { WholeTraces } from './traces.ts';
import { Selection } from '../scan/scan.ts';

const ALL_TIME: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };

/** Traces judged between two breaks of the worker, and before it is looked whether more are needed. */
const FIRST_BATCH = 256;
const MAX_BATCH = 2048;

export async function scanSpansets(job: SpansetJob, run: JobRun): Promise<SpansetsFound> {
  const scan = new SpansetScan(job, run);
  for (const rowGroup of job.rowGroups) await scan.rowGroup(rowGroup);
  return scan.answer.found();
}

export function filtersOf({ probes }: SpansetAnalysis, range: TimeRange): Filter[] {
  return probes.map(({ condition, inRange }) => ({ condition, range: inRange ? range : ALL_TIME }));
}

interface Probed {
  readonly bits: Uint32Array;
  /** Of rows that satisfy the bound, high word first. */
  readonly ranks: Uint32Array;
  /** All bits together. */
  found: number;
}

class SpansetScan {
  readonly analysis: SpansetAnalysis;
  readonly answer: SpansetAnswer;
  readonly #filters: readonly Filter[];
  readonly #isNeeded: (bits: number) => boolean;
  readonly #clauses: readonly (readonly number[])[];
  readonly #rankOrder: SearchOrder;

  constructor(
    readonly job: SpansetJob,
    readonly run: JobRun,
  ) {
    this.analysis = analyseSpansets(job.expression);
    this.answer = new SpansetAnswer(job.wanted);
    this.#filters = filtersOf(this.analysis, job.range);
    const isMet = needTest(this.analysis.need);
    this.#isNeeded = (bits) => ((bits >>> BOUND) & 1) === 1 && isMet(bits);
    this.#clauses = clausesOf(this.analysis.need);
    this.#rankOrder = job.wanted.kind === 'spans' ? job.wanted.order : 'newest';
  }

  async rowGroup({ index, judge, best }: SpansetRowGroup): Promise<void> {
    if (this.answer.refuses(best)) {
      this.run.countSkipped(1);
      return;
    }
    const probed = await this.#probe(index, judge);
    if (!probed) return;
    const { job, run } = this;
    const runs = new TraceRuns(probed.bits, probed.ranks, job.report);
    const all: Filter = { condition: null, range: ALL_TIME };
    await run.visit(index, all, ['trace_id'], 'ascending', (source, _, from, to) => {
      if (!runs.needs(from, to)) return;
      source.load(['trace_id'], from, to);
      runs.add(columnOf(source.block(['trace_id']), 'trace_id', 'fixed').bytes, from, to);
    });
    const ends = { isFirst: index === 0, isLast: index === job.rowGroupCount - 1 };
    const { minimum } = this.analysis;
    const { candidates, open } = runs.split(
      ends,
      job.shared,
      (bits, first, end) => this.#isNeeded(bits) && runs.hasBounded(minimum, first, end),
    );
    const isRanked = job.report === 1 << BOUND;
    for (const trace of open)
      if (!isRanked || !this.answer.refuses(trace.best)) this.answer.addOpen(trace, isRanked);
    if (judge) await this.#judge(index, probed.bits, candidates);
  }

  /** Undefined when no row satisfies a probe that is reported: then nothing is to be told of the row group. */
  async #probe(rowGroup: number, judge: boolean): Promise<Probed | undefined> {
    const isReported = (probe: number) => ((this.job.report >>> probe) & 1) === 1;
    const probes = this.#filters.map((_, probe) => probe);
    let probed: Probed | undefined;
    for (const probe of probes.filter(isReported)) probed = await this.#probeOne(rowGroup, probe, probed);
    if (!probed || !judge) return probed;
    const left = new Set(probes.filter((probe) => !isReported(probe)));
    for (const probe of left) {
      if (!this.#mayMatch(probed.found, left)) break;
      await this.#probeOne(rowGroup, probe, probed);
      left.delete(probe);
    }
    return probed;
  }

  /** False when a clause is known to have no row. */
  #mayMatch(found: number, unknown: ReadonlySet<number>): boolean {
    return this.#clauses.every((clause) =>
      clause.some((probe) => unknown.has(probe) || ((found >>> probe) & 1) === 1),
    );
  }

  async #probeOne(rowGroup: number, probe: number, known: Probed | undefined): Promise<Probed | undefined> {
    const rank = rankMasks(this.#rankOrder);
    const columns = [rank.column, ...this.job.probeColumns[probe]];
    let probed = known;
    await this.run.visit(
      rowGroup,
      this.#filters[probe],
      columns,
      'ascending',
      (source, selected, from, to) => {
        probed ??= { bits: new Uint32Array(source.rows), ranks: new Uint32Array(source.rows * 2), found: 0 };
        probed.found |= 1 << probe;
        const { bits, ranks } = probed;
        for (let row = from; row < to; row++) if (selected[row] === 1) bits[row] |= 1 << probe;
        if (probe !== BOUND) return;
        source.load([rank.column], from, to);
        const { words } = columnOf(source.block([rank.column]), rank.column, 'int64');
        for (let row = from; row < to; row++) {
          if (selected[row] === 0) continue;
          ranks[row * 2] = (words[row * 2 + 1] ^ rank.high) >>> 0;
          ranks[row * 2 + 1] = (words[row * 2] ^ rank.low) >>> 0;
        }
      },
    );
    return probed;
  }

  async #judge(rowGroup: number, bits: Uint32Array, candidates: readonly Candidate[]): Promise<void> {
    const { answer, run } = this;
    const ordered = answer.isRanked
      ? candidates.toSorted((a, b) => compareRanks(a.best, b.best))
      : candidates;
    let size = FIRST_BATCH;
    for (let at = 0; at < ordered.length; at += size, size = Math.min(size * 2, MAX_BATCH)) {
      const batch = ordered.slice(at, at + size).filter(({ best }) => !answer.refuses(best));
      if (batch.length === 0) continue;
      batch.sort((a, b) => a.from - b.from);
      const { rows, traces } = rowsOf(batch);
      let judging: (() => void) | undefined;
      await run.eachPick({ rowGroup, rows }, (block, inBlock, from) => {
        const own = { block, rows: inBlock, traces, bits: rows.map((row) => bits[row]) };
        judging ??= this.#judging(
          rowGroup,
          batch,
          new WholeTraces([own], batch.length, this.job.range),
          from,
        );
        judging();
      });
    }
  }

  /** Broken off in the middle of a match, it goes on with the trace at which it was. */
  #judging(rowGroup: number, batch: readonly Candidate[], table: WholeTraces, from: number): () => void {
    const { answer, analysis } = this;
    let at = 0;
    return () => {
      for (; at < batch.length; at++) {
        const { traceId, best } = batch[at];
        const trace = table.trace(at, analysis);
        if (answer.refusesTrace(trace, best)) continue;
        const spans = spansOf(spansetsOf(analysis.expression, trace));
        if (spans.length > 0) answer.add(trace, spans, { traceId, best, rowGroup, from });
      }
      answer.endBatch(table);
    };
  }
}

/** Rows of ascending candidates, and the number of the candidate that each belongs to. */
function rowsOf(candidates: readonly Candidate[]): { rows: Uint32Array; traces: Uint32Array } {
  const count = candidates.reduce((sum, { from, to }) => sum + to - from, 0);
  const rows = new Uint32Array(count);
  const traces = new Uint32Array(count);
  let at = 0;
  candidates.forEach(({ from, to }, i) => {
    for (let row = from; row < to; row++) {
      rows[at] = row;
      traces[at++] = i;
    }
  });
  return { rows, traces };
}

export async function pickSpansetRows(job: SpansetRowsJob, run: JobRun): Promise<PickedRows[]> {
  const filters = filtersOf(analyseSpansets(job.expression), job.range);
  const picked: PickedRows[] = [];
  for (const { rowGroup, rows } of job.picks) {
    await run.eachPick({ rowGroup, rows }, (block, inBlock) => {
      const bits = bitsOf(block, inBlock, filters);
      picked.push({ block: packedRows(block, inBlock, job.kept), bits, rowGroup, rows });
    });
  }
  return picked;
}

/** Which probes these rows of a block satisfy. Neighbouring rows are filtered as one. */
export function bitsOf(block: Block, rows: Uint32Array, filters: readonly Filter[]): Uint32Array {
  const bits = new Uint32Array(rows.length);
  filters.forEach((filter, probe) => {
    const selection = new Selection(block, filter);
    for (let i = 0; i < rows.length;) {
      let end = i + 1;
      while (end < rows.length && rows[end] === rows[end - 1] + 1) end++;
      const selected = selection.select(rows[i], rows[end - 1] + 1);
      for (; i < end; i++) bits[i] |= selected[rows[i]] << probe;
    }
  });
  return bits;
}
