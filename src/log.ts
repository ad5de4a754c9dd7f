/** Log lines on stderr, one a line: `2026-01-31T12:00:00.000Z info  message key=value`. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type LogValue = string | number | bigint | boolean | null | undefined;
export type LogFields = Readonly<Record<string, LogValue>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Longest text of one field: a hostile header must not fill the disk. */
const MAX_FIELD_LENGTH = 1024;

// C0 and C1 controls, and the two separators that some viewers break lines at. A sender that could write them
// could forge lines or drive the terminal that shows the log.
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

function escapeControls(text: string): string {
  return text.replace(UNSAFE, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\r') return '\\r';
    if (char === '\t') return '\\t';
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function formatValue(value: LogValue): string {
  if (typeof value !== 'string') return String(value);
  const cut = value.length > MAX_FIELD_LENGTH ? `${value.slice(0, MAX_FIELD_LENGTH)}...` : value;
  if (/^[\w.:/@+-]+$/.test(cut)) return cut;
  return `"${escapeControls(cut.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

/** One line without its line end. Pure, so that tests see exactly what is written. */
export function formatLine(time: Date, level: LogLevel, message: string, fields: LogFields = {}): string {
  let line = `${time.toISOString()} ${level.padEnd(5)} ${escapeControls(message)}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
  }
  return line;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

export function createLog({ level, write = writeToStderr, now = () => new Date() }: LogOptions): Log {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (own: LogLevel) => (message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(own) >= lowest) write(`${formatLine(now(), own, message, fields)}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}
