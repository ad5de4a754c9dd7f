/** `spanlake project create|list`. */
import { dataFlag } from '../config.ts';
import type { Command } from './command.ts';
import { formatTable } from './table.ts';
import { dataArgument, tellNewFolder, withProjects } from './catalog.ts';

const flags = { data: dataFlag };

export const projectCreateCommand: Command<typeof flags> = {
  name: 'project create',
  summary: 'Makes a project: spans of its own, read and written with tokens of its own.',
  positionals: ['NAME'],
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
  name: 'project list',
  summary: 'Lists the projects of the data folder.',
  positionals: [],
  flags,
  async run({ data }, _positionals, output) {
    const projects = withProjects(data, 'existing', (all) => all.listProjects());
    const rows = projects.map(({ id, name, createdAt }) => [id, name, new Date(createdAt).toISOString()]);
    output.out(formatTable(['PROJECT', 'NAME', 'MADE'], rows));
    return 0;
  },
};
