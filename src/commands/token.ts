/** `spanlake token create|list|revoke`. */
import type { Flag } from '../command-line.ts';
import { dataFlag } from '../config.ts';
import type { TokenScope } from '../store/projects.ts';
import { tellNewFolder, withProjects } from './catalog.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';
import { formatTable } from './table.ts';

const scopeFlag: Flag<TokenScope> = {
  placeholder: 'ingest|read|admin',
  help: 'what it may do: send spans; ask for them; ask, and change what is kept',
  argumentOnly: true,
  parse: (text) => {
    if (text === 'ingest' || text === 'read' || text === 'admin') return text;
    throw new Error('is none of ingest, read, admin');
  },
};

const createFlags = {
  data: dataFlag,
  project: {
    placeholder: 'PROJECT',
    fallback: 'default',
    help: 'whose spans it is for',
    argumentOnly: true,
    parse: (text: string) => text,
  },
  scope: scopeFlag,
  name: {
    placeholder: 'NAME',
    fallback: '',
    help: 'to know it by in the list',
    argumentOnly: true,
    parse: (text: string) => text,
  },
};

export const tokenCreateCommand: Command<typeof createFlags> = {
  flags: createFlags,
  notes:
    'From the first token on, sending needs an ingest token, reading a read or admin token,\nand deleting, pinning and retention an admin token.',
  async run({ data, project, scope, name }, _positionals, output) {
    tellNewFolder(data, output);
    const token = withProjects(data, 'create', (projects) => projects.createToken(project, scope, name));
    output.out(token.token);
    output.err('');
    output.err(`The ${scope} token ${token.id} of project ${project}, shown this once. Next:`);
    for (const line of scope === 'ingest' ? ingestLines(token.token) : readLines(token.token)) {
      output.err(`  ${line}`);
    }
    return 0;
  },
};

function ingestLines(token: string): readonly string[] {
  return [
    'export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:4318/i/v1/traces',
    `export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer ${token}"`,
    'export OTEL_SERVICE_NAME=my-app',
  ];
}

function readLines(token: string): readonly string[] {
  return [
    `curl -H 'Authorization: Bearer ${token}' http://localhost:4318/api/v1/services`,
    'or paste it at http://localhost:4318/login',
  ];
}

const listFlags = { data: dataFlag };

export const tokenListCommand: Command<typeof listFlags> = {
  flags: listFlags,
  async run({ data }, _positionals, output) {
    const tokens = withProjects(data, 'existing', (projects) => projects.listTokens());
    const rows = tokens.map((token) => [
      token.id,
      token.projectId,
      token.scope,
      token.name,
      formatTime(token.createdAt),
      formatTime(token.lastUsedAt),
      formatTime(token.revokedAt),
    ]);
    output.out(formatTable(['ID', 'PROJECT', 'SCOPE', 'NAME', 'MADE', 'LAST USED', 'REVOKED'], rows));
    return 0;
  },
};

function formatTime(unixMs: number | undefined): string {
  return unixMs === undefined ? '-' : new Date(unixMs).toISOString();
}

export const tokenRevokeCommand: Command<typeof listFlags> = {
  flags: listFlags,
  async run({ data }, [id], output) {
    const revoked = withProjects(data, 'existing', (projects) => projects.revokeToken(id));
    if (!revoked) throw new CommandError(`no active token ${id}; see: spanlake token list`);
    output.out(`Token ${id} is revoked.`);
    return 0;
  },
};
