/** `spanlake import`: spans from files into a folder or to a server. */
import { UsageError } from '../command-line.ts';
import { dataFlag, spanLimitFlags, toSpanLimits } from '../config.ts';
import { DemoError } from '../demo/sender.ts';
import { DEFAULT_PROJECT } from '../store/catalog.ts';
import { tellNewFolder } from './catalog.ts';
import type { SpanLimits } from '../span/span-limits.ts';
import { CommandError } from './command.ts';
import type { Command, Output } from './command.ts';
import { Import } from './importing/run.ts';
import { folderSink, serverSink } from './importing/sinks.ts';
import type { Sink } from './importing/sinks.ts';
import { Progress, quietFlag } from './progress.ts';
import { projectFlag } from './range.ts';

const optional = (text: string) => (text === '' ? undefined : text);

const flags = {
  data: dataFlag,
  to: {
    placeholder: 'URL',
    fallback: '',
    help: 'a running server to send to, instead of a folder',
    argumentOnly: true,
    parse: optional,
  },
  token: {
    placeholder: 'TOKEN',
    fallback: '',
    help: 'ingest token of that server, where it wants one',
    parse: optional,
  },
  project: projectFlag,
  ...spanLimitFlags,
  quiet: quietFlag,
};

/** Of the lines that name what could not be used. */
const MAX_TOLD = 20;

export const importCommand: Command<typeof flags> = {
  flags,
  notes: `Reads OTLP/JSON (lines or one document), OTLP protobuf (one request, or each with its length before it as the
OpenTelemetry Collector's file exporter writes them) and Parquet that Spanlake wrote, each also as gzip or zstd.
What was imported before and comes again as the same requests is not kept twice. Exit 1 when something could
not be used; the rest was taken.

Examples:
  spanlake import traces.jsonl more.jsonl.gz
  spanlake import --project shop data/lake/project=shop/date=2026-01-31/*.parquet
  zstd -dc old.zst | spanlake import --to http://localhost:4318 --token TOKEN -`,
  async run({ data, to, token, project, quiet, ...limits }, files, output) {
    if (to !== undefined && project !== DEFAULT_PROJECT) {
      throw new UsageError('with --to the token decides the project: leave --project out');
    }
    const progress = new Progress('importing', { quiet, unit: 'spans' }, output);
    const tell = limited((line) => {
      progress.clear();
      output.err(line);
    });
    const sink = await openSink({ data, to, token, project, spanLimits: toSpanLimits(limits) }, tell, output);
    const run = new Import(sink, tell, (spans) => progress.show(spans));
    try {
      for (const file of files) await run.file(file);
    } finally {
      progress.clear();
      await sink.close();
    }
    const { spans, rejected, repeated, broken } = run.account;
    const details = [
      ...(rejected > 0 ? [`${rejected} rejected`] : []),
      ...(repeated > 0 ? [`${repeated} requests were there before`] : []),
      ...(broken > 0 ? [`${broken} lines or files could not be used`] : []),
    ];
    output.out([`${spans.toLocaleString('en')} spans taken`, ...details].join(', '));
    return broken + rejected === 0 ? 0 : 1;
  },
};

interface Target {
  readonly data: string;
  readonly to: string | undefined;
  readonly spanLimits: SpanLimits;
  readonly token: string | undefined;
  readonly project: string;
}

async function openSink(target: Target, tell: (problem: string) => void, output: Output): Promise<Sink> {
  const { data, to, token, project, spanLimits } = target;
  if (to === undefined) {
    tellNewFolder(data, output);
    return folderSink(data, project, spanLimits, tell);
  }
  try {
    return serverSink(to, token);
  } catch (error) {
    throw error instanceof DemoError ? new CommandError(error.message) : error;
  }
}

/** The first so many, and that there are more. */
function limited(tell: (line: string) => void): (line: string) => void {
  let told = 0;
  return (line) => {
    if (++told < MAX_TOLD) tell(line);
    else if (told === MAX_TOLD) tell(`${line} (more are counted, not told)`);
  };
}
