/** Arguments -> command -> exit code. */
import { UsageError, parseFlags, suggestion } from '../command-line.ts';
import type { Environment } from '../command-line.ts';
import { VERSION } from '../config.ts';
import { CommandError, commandHelp } from './command.ts';
import type { ExitCode, Output } from './command.ts';
import { COMMANDS, DEFAULT_COMMAND } from './commands.ts';
import type { CommandEntry } from './commands.ts';

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
    output.out(words[0] === 'help' ? await helpFor(words.slice(1)) : await overview());
    return 0;
  }
  try {
    const { command, rest } = chooseCommand(words);
    if (isHelpAsked(rest)) {
      output.out(command === undefined ? await helpFor(words.slice(0, 1)) : await helpOf(command));
      return 0;
    }
    if (command === undefined) throw new UsageError(unknownCommand(words));
    return await runCommand(command, rest, env, output);
  } catch (error) {
    return explain(error, words, output);
  }
}

async function runCommand(
  entry: CommandEntry,
  words: readonly string[],
  env: Environment,
  output: Output,
): Promise<ExitCode> {
  const command = await entry.load();
  const { values, positionals } = parseFlags(command.flags, words, env);
  checkPositionals(entry.positionals, positionals);
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
function chooseCommand(words: readonly string[]): {
  command: CommandEntry | undefined;
  rest: readonly string[];
} {
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
function commandsOf(group: string): readonly CommandEntry[] {
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

async function helpFor(words: readonly string[]): Promise<string> {
  const { command } = chooseCommand(words);
  if (words.length > 0 && command !== undefined) return helpOf(command);
  const group = words.length > 0 ? commandsOf(words[0]) : [];
  return group.length > 0 ? listCommands(group) : overview();
}

async function helpOf(entry: CommandEntry): Promise<string> {
  return commandHelp(entry, await entry.load());
}

function listCommands(commands: readonly CommandEntry[]): string {
  const rows = commands.map((command) => [[command.name, ...command.positionals].join(' '), command.summary]);
  const width = Math.max(...rows.map(([head]) => head.length));
  return rows.map(([head, text]) => `  spanlake ${head.padEnd(width)}  ${text}`).join('\n');
}

async function overview(): Promise<string> {
  return [
    `spanlake ${VERSION}: receives OpenTelemetry spans, keeps them as Parquet, answers questions about them.`,
    '',
    listCommands(COMMANDS),
    '',
    'Without a command it serves. `spanlake COMMAND --help` tells more; `spanlake --version`.',
    '',
    await helpOf(DEFAULT_COMMAND),
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
