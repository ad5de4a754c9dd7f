import { afterEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { renameSync } from 'node:fs';
import { duckdbRows } from '../store/lake/testing/duckdb.ts';
import { testRequest } from '../store/lake/testing/requests.ts';
import { ReadOnlyLake } from '../store/lake/read-only.ts';
import { valueText } from '../span/value.ts';
import { parseQuery } from '../traceql/parse.ts';
import { TestFolders, run, spansOf } from './testing/folders.ts';

const folders = new TestFolders();
afterEach(() => folders.end());

const HOSTILE = [`it's`, 'quoted "key"', 'a]b[c', 'naïve', '*', 'select', '', 'Route'];

type Json = Record<string, unknown>;
const attribute = (key: string, value: Json) => ({ key, value });

/** Spans with attributes that are in columns in one file and in maps in another, or of another type there. */
function spansWith(from: number, to: number, attributesOf: (n: number) => unknown[]) {
  return spansOf(from, to).map((span, i) => ({ ...span, more: { attributes: attributesOf(from + i) } }));
}

async function lakeOf(data: string): Promise<void> {
  const lake = await folders.open(data);
  const resource = {
    attributes: [attribute('service.name', { stringValue: 'shop' }), attribute(`host'"`, { intValue: '7' })],
  };
  const flush = async (spans: ReturnType<typeof spansOf>) => {
    await lake.append('default', testRequest(spans, resource));
    await lake.flush();
  };
  await flush(spansWith(0, 20, (n) => HOSTILE.map((key) => attribute(key, { stringValue: `${key} ${n}` }))));
  await flush(
    spansWith(20, 60, (n) =>
      n === 20 ? [attribute('rare', { boolValue: true })] : [attribute('size', { intValue: String(n) })],
    ),
  );
  await flush(
    spansWith(60, 80, (n) => [
      attribute('size', { stringValue: `${n} kB` }),
      attribute('rare', { stringValue: 'not' }),
    ]),
  );
  await folders.close(lake);
}

async function sqlOf(data: string, ...words: string[]): Promise<string> {
  const { code, out } = await run('schema', '--duckdb', '--data', data, ...words);
  expect(code).toBe(0);
  return out;
}

test('every attribute of every span, as the store itself answers them', async () => {
  const data = join(folders.make(), `o'dd [folder]*`);
  await lakeOf(data);
  const sql = await sqlOf(data);
  const rows = await duckdbRows(
    `${sql} SELECT lower(hex(span_id)) AS id, project, date::VARCHAR AS day, name, attributes, resource FROM spans ORDER BY start_time_unix_nano`,
  );
  const lake = await ReadOnlyLake.open({ dataDir: data });
  const page = await lake.searchSpans('default', {
    query: parseQuery('{}'),
    range: { startUnixNano: 0n, endUnixNano: 2n ** 64n },
    order: 'oldest',
    limit: 1000,
  });
  const promoted = lake.files().flatMap((file) => file.promoted.map(({ name }) => name));
  await lake.close();
  // Both ways are in play, and two types of one column.
  expect(promoted).toContain('span.size');
  expect(promoted).toContain(`resource.host'"`);
  const pairs = (list: unknown) =>
    (list as { key: string; value: string }[]).map(({ key, value }) => `${key}=${value}`).toSorted();
  const texts = (list: readonly { key: string; value: Parameters<typeof valueText>[0] }[]) =>
    list.map(({ key, value }) => `${key}=${valueText(value)}`).toSorted();
  expect(
    rows.map((row) => [row.id, row.project, row.day, row.name, pairs(row.attributes), pairs(row.resource)]),
  ).toEqual(
    page.spans.map((span) => [
      span.spanId,
      'default',
      '2023-11-14',
      span.name,
      texts(span.attributes),
      texts(span.resource.attributes),
    ]),
  );
});

test('files that come later are in the view, with columns that nobody knew', async () => {
  const data = await folders.filled([0, 5]);
  await duckdbRows(await sqlOf(data, '--project', 'default'));
  const lake = await folders.open(data);
  await lake.append('default', testRequest(spansWith(5, 9, () => [attribute('new', { doubleValue: 1.5 })])));
  await folders.close(lake);
  const [row] = await duckdbRows(
    `SELECT count(*) AS n, count(attributes['new']) AS new, any_value(attributes['new']) AS v FROM spans`,
  );
  expect(row).toEqual({ n: '9', new: '4', v: '1.5' });
});

test('an empty folder has the same columns and no rows', async () => {
  const data = folders.make();
  expect(await run('schema', '--duckdb', '--data', data)).toMatchObject({ code: 1 });
  await folders.close(await folders.open(data));
  const empty = await duckdbRows(
    `${await sqlOf(data)} SELECT column_name, column_type FROM (DESCRIBE spans)`,
  );
  const filled = await folders.filled([0, 3]);
  const full = await duckdbRows(
    `${await sqlOf(filled)} SELECT column_name, column_type FROM (DESCRIBE spans)`,
  );
  expect(empty).toEqual(full);
  expect(await duckdbRows(`${await sqlOf(data)} SELECT attributes['x'] AS x FROM spans`)).toEqual([]);
});

test('spans of scattered days have no date', async () => {
  const data = await folders.filled([0, 3]);
  const project = join(data, 'lake/project=default');
  renameSync(join(project, 'date=2023-11-14'), join(project, 'date=__HIVE_DEFAULT_PARTITION__'));
  expect(
    await duckdbRows(
      `${await sqlOf(data)} SELECT DISTINCT date, testing FROM (SELECT date, 1 AS testing FROM spans)`,
    ),
  ).toEqual([{ date: null, testing: 1 }]);
});

test('the columns', async () => {
  const { code, out } = await run('schema');
  expect(code).toBe(0);
  expect(out).toMatch(/^trace_id +BLOB$/m);
  expect(out).toMatch(/^span\.KEY +VARCHAR, BIGINT/m);
});
