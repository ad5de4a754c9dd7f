/** Carries out a job on one Parquet file: what a reader worker does between two messages. */
import type { Block } from '../../../../span/vector.ts';
import { traceIndexFromFile } from '../../files/rebuild-trace-index.ts';
import { columnOf } from '../scan/cells.ts';
import { run as comparison } from '../numbers/comparison-job.ts';
import { runCallRows, runCalls } from '../statistics/dependencies-job.ts';
import { ExtentsScan } from '../search/extents.ts';
import { scanGroups } from '../statistics/groups.ts';
import { JobRun } from './job-run.ts';
import type { JobContext } from './job-run.ts';
import type {
  ExtentsJob,
  Job,
  JobResult,
  JobValues,
  SearchJob,
  SlimJob,
  SpansJob,
  TraceRulesJob,
  ValuesJob,
} from './jobs.ts';
import { run as facets } from '../numbers/facets-job.ts';
import { run as heatmap } from '../numbers/heatmap-job.ts';
import { run as ids } from '../numbers/metrics-ids-job.ts';
import { run as series } from '../numbers/metrics-job.ts';
import { compareRanks, rankMasks } from '../scan/row-key.ts';
import { KEY_COLUMNS, Selection, offerRows, wouldTake } from '../scan/scan.ts';
import { concatSlim, slimRows } from '../search/slim-rows.ts';
import type { SlimRows } from '../search/slim-rows.ts';
import { packedRows } from '../scan/packed-rows.ts';
import { pickSpansetRows, scanSpansets } from '../spansets/scan.ts';
import { TextCache } from '../scan/texts.ts';
import { TopRows } from '../scan/top-rows.ts';
import { TraceRulesScan } from '../search/trace-rules.ts';
import { ValueCounts } from '../numbers/value-counts.ts';
import { countValues } from '../numbers/values.ts';

/** Rows are sent on in parts: the blocks of so many, some 5 MB, are cloned in a few milliseconds. */
const ROWS_PER_MESSAGE = 16_384;

export async function runJob(job: Job, context: JobContext): Promise<JobResult> {
  const run = new JobRun(job, context);
  const value = await valueOf(job, run);
  return { value, cost: run.cost() };
}

function valueOf(job: Job, run: JobRun): Promise<JobValues[Job['kind']]> {
  switch (job.kind) {
    case 'search':
      return search(job, run);
    case 'spans':
      return spans(job, run);
    case 'slim':
      return slim(job, run);
    case 'extents':
      return extents(job, run);
    case 'calls':
      return runCalls(job, run);
    case 'call rows':
      return runCallRows(job, run);
    case 'groups':
      return scanGroups(job, run);
    case 'values':
      return values(job, run);
    case 'series':
      return series(job, run);
    case 'ids':
      return ids(job, run);
    case 'heatmap':
      return heatmap(job, run);
    case 'facets':
      return facets(job, run);
    case 'comparison':
      return comparison(job, run);
    case 'trace rules':
      return traceRules(job, run);
    case 'traceIndex':
      return run.context.foreign().then((reader) => traceIndexFromFile(reader, job.path));
    case 'spansets':
      return scanSpansets(job, run);
    case 'spanset rows':
      return pickSpansetRows(job, run);
  }
}

async function search(job: SearchJob, run: JobRun): Promise<JobValues['search']> {
  const top = new TopRows(job.limit, job.after, job.without);
  for (const { index, best } of job.rowGroups) {
    const worst = top.worst ?? job.worst;
    if (worst && compareRanks(best, worst) > 0) {
      run.countSkipped(1);
      top.more = true;
      continue;
    }
    await searchRowGroup(job, run, index, top);
  }
  return top.sorted();
}

/** Ids are the widest columns: they are read only for pages of which a row would be taken. */
async function searchRowGroup(job: SearchJob, run: JobRun, rowGroup: number, top: TopRows): Promise<void> {
  const { filter, order } = job;
  const rank = rankMasks(order).column;
  const columns = [rank, ...KEY_COLUMNS];
  const direction = order === 'newest' ? 'descending' : 'ascending';
  await run.visit(rowGroup, filter, columns, direction, (source, selected, from, to) => {
    source.load([rank], from, to);
    const { words } = columnOf(source.block([rank]), rank, 'int64');
    if (!wouldTake(top, order, words, selected, from, to)) return;
    source.load(KEY_COLUMNS, from, to);
    const keys = source.block(KEY_COLUMNS);
    offerRows(top, order, { selected, words, keys, group: rowGroup }, from, to);
  });
}

async function spans(job: SpansJob, run: JobRun): Promise<JobValues['spans']> {
  let parts: Block[] = [];
  let rowsOfParts = 0;
  const add = (block: Block) => {
    parts.push(block);
    rowsOfParts += block.rows;
    if (rowsOfParts < ROWS_PER_MESSAGE) return;
    run.context.sendParts(parts);
    parts = [];
    rowsOfParts = 0;
  };
  for (const pick of job.picks) {
    const block = run.points(pick);
    if (block) {
      add(block);
      continue;
    }
    await run.eachPick(pick, (rowGroup, rows) => {
      const columns = [...rowGroup.columns.keys()];
      for (let from = 0; from < rows.length; from += ROWS_PER_MESSAGE) {
        add(packedRows(rowGroup, rows.subarray(from, from + ROWS_PER_MESSAGE), columns));
      }
    });
  }
  return parts;
}

async function slim(job: SlimJob, run: JobRun): Promise<JobValues['slim']> {
  const parts: SlimRows[] = [];
  for (const pick of job.picks) {
    await run.eachPick(pick, (block, rows, from) => {
      parts.push(slimRows(block, job.filter, rows, { rowGroup: pick.rowGroup, from }));
    });
  }
  return concatSlim(parts);
}

async function extents(job: ExtentsJob, run: JobRun): Promise<JobValues['extents']> {
  const scan = new ExtentsScan();
  for (const rowGroup of job.rowGroups) {
    await run.each(rowGroup, (block) => {
      scan.add(block, new Selection(block, job.filter), 0, block.rows);
    });
  }
  return scan.extents();
}

async function traceRules(job: TraceRulesJob, run: JobRun): Promise<JobValues['trace rules']> {
  const scan = new TraceRulesScan(job.filters);
  for (const rowGroup of job.rowGroups) await run.each(rowGroup, (block) => scan.add(block));
  return scan.result();
}

async function values(job: ValuesJob, run: JobRun): Promise<JobValues['values']> {
  const counts = new ValueCounts(job.prefix);
  for (const rowGroup of job.rowGroups) {
    await run.scan(rowGroup, job.filter, job.columns ?? [], (block) => {
      const texts = new TextCache();
      return (selected, from, to) => countValues(block, job.field, { selected, from, to, texts }, counts);
    });
  }
  return { values: counts.all(), full: counts.full };
}
