/**
 * The commands by name. Each is loaded when it is called: all of them are 60 ms of modules, which `--version`,
 * `--help` and the start of the server would wait for.
 */
import type { Command } from './command.ts';

/** What the list of commands shows, and how to come by the rest. */
export interface CommandEntry {
  /** As typed: `serve`, `token create`. */
  readonly name: string;
  /** Arguments that have no flag: `NAME`, `[NAME]` that may be left out, `NAME...` that may come several times. */
  readonly positionals: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** The first is what runs when no command is named. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'serve',
    positionals: [],
    summary: 'Receives spans, keeps them, and answers questions about them.',
    load: async () => (await import('./serve-command.ts')).serveCommand,
  },
  {
    name: 'demo',
    positionals: [],
    summary:
      'Sends lifelike traffic of a shop: 14 services, errors, slow calls, retries, a queue, gen-AI calls.',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'query',
    positionals: ['TRACEQL'],
    summary: 'Asks a TraceQL query and prints what it finds: spans, traces, or numbers over time.',
    load: async () => (await import('./query.ts')).queryCommand,
  },
  {
    name: 'project create',
    positionals: ['NAME'],
    summary: 'Makes a project: spans of its own, read and written with tokens of its own.',
    load: async () => (await import('./project.ts')).projectCreateCommand,
  },
  {
    name: 'project list',
    positionals: [],
    summary: 'Lists the projects of the data folder.',
    load: async () => (await import('./project.ts')).projectListCommand,
  },
  {
    name: 'project retention',
    positionals: ['NAME', '[RULES]'],
    summary: "Shows or sets how long a project's traces stay. A running server follows within a minute.",
    load: async () => (await import('./project.ts')).projectRetentionCommand,
  },
  {
    name: 'project clock',
    positionals: [],
    summary: 'Shows whether retention believes the clock of this machine, and lets you vouch for it.',
    load: async () => (await import('./project.ts')).projectClockCommand,
  },
  {
    name: 'token create',
    positionals: [],
    summary: 'Makes a token and shows it this once: only its hash is kept.',
    load: async () => (await import('./token.ts')).tokenCreateCommand,
  },
  {
    name: 'token list',
    positionals: [],
    summary: 'Lists the tokens of every project, revoked ones too. The tokens themselves are stored nowhere.',
    load: async () => (await import('./token.ts')).tokenListCommand,
  },
  {
    name: 'token revoke',
    positionals: ['ID'],
    summary: 'Takes a token back at once, also while the server runs.',
    load: async () => (await import('./token.ts')).tokenRevokeCommand,
  },
  {
    name: 'verify',
    positionals: [],
    summary:
      'Reads every file of a data folder and compares it with hashes, statistics, indexes and catalog.',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'backup',
    positionals: ['DIR'],
    summary: 'Copies a data folder into DIR, also while a server works on it; DIR may be an earlier backup.',
    load: async () => (await import('./backup.ts')).backupCommand,
  },
  {
    name: 'export',
    positionals: ['[TRACEQL]'],
    summary: 'Writes spans that match a TraceQL query, all without one, oldest first and each once.',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    name: 'import',
    positionals: ['FILE...'],
    summary:
      'Takes spans from files: OTLP as JSON or protobuf, and Parquet of Spanlake; - is the standard input.',
    load: async () => (await import('./import.ts')).importCommand,
  },
  {
    name: 'schema',
    positionals: [],
    summary:
      'Prints the columns of the Parquet files; with --duckdb a view in which attributes are easy to reach.',
    load: async () => (await import('./schema.ts')).schemaCommand,
  },
  {
    name: 'attach',
    positionals: ['DIR'],
    summary:
      'Shows pages and API of a data folder that it only reads: a backup, or one that a server works on.',
    load: async () => (await import('./attach.ts')).attachCommand,
  },
];

export const DEFAULT_COMMAND: CommandEntry = COMMANDS[0];
