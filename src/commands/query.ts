/** `spanlake query`: a TraceQL query asked from a shell, of a server or of a folder. */
import { resolve } from 'node:path';
import { UsageError } from '../command-line.ts';
import type { Flag, FlagValues } from '../command-line.ts';
import { selectedFields } from '../http/api/query-kind.ts';
import { END_OF_TIME, formatTime, parseDuration } from '../span/time.ts';
import { PROJECT_ID } from '../store/catalog.ts';
import type { SearchOrder } from '../store/span-store.ts';
import type { MetricsExpression, Query } from '../traceql/ast.ts';
import { isMetrics } from '../traceql/query.ts';
import { ClosedPipeError } from './byte-sink.ts';
import { CommandError } from './command.ts';
import type { Command, ExitCode, Output } from './command.ts';
import { askMetrics, askSpans, askTraces } from './query-ask.ts';
import type { Asked } from './query-ask.ts';
import { ApiProblem, folderSource, serverSource } from './query-source.ts';
import type { Source } from './query-source.ts';
import { positioned, queryOf, rangeFlags, rangeOf } from './range.ts';
import { safeText } from './terminal.ts';

const DEFAULT_URL = 'http://127.0.0.1:4318';
/** A table of more lines nobody reads; programs can read more in several ranges. */
const MOST_ROWS = 1_000_000;

const ORDERS: readonly SearchOrder[] = ['newest', 'oldest', 'slowest'];

/** A switch or value that says what to do, not how to run: it has no variable. */
function argument<T>(placeholder: string, help: string, parse: (text: string) => T): Flag<T | undefined> {
  return {
    placeholder,
    fallback: '',
    help,
    argumentOnly: true,
    parse: (text) => (text === '' ? undefined : parse(text)),
  };
}

function argumentSwitch(help: string): Flag<boolean> {
  return { help, fallback: 'false', argumentOnly: true, parse: (text) => text === 'true' };
}

const flags = {
  ...rangeFlags,
  limit: {
    placeholder: 'N',
    fallback: '20',
    help: 'spans, traces or series, at most',
    argumentOnly: true,
    parse: (text: string) => {
      if (!/^\d{1,7}$/.test(text) || Number(text) < 1 || Number(text) > MOST_ROWS)
        throw new Error(`is no number from 1 to ${MOST_ROWS}`);
      return Number(text);
    },
  },
  order: argument(ORDERS.join('|'), 'what comes first; newest, unless told', (text): SearchOrder => {
    const order = ORDERS.find((known) => known === text);
    if (order === undefined) throw new Error(`is not one of ${ORDERS.join(', ')}`);
    return order;
  }),
  traces: argumentSwitch('whole traces that have a match, instead of spans'),
  step: argument('TIME', 'length of a bucket of a metrics query; a round one, unless told', (text) => {
    const step = parseDuration(text);
    if (step === null || step <= 0n) throw new Error('is no length of time, as 15s or 1m');
    return text;
  }),
  json: argumentSwitch('one JSON object a line, as the API writes a span, trace or series'),
  csv: argumentSwitch('CSV with a head'),
  explain: argumentSwitch('also tell, on stderr, how the answer was come by'),
  url: {
    placeholder: 'URL',
    fallback: '',
    help: `server to ask; ${DEFAULT_URL}, unless told`,
    parse: parseUrl,
  } satisfies Flag<string | undefined>,
  token: {
    placeholder: 'TOKEN',
    fallback: '',
    help: 'read token, where the server wants one',
    parse: (text: string) => (text === '' ? undefined : text),
  } satisfies Flag<string | undefined>,
  data: argument('DIR', 'ask this data folder, not a server; one may run on it meanwhile', (text) =>
    resolve(text),
  ),
  project: argument('PROJECT', 'with --data: whose spans; default, unless told', (text) => {
    if (!PROJECT_ID.test(text)) throw new Error('is no name of a project');
    return text;
  }),
};

