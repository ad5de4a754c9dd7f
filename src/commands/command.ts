/** What a command of the command line is, and how its help is laid out. */
import { describeFlags } from '../command-line.ts';
import type { FlagValues, Flags } from '../command-line.ts';

/** Exit code: 0, 1 (failed) or 2 (usage). */
export type ExitCode = 0 | 1 | 2;

/** Where a command writes: `out` for what was asked for, `err` for everything else. Lines end by themselves. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
  /** Resolves when the reader of `out` has taken all of it. Throws ClosedPipeError when there is none any more. */
  drained?(): Promise<void>;
  /** Columns of the terminal that `out` is; undefined where it is none. */
  readonly width?: number | undefined;
}

/** The command can't do what was asked, for a reason that the user can act on: exit 1 with the message alone. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface Command<F extends Flags = Flags> {
  readonly flags: F;
  /** Last lines of the help: examples, what to do next. */
  readonly notes?: string;
  run(values: FlagValues<F>, positionals: readonly string[], output: Output): Promise<ExitCode>;
}

/** @param about the command's line in the table of commands */
export function commandHelp(
  about: { readonly name: string; readonly summary: string; readonly positionals: readonly string[] },
  command: Command,
): string {
  const hasFlags = Object.keys(command.flags).length > 0;
  const usage = ['spanlake', about.name, ...about.positionals, ...(hasFlags ? ['[flags]'] : [])].join(' ');
  const flags = hasFlags ? `\nFlags [default, environment variable]:\n${describeFlags(command.flags)}` : '';
  const notes = command.notes === undefined ? '' : `\n${command.notes.trimEnd()}\n`;
  return `Usage: ${usage}\n\n${about.summary}\n${flags}${notes}`.trimEnd();
}
