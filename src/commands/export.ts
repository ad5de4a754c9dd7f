/** `spanlake export`: spans that match, oldest first, as OTLP/JSON lines or as one Parquet file. */
import { renameSync, rmSync } from 'node:fs';
import { UsageError } from '../command-line.ts';
import type { Flag } from '../command-line.ts';
import { dataFlag } from '../config.ts';
import { encodeTracesJson } from '../otlp/encode.ts';
import type { Span } from '../span/span.ts';
import { CatalogError } from '../store/catalog.ts';
import { ReadOnlyLake } from '../store/lake/read-only.ts';
import { SpanFileWriter } from '../store/lake/check/span-file.ts';
import type { TimeRange } from '../store/span-store.ts';
import type { Query } from '../traceql/ast.ts';
import { dataArgument } from './catalog.ts';
import { CommandError } from './command.ts';
import type { Command, ExitCode, Output } from './command.ts';
import { ByteSink, ClosedPipeError } from './byte-sink.ts';
import { Progress, quietFlag } from './progress.ts';
import { projectFlag, queryOf, queryProblem, rangeFlags, rangeOf } from './range.ts';

const FORMATS = ['otlp-json', 'parquet'] as const;
type Format = (typeof FORMATS)[number];

const formatFlag: Flag<Format> = {
  placeholder: FORMATS.join('|'),
  fallback: 'otlp-json',
  help: 'lines of ExportTraceServiceRequest as JSON, or one Parquet file',
  argumentOnly: true,
  parse: (text) => {
    const format = FORMATS.find((known) => known === text);
    if (format === undefined) throw new Error(`is not one of ${FORMATS.join(', ')}`);
    return format;
  },
};

const flags = {
  data: dataFlag,
  project: projectFlag,
  ...rangeFlags,
  format: formatFlag,
  output: {
    placeholder: 'FILE|-',
    fallback: '-',
    help: 'where to; - is the standard output',
    argumentOnly: true,
    parse: (text: string) => text,
  },
  quiet: quietFlag,
};

/** Of a page of a search: some 20 MB of spans in memory. */
const PAGE_SPANS = 10_000;
/** Of a line of JSON: some 300 kB. */
const LINE_SPANS = 500;
/** One page may have to look through all files. */
const PAGE_LIMIT_MS = 30 * 60_000;

export const exportCommand: Command<typeof flags> = {
  flags,
  notes: `Reads the folder beside the server, or a backup. OTLP/JSON lines are what the OpenTelemetry Collector's file
exporter writes and \`spanlake import\` reads. Exit 1 when files that can't be read made it incomplete.

Examples:
  spanlake export --since 1h > last-hour.jsonl
  spanlake export '{ status = error }' --start 2026-01-31 --output errors.jsonl
  spanlake export '{ resource.service.name = "checkout" }' --format parquet --output checkout.parquet`,
  async run(values, [text = '{}'], output) {
    const { data, project, format, output: target, quiet } = values;
    const query = queryOf(text);
    const range = rangeOf(values, BigInt(Date.now()) * 1_000_000n);
    if (target === '-' && format === 'parquet' && process.stdout.isTTY) {
      throw new UsageError('Parquet is nothing for a terminal: give --output FILE');
    }
    const lake = await openFolder(data);
    try {
      if (!lake.hasProject(project)) {
        throw new CommandError(
          `there is no project ${project}; see: spanlake project list${dataArgument(data)}`,
        );
      }
      return await exportSpans({ lake, project, query, range, format, target, quiet }, output);
    } catch (error) {
      throw queryProblem(error, text);
    } finally {
      await lake.close();
    }
  },
};

async function openFolder(dataDir: string): Promise<ReadOnlyLake> {
  try {
    return await ReadOnlyLake.open({ dataDir, timeLimitMs: PAGE_LIMIT_MS });
  } catch (error) {
    if (error instanceof CatalogError)
      throw new CommandError(`${error.message}; choose a folder with --data`);
    throw error;
  }
}

interface Job {
  readonly lake: ReadOnlyLake;
  readonly project: string;
  readonly query: Query;
  readonly range: TimeRange;
  readonly format: Format;
  readonly target: string;
  readonly quiet: boolean;
}

async function exportSpans(job: Job, output: Output): Promise<ExitCode> {
  // Under its name a file is whole.
  const path = job.target === '-' ? undefined : `${job.target}.part`;
  const sink = ByteSink.open(path);
  const progress = new Progress('exporting', { quiet: job.quiet, unit: 'spans' }, output);
  const problems = new Set(job.lake.problems);
  let spans = 0;
  try {
    const encoder = encoderOf(job.format, (bytes) => sink.write(bytes));
    for await (const page of pagesOf(job, problems)) {
      encoder.add(page);
      spans += page.length;
      await sink.drained();
      progress.show(spans);
    }
    encoder.finish();
    await sink.close();
    if (path !== undefined) renameSync(path, job.target);
  } catch (error) {
    if (path !== undefined) rmSync(path, { force: true });
    // As `spanlake export | head` leaves it.
    if (error instanceof ClosedPipeError) return 0;
    throw error;
  } finally {
    progress.clear();
  }
  for (const problem of problems) output.err(`incomplete: ${problem}`);
  if (!job.quiet) output.err(`${spans.toLocaleString('en')} spans`);
  return problems.size === 0 ? 0 : 1;
}

async function* pagesOf(job: Job, problems: Set<string>): AsyncGenerator<readonly Span[]> {
  const { lake, project, query, range } = job;
  let cursor: string | undefined;
  do {
    const page = await lake.searchSpans(project, {
      query,
      range,
      order: 'oldest',
      limit: PAGE_SPANS,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (page.complete !== true) {
      for (const path of page.complete.skipped) problems.add(path);
      if (page.complete.skipped.length === 0) problems.add(page.complete.reason);
    }
    if (page.spans.length > 0) yield page.spans;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

interface Encoder {
  add(spans: readonly Span[]): void;
  finish(): void;
}

function encoderOf(format: Format, write: (bytes: Uint8Array) => void): Encoder {
  switch (format) {
    case 'parquet':
      return new SpanFileWriter(write);
    case 'otlp-json': {
      const text = new TextEncoder();
      return {
        add(spans) {
          for (let from = 0; from < spans.length; from += LINE_SPANS) {
            const line = JSON.stringify(encodeTracesJson(spans.slice(from, from + LINE_SPANS)));
            write(text.encode(`${line}\n`));
          }
        },
        finish() {},
      };
    }
  }
}
