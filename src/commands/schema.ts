/** `spanlake schema`: the columns of the files, or SQL with which DuckDB asks them. */
import { switchFlag } from '../command-line.ts';
import { dataFlag } from '../config.ts';
import { SPANS } from '../span/schema.ts';
import { CatalogError, PROJECT_ID } from '../store/catalog.ts';
import { loadFiles } from '../store/lake/files/catalog-files.ts';
import { typesColumn } from '../store/lake/files/parquet-vectors.ts';
import { openCatalogReadOnly } from '../store/read-only-catalog.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';
import { duckdbView, sqlType } from './duckdb-view.ts';
import { formatTable } from './table.ts';

const flags = {
  data: dataFlag,
  duckdb: { ...switchFlag('print SQL for a view "spans" over the files'), argumentOnly: true },
  project: {
    placeholder: 'PROJECT',
    fallback: '',
    help: 'whose spans; all projects without it',
    argumentOnly: true,
    parse: (text: string) => {
      if (text === '') return undefined;
      if (!PROJECT_ID.test(text)) throw new Error('is no name of a project');
      return text;
    },
  },
};

export const schemaCommand: Command<typeof flags> = {
  flags,
  notes: `In the view attributes, resource and scope_attributes are maps of all attributes, whether a file has a column
of its own for one or not; files that come later are in it at once. Spans of the last half minute are in the
log, not in files yet. Made over an empty folder it stays empty: print it again.

Examples:
  spanlake schema --duckdb > spans.sql && duckdb -init spans.sql
  (spanlake schema --duckdb; echo "SELECT attributes['http.route'], count(*) FROM spans GROUP BY 1;") | duckdb`,
  async run({ data, duckdb, project }, _positionals, output) {
    if (!duckdb) {
      output.out(columnTable());
      return 0;
    }
    output.out(
      duckdbView({ dataDir: data, projectId: project, isEmpty: !hasFiles(data, project) }).trimEnd(),
    );
    return 0;
  },
};

function columnTable(): string {
  const rows = SPANS.columns.flatMap(({ name, type }) => {
    const row = [[name, sqlType(type)]];
    if (type === 'attributes') row.push([typesColumn(name), 'VARCHAR']);
    return row;
  });
  for (const { prefix, column } of SPANS.promoted) {
    rows.push([`${prefix}KEY`, `VARCHAR, BIGINT, DOUBLE or BOOLEAN: what is not in ${column}`]);
  }
  return formatTable(['COLUMN', 'TYPE'], rows);
}

function hasFiles(dataDir: string, projectId: string | undefined): boolean {
  try {
    const { db, close } = openCatalogReadOnly(dataDir);
    try {
      return loadFiles(db, SPANS.name).some(
        ({ entry }) => projectId === undefined || entry.projectId === projectId,
      );
    } finally {
      close();
    }
  } catch (error) {
    if (error instanceof CatalogError)
      throw new CommandError(`${error.message}; choose a folder with --data`);
    throw error;
  }
}
