/** `--since`, `--start`, `--end`, `--project` and the query of commands that read spans. */
import { UsageError } from '../command-line.ts';
import type { Flag } from '../command-line.ts';
import { END_OF_TIME, parseDuration, parseTime } from '../span/time.ts';
import { PROJECT_ID } from '../store/catalog.ts';
import type { TimeRange } from '../store/span-store.ts';
import { QuestionError } from '../store/span-store.ts';
import type { Query } from '../traceql/ast.ts';
import { TraceqlError } from '../traceql/error.ts';
import { parseQuery } from '../traceql/parse.ts';
import { caretLines, safeText } from './terminal.ts';

function timeFlag(help: string): Flag<bigint | undefined> {
  return {
    placeholder: 'TIME',
    fallback: '',
    help,
    argumentOnly: true,
    parse: (text) => {
      if (text === '') return undefined;
      const time = parseTime(text);
      if (time === null) throw new Error('is no time, as 2026-01-31T12:00:00Z or Unix seconds');
      return time;
    },
  };
}

export const rangeFlags = {
  since: {
    placeholder: 'AGE',
    fallback: '',
    help: 'only spans that started within this time, as 15m or 7d',
    argumentOnly: true,
    parse: (text: string): bigint | undefined => {
      if (text === '') return undefined;
      const age = parseDuration(text);
      if (age === null || age < 0n) throw new Error('is no length of time, as 15m or 7d');
      return age;
    },
  },
  start: timeFlag('only spans that started then or later'),
  end: timeFlag('only spans that started before'),
};

export const projectFlag: Flag<string> = {
  placeholder: 'PROJECT',
  fallback: 'default',
  help: 'whose spans',
  argumentOnly: true,
  parse: (text) => {
    if (!PROJECT_ID.test(text)) throw new Error('is no name of a project');
    return text;
  },
};

export interface RangeValues {
  readonly since: bigint | undefined;
  readonly start: bigint | undefined;
  readonly end: bigint | undefined;
}

/** Throws UsageError. */
export function rangeOf({ since, start, end }: RangeValues, nowUnixNano: bigint): TimeRange {
  if (since !== undefined && start !== undefined) throw new UsageError('give either --since or --start');
  const sinceStart = since === undefined ? 0n : nowUnixNano > since ? nowUnixNano - since : 0n;
  const range = { startUnixNano: start ?? sinceStart, endUnixNano: end ?? END_OF_TIME };
  if (range.endUnixNano < range.startUnixNano) throw new UsageError('--end lies before --start');
  return range;
}

/** Throws UsageError that points at the place. */
export function queryOf(text: string): Query {
  try {
    return parseQuery(text);
  } catch (error) {
    throw queryProblem(error, text);
  }
}

/** A question that can't be answered, in words; another error itself. */
export function queryProblem(error: unknown, text: string): unknown {
  if (error instanceof TraceqlError) {
    return positioned(error.message, text, error.position);
  }
  if (!(error instanceof QuestionError)) return error;
  return error.position === undefined
    ? new UsageError(error.message)
    : positioned(error.message, text, error.position);
}

/** The message with the query and a caret below the place that is to blame. */
export function positioned(message: string, text: string, position: number): UsageError {
  const [line, caret] = caretLines(text, position);
  return new UsageError(`${safeText(message)}\n  ${line}\n  ${caret}`);
}
