/** Arguments -> command -> exit code. */
import { UsageError, parseFlags, suggestion } from '../command-line.ts';
import type { Environment } from '../command-line.ts';
import { VERSION } from '../config.ts';
import { CommandError, commandHelp } from './command.ts';
import type { Command, ExitCode, Output } from './command.ts';
import { attachCommand } from './attach.ts';
import { backupCommand } from './backup.ts';
import { demoCommand } from './demo.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import {
  projectClockCommand,
  projectCreateCommand,
  projectListCommand,
  projectRetentionCommand,
} from './project.ts';
import { queryCommand } from './query.ts';
import { schemaCommand } from './schema.ts';
import { serveCommand } from './serve.ts';
import { tokenCreateCommand, tokenListCommand, tokenRevokeCommand } from './token.ts';
import { verifyCommand } from './verify.ts';

/** The first is what runs when no command is named. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  demoCommand,
  queryCommand,
  projectCreateCommand,
  projectListCommand,
  projectRetentionCommand,
  projectClockCommand,
  tokenCreateCommand,
  tokenListCommand,
  tokenRevokeCommand,
  verifyCommand,
  backupCommand,
  exportCommand,
  importCommand,
  schemaCommand,
  attachCommand,
];

const DEFAULT_COMMAND: Command = serveCommand;

/** Never throws: what goes wrong is a line on `err` and an exit code. */
export async function runCommandLine(
  words: readonly string[],
  env: Environment,
  output: Output,
): Promise<ExitCode> {
  if (words[0] === '--version' || words[0] === '-V') {
    output.out(`spanlake ${VERSION}`);
    return 0;
  }
  if (words[0] === '--help' || words[0] === '-h' || words[0] === 'help') {
    output.out(words[0] === 'help' ? helpFor(words.slice(1)) : overview());
    return 0;
  }
  try {
    const { command, rest } = chooseCommand(words);
    if (isHelpAsked(rest)) {
      output.out(command === undefined ? helpFor(words.slice(0, 1)) : commandHelp(command));
      return 0;
    }
    if (command === undefined) throw new UsageError(unknownCommand(words));
    return await runCommand(command, rest, env, output);
  } catch (error) {
    return explain(error, words, output);
  }
}

async function runCommand(
  command: Command,
  words: readonly string[],
  env: Environment,
  output: Output,
): Promise<ExitCode> {
  const { values, positionals } = parseFlags(command.flags, words, env);
  checkPositionals(command.positionals, positionals);
  return command.run(values, positionals, output);
}

/** `NAME` is needed, `[NAME]` may be left out, the last as `NAME...` may come again and again. */
function checkPositionals(names: readonly string[], given: readonly string[]): void {
  const missing = names[given.length];
  if (missing !== undefined && !missing.startsWith('[')) {
    throw new UsageError(`${missing.replace('...', '')} is missing`);
  }
  const extra = given[names.length];
  const repeats = names.at(-1)?.endsWith('...') === true;
  if (extra !== undefined && !repeats) throw new UsageError(`unexpected argument "${extra}"`);
}

/** The command whose words the arguments begin with; serve where they begin with a flag or nothing. */
function chooseCommand(words: readonly string[]): { command: Command | undefined; rest: readonly string[] } {
  if (words.length === 0 || words[0].startsWith('-')) return { command: DEFAULT_COMMAND, rest: words };
  for (const command of COMMANDS) {
    const own = command.name.split(' ');
    if (own.every((word, index) => words[index] === word)) {
      return { command, rest: words.slice(own.length) };
    }
  }
  return { command: undefined, rest: words.slice(1) };
}

function isHelpAsked(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const before = end < 0 ? words : words.slice(0, end);
  return before.includes('--help') || before.includes('-h');
}

/** Commands of a group, as those of `token`. */
function commandsOf(group: string): readonly Command[] {
  return COMMANDS.filter(({ name }) => name.split(' ')[0] === group);
}

function unknownCommand(words: readonly string[]): string {
  const group = commandsOf(words[0]);
  if (group.length > 0) {
    const names = group.map(({ name }) => name);
    if (words.length === 1 || words[1].startsWith('-'))
      return `${words[0]} needs one of: ${names.join(', ')}`;
    const typed = `${words[0]} ${words[1]}`;
    return `unknown command "${typed}"${suggestion(typed, names)}`;
  }
  const heads = [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0]))];
  return `unknown command "${words[0]}"${suggestion(words[0], heads)}`;
}

function helpFor(words: readonly string[]): string {
  const { command } = chooseCommand(words);
  if (words.length > 0 && command !== undefined) return commandHelp(command);
  const group = words.length > 0 ? commandsOf(words[0]) : [];
  return group.length > 0 ? listCommands(group) : overview();
}

function listCommands(commands: readonly Command[]): string {
  const rows = commands.map((command) => [[command.name, ...command.positionals].join(' '), command.summary]);
  const width = Math.max(...rows.map(([head]) => head.length));
  return rows.map(([head, text]) => `  spanlake ${head.padEnd(width)}  ${text}`).join('\n');
}

function overview(): string {
  return [
    `spanlake ${VERSION}: receives OpenTelemetry spans, keeps them as Parquet, answers questions about them.`,
    '',
    listCommands(COMMANDS),
    '',
    'Without a command it serves. `spanlake COMMAND --help` tells more; `spanlake --version`.',
    '',
    commandHelp(DEFAULT_COMMAND),
  ].join('\n');
}

function explain(error: unknown, words: readonly string[], output: Output): ExitCode {
  if (error instanceof UsageError) {
    const { command } = chooseCommand(words);
    const about = command === undefined ? '' : ` ${command.name}`;
    output.err(`spanlake: ${error.message}`);
    output.err(`Try: spanlake${about} --help`);
    return 2;
  }
  if (error instanceof CommandError) {
    output.err(`spanlake: ${error.message}`);
    return 1;
  }
  output.err(
    `spanlake: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return 1;
}