export const queryCommand: Command<typeof flags> = {
  flags,
  notes: `The table is cut to the width of the terminal; into a pipe or file nothing is cut. Control characters in data are
shown, not sent. With \`| select(a, b)\` in the query, a and b are columns.

--json writes one object a line, as jq reads it: spans and traces as the API's, of a metrics query a series a line.
--csv is RFC 4180; of a metrics query it has a line for each sample. Durations are nanoseconds there. A text that a
spreadsheet would take for a formula (it begins with = + - @) has an apostrophe before it.

Exit 1 when the answer is incomplete, as stderr tells then; 2 for a query that does not read.

Examples:
  spanlake query '{ status = error }' --since 1h
  spanlake query '{ duration > 1s } >> { span.db.system = "postgresql" }' --traces --order slowest
  spanlake query '{} | rate() by (resource.service.name)' --since 6h --step 5m
  spanlake query '{ name = "POST /order" } | select(span.user.id)' --csv --limit 10000 > orders.csv
  spanlake query '{ status = error }' --json | jq -r .traceId
  spanlake query '{}' --data ./data --project shop`,
  async run(values, [text], output) {
    const query = queryOf(text);
    checkTogether(values, query);
    const range = rangeOf(values, BigInt(Date.now()) * 1_000_000n);
    const source =
      values.data === undefined
        ? serverSource(values.url ?? DEFAULT_URL, values.token)
        : await folderSource(values.data, values.project ?? 'default');
    const params = new URLSearchParams({ q: text });
    // Times, not an age: the pages of one search must be of one range.
    if (range.startUnixNano > 0n) params.set('start', formatTime(range.startUnixNano));
    if (range.endUnixNano < END_OF_TIME) params.set('end', formatTime(range.endUnixNano));
    try {
      return await ask({ source, query, params, values }, output);
    } catch (error) {
      // As `spanlake query | head` leaves it.
      if (error instanceof ClosedPipeError) return 0;
      throw problemOf(error, text);
    } finally {
      await source.close();
    }
  },
};

interface Job {
  readonly source: Source;
  readonly query: Query;
  readonly params: URLSearchParams;
  readonly values: FlagValues<typeof flags>;
}

async function ask({ source, query, params, values }: Job, output: Output): Promise<ExitCode> {
  const { limit, order, traces, step, json, csv, explain } = values;
  const asked: Asked = {
    source,
    params,
    limit,
    order,
    step,
    explain,
    format: json ? 'json' : csv ? 'csv' : 'table',
    width: output.width,
    fields: attributesAmong(selectedFields(query)),
  };
  const metrics = metricsOf(query);
  if (metrics !== undefined) return askMetrics(asked, metrics, output);
  return traces ? askTraces(asked, output) : askSpans(asked, output);
}

function metricsOf({ expression }: Query): MetricsExpression | undefined {
  return isMetrics(expression) ? expression : undefined;
}

/** Fields of the span itself have columns already. */
function attributesAmong(fields: ReadonlySet<string> | undefined): readonly string[] {
  return [...(fields ?? [])].filter((field) => !field.startsWith('parent.') && !INTRINSIC.test(field));
}

const INTRINSIC =
  /^(name|status|statusMessage|kind|duration|traceDuration|rootName|rootServiceName|nestedSet\w+|parent|childCount|(span|trace|event|link|instrumentation):.*)$/;

/** Throws UsageError for flags that say nothing together. */
function checkTogether(values: FlagValues<typeof flags>, query: Query): void {
  const { json, csv, traces, order, step, url, token, data, project } = values;
  if (json && csv) throw new UsageError('give either --json or --csv');
  if (data !== undefined && url !== undefined) throw new UsageError('give either --url or --data');
  if (data !== undefined && token !== undefined) {
    throw new UsageError('--token is for a server; a folder is read as it lies there');
  }
  if (data === undefined && project !== undefined) {
    throw new UsageError('--project is for --data; of a server, the token says which project');
  }
  const metrics = isMetrics(query.expression);
  if (metrics && traces) throw new UsageError('a metrics query gives numbers over time: leave --traces out');
  if (metrics && order !== undefined) throw new UsageError('--order is for spans and traces');
  if (!metrics && step !== undefined) {
    throw new UsageError('--step is for metrics queries, such as: {} | rate()');
  }
}

function parseUrl(text: string): string | undefined {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error('is no address, as http://127.0.0.1:4318');
  }
  if (url.search !== '' || url.hash !== '') throw new Error('has more than a path');
  return text;
}

/** What the API says no to, as this command says it. */
function problemOf(error: unknown, text: string): unknown {
  if (!(error instanceof ApiProblem)) return error;
  const message = safeText(error.message);
  if (error.status === 400) {
    return error.position === undefined
      ? new UsageError(message)
      : positioned(error.message, text, error.position);
  }
  const hint = error.status === 401 ? ' (here: --token TOKEN)' : '';
  return new CommandError(message + hint);
}
