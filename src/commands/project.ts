/** `spanlake project create|list|retention|clock`. */
import type { Database } from 'bun:sqlite';
import { switchFlag } from '../command-line.ts';
import type { Flag } from '../command-line.ts';
import { bytesText, dataFlag, parseBytes } from '../config.ts';
import { parseRetentionRules, retentionText } from '../store/retention-rules.ts';
import { QuestionError } from '../store/span-store.ts';
import type { RetentionPolicy } from '../store/store-upkeep.ts';
import { acceptClock, clockDoubt } from '../store/lake/retention/clock-guard.ts';
import { loadPolicy, savePolicy } from '../store/lake/retention/policies.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';
import { formatTable } from './table.ts';
import { dataArgument, tellNewFolder, withCatalog, withProjects } from './catalog.ts';

const flags = { data: dataFlag };

export const projectCreateCommand: Command<typeof flags> = {
  flags,
  async run({ data }, [name], output) {
    tellNewFolder(data, output);
    const project = withProjects(data, 'create', (projects) => projects.createProject(name));
    output.out(`Project ${project.id} made in ${data}.`);
    output.out('');
    output.out('Next, a token to send spans with and one to read them with:');
    output.out(`  spanlake token create --project ${project.id} --scope ingest${dataArgument(data)}`);
    output.out(`  spanlake token create --project ${project.id} --scope read${dataArgument(data)}`);
    return 0;
  },
};

export const projectListCommand: Command<typeof flags> = {
  flags,
  async run({ data }, _positionals, output) {
    const projects = withProjects(data, 'existing', (all) => all.listProjects());
    const rows = projects.map(({ id, name, createdAt }) => [id, name, new Date(createdAt).toISOString()]);
    output.out(formatTable(['PROJECT', 'NAME', 'MADE'], rows));
    return 0;
  },
};

/** '' where the flag was not given: the bound stays as it is. */
const maxSizeFlag: Flag<number | 'none' | ''> = {
  placeholder: 'SIZE|none',
  fallback: '',
  help: 'beyond so many bytes of files, as 50GiB, the oldest go',
  argumentOnly: true,
  parse: (text) => {
    if (text === '' || text === 'none') return text;
    const bytes = parseBytes(text);
    if (bytes < 1) throw new Error('is not a size, as 50GiB, or none');
    return bytes;
  },
};

const retentionFlags = { data: dataFlag, maxSize: maxSizeFlag };

export const projectRetentionCommand: Command<typeof retentionFlags> = {
  flags: retentionFlags,
  notes: `
Rules stand one a line or parted by ";": a TraceQL selector for a span, and an age in h, d, w or y.
The first rule that a span of a trace matches decides when the whole trace goes; a trace that no rule
finds stays, and so does a pinned one. Nothing goes before every file that holds a part of the trace is
that old, so a day's file goes at once. Age counts from the start of a span; where
that lies more than 300 days before its arrival, as wrong clocks have it, from the arrival. Rules that are ''
keep everything.

  spanlake project retention default
  spanlake project retention default '{ status = error } 30d; { duration > 1s } 14d; {} 7d'
  spanlake project retention default --max-size 50GiB
  spanlake project retention default '' --max-size none`,
  async run({ data, maxSize }, [name, rules], output) {
    const policy = withCatalog(data, (catalog) => {
      if (rules !== undefined || maxSize !== '') changePolicy(catalog, name, rules, maxSize);
      return policyOf(catalog, name);
    });
    for (const line of describePolicy(policy)) output.out(line);
    return 0;
  },
};

function changePolicy(
  catalog: Database,
  name: string,
  rules: string | undefined,
  maxSize: number | 'none' | '',
): void {
  const change = () => {
    const before = policyOf(catalog, name, rules !== undefined);
    savePolicy(catalog, name, {
      rules: rules === undefined ? before.rules : parseRetentionRules(rules),
      maxBytes: maxSize === '' ? before.maxBytes : maxSize === 'none' ? undefined : maxSize,
    });
  };
  try {
    catalog.transaction(change).immediate();
  } catch (error) {
    if (error instanceof QuestionError) throw new CommandError(error.message);
    throw error;
  }
}

/** `anyRules`: those that are stored are about to be replaced, and need not be readable. */
function policyOf(catalog: Database, name: string, anyRules = false): RetentionPolicy {
  const known = catalog
    .query<{ max_bytes: number | null }, [string]>('SELECT max_bytes FROM projects WHERE id = ?')
    .get(name);
  if (known === null) throw new CommandError(`there is no project ${name}; see: spanlake project list`);
  try {
    return loadPolicy(catalog, name);
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    if (anyRules) return { rules: [], maxBytes: known.max_bytes ?? undefined };
    throw new CommandError(`the rules of ${name} are damaged, and nothing goes by them: ${error.message}`);
  }
}

function describePolicy({ rules, maxBytes }: RetentionPolicy): string[] {
  const lines = rules.length === 0 ? ['Traces stay for ever.'] : retentionText(rules).split('\n');
  const size = maxBytes === undefined ? 'no bound of size' : `at most ${bytesText(maxBytes)} of files`;
  return [...lines, `(${size})`];
}

const clockFlags = {
  data: dataFlag,
  accept: { ...switchFlag('the clock of this machine is right: retention goes on'), argumentOnly: true },
};

export const projectClockCommand: Command<typeof clockFlags> = {
  flags: clockFlags,
  notes: `
A clock that jumped would make everything look old. So when it is more than 24 h ahead of the latest time
that was trusted, or more than 1 h behind it, nothing goes by age until the server has run for 24 h with
it. A server that was off for longer than a day looks the same. If the clock is right, say so:

  spanlake project clock --accept

A running server goes on within a minute.`,
  async run({ data, accept }, _positionals, output) {
    const nowMs = Date.now();
    const { trustedMs, doubted } = withCatalog(data, (catalog) => {
      if (accept) acceptClock(catalog, nowMs);
      return clockDoubt(catalog, nowMs);
    });
    output.out(`now           ${new Date(nowMs).toISOString()}`);
    output.out(`last trusted  ${trustedMs === undefined ? '-' : new Date(trustedMs).toISOString()}`);
    output.out(
      doubted
        ? 'Retention waits. If the time above is right: spanlake project clock --accept' + dataArgument(data)
        : 'Retention believes this clock.',
    );
    return 0;
  },
};
