/** Asks page by page and writes what comes, in the format that was asked for. */
import { formatDuration, formatTime } from '../span/time.ts';
import type { SearchOrder } from '../store/span-store.ts';
import type { MetricsExpression } from '../traceql/ast.ts';
import { metricUnit } from '../traceql/metric-unit.ts';
import type { ExitCode, Output } from './command.ts';
import { csvLine } from './csv.ts';
import type { Covered, MetricsAnswer, PageAnswer } from './query-answers.ts';
import { explainLines } from './query-explain.ts';
import {
  seriesCsv,
  seriesJsonLine,
  seriesTable,
  spanCsv,
  spanCsvHead,
  spanTable,
  TRACE_CSV_HEAD,
  traceCsv,
  traceTable,
} from './query-formats.ts';
import type { Width } from './query-formats.ts';
import type { Source } from './query-source.ts';
import { safeJson, safeText } from './terminal.ts';

export interface Asked {
  readonly source: Source;
  /** Query and range. */
  readonly params: URLSearchParams;
  readonly limit: number;
  readonly order: SearchOrder | undefined;
  readonly step: string | undefined;
  readonly explain: boolean;
  readonly format: 'table' | 'json' | 'csv';
  /** Of the terminal; undefined where there is none. */
  readonly width: Width;
  /** Attributes that the query selects: columns of their own. */
  readonly fields: readonly string[];
}

/** Some 2 MB of JSON; a search for more asks again. */
const PAGE_ROWS = 1000;
/** Lines between two looks at whether the reader keeps up. */
const LINES_AT_ONCE = 1000;

/** How rows of one kind are written. */
interface Rows<T> {
  readonly path: string;
  readonly what: string;
  readonly of: (page: PageAnswer) => readonly T[];
  readonly table: (rows: readonly T[]) => string[];
  readonly csvHead: readonly string[];
  readonly csv: (row: T) => string[];
}

export function askSpans(asked: Asked, output: Output): Promise<ExitCode> {
  const { fields, width } = asked;
  return askRows(asked, output, {
    path: '/spans',
    what: 'span',
    of: ({ spans = [] }) => spans,
    table: (rows) => spanTable(rows, fields, width),
    csvHead: spanCsvHead(fields),
    csv: (row) => spanCsv(row, fields),
  });
}

export function askTraces(asked: Asked, output: Output): Promise<ExitCode> {
  return askRows(asked, output, {
    path: '/traces',
    what: 'trace',
    of: ({ traces = [] }) => traces,
    table: (rows) => traceTable(rows, asked.width),
    csvHead: TRACE_CSV_HEAD,
    csv: traceCsv,
  });
}

async function askRows<T>(asked: Asked, output: Output, rows: Rows<T>): Promise<ExitCode> {
  const { format, limit } = asked;
  const lines = new Lines(asked, output);
  const problems = new Set(asked.source.problems);
  const kept: T[] = [];
  let count = 0;
  let more = false;
  if (format === 'csv') await lines.csv(rows.csvHead);
  for await (const page of pagesOf(asked, rows.path)) {
    const found = rows.of(page);
    count += found.length;
    for (const row of found) {
      if (format === 'table') kept.push(row);
      else if (format === 'json') await lines.json(row);
      else await lines.csv(rows.csv(row));
    }
    if (page.explain !== undefined) explainLines(page.explain).forEach((line) => output.err(line));
    const goesOn = page.nextCursor !== undefined && count < limit;
    more = page.nextCursor !== undefined;
    // What one page had no time for, the next has.
    noteIncomplete(page, problems, goesOn);
  }
  if (format === 'table' && kept.length > 0) for (const line of rows.table(kept)) await lines.write(line);
  await lines.done();
  const what = `${count.toLocaleString('en-US')} ${rows.what}${count === 1 ? '' : 's'}`;
  return finish(
    count === 0 ? `no ${rows.what} matches` : more ? `${what}; there may be more: --limit` : what,
    {
      problems,
      output,
    },
  );
}

async function* pagesOf(asked: Asked, path: string): AsyncGenerator<PageAnswer> {
  const params = new URLSearchParams(asked.params);
  if (asked.order !== undefined) params.set('order', asked.order);
  let left = asked.limit;
  for (let first = true; left > 0; first = false) {
    params.set('limit', String(Math.min(left, PAGE_ROWS)));
    if (asked.explain && first) params.set('explain', 'true');
    else params.delete('explain');
    const page = (await asked.source.get(path, params)) as PageAnswer;
    yield page;
    left -= (page.spans ?? page.traces ?? []).length;
    if (page.nextCursor === undefined) return;
    params.set('cursor', page.nextCursor);
  }
}

export async function askMetrics(
  asked: Asked,
  expression: MetricsExpression,
  output: Output,
): Promise<ExitCode> {
  const params = new URLSearchParams(asked.params);
  params.set('limit', String(asked.limit));
  if (asked.step !== undefined) params.set('step', asked.step);
  if (asked.explain) params.set('explain', 'true');
  const answer = (await asked.source.get('/metrics', params)) as MetricsAnswer;
  const lines = new Lines(asked, output);
  switch (asked.format) {
    case 'json':
      for (const series of answer.series) await lines.write(seriesJsonLine(answer, series));
      break;
    case 'csv': {
      const csv = seriesCsv(answer);
      await lines.csv(csv.head);
      for (const cells of csv.lines()) await lines.csv(cells);
      break;
    }
    case 'table':
      if (answer.series.length === 0) break;
      for (const line of seriesTable(answer, metricUnit(expression), asked.width)) await lines.write(line);
      break;
  }
  await lines.done();
  if (answer.explain !== undefined) explainLines(answer.explain).forEach((line) => output.err(line));
  const problems = new Set(asked.source.problems);
  noteIncomplete(answer, problems, false);
  return finish(metricsSummary(answer), { problems, output });
}

function metricsSummary({ series, buckets, startUnixNano, stepNano }: MetricsAnswer): string {
  if (series.length === 0) return 'no span matches';
  const start = BigInt(startUnixNano);
  const end = start + BigInt(buckets) * BigInt(stepNano);
  const clock = (time: bigint): string => formatTime(time).replace('T', ' ').slice(0, 19);
  const step = formatDuration(BigInt(stepNano));
  return `${series.length} series, ${buckets} x ${step}, ${clock(start)} to ${clock(end)} UTC`;
}

function noteIncomplete({ complete }: Covered, problems: Set<string>, goesOn: boolean): void {
  if (complete === true) return;
  for (const path of complete.skipped) problems.add(path);
  if (complete.skipped.length === 0 && !goesOn) problems.add(complete.reason);
}

function finish(
  summary: string,
  { problems, output }: { readonly problems: ReadonlySet<string>; readonly output: Output },
): ExitCode {
  for (const problem of problems) output.err(`incomplete: ${safeText(problem)}`);
  output.err(summary);
  return problems.size === 0 ? 0 : 1;
}

/** Lines to the standard output, no faster than they are read. */
class Lines {
  #waiting = 0;

  constructor(
    private readonly asked: Asked,
    private readonly output: Output,
  ) {}

  json(value: unknown): Promise<void> {
    return this.write(safeJson(value));
  }

  /** Into a file or pipe the cells are as they are; a terminal must not act on them. */
  csv(cells: readonly string[]): Promise<void> {
    return this.write(csvLine(this.asked.width === undefined ? cells : cells.map(safeText)));
  }

  async write(line: string): Promise<void> {
    this.output.out(line);
    if (++this.#waiting % LINES_AT_ONCE === 0) await this.done();
  }

  async done(): Promise<void> {
    await this.output.drained?.();
  }
}
