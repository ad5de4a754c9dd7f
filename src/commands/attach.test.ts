import { afterEach, expect, test } from 'bun:test';
import { openCatalog } from '../store/catalog.ts';
import { Projects } from '../store/projects.ts';
import { testRequest } from '../store/lake/testing/requests.ts';
import { TestFolders, idsOf, run, spansOf } from './testing/folders.ts';

const folders = new TestFolders();
const processes: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) {
    child.kill('SIGTERM');
    await child.exited;
  }
  await folders.end();
});

const MAIN = new URL('../main.ts', import.meta.url).pathname;

/** Its address, once it listens. */
async function attach(dataDir: string) {
  const child = Bun.spawn([process.execPath, MAIN, 'attach', dataDir, '--listen', '127.0.0.1:0'], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  processes.push(child);
  let said = '';
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    const url = /http:\/\/\S+/.exec(said)?.[0];
    if (url !== undefined && said.includes('Data folder')) return { url, child };
  }
  throw new Error(`attach ended: ${said}`);
}

async function idsAt(url: string, token?: string): Promise<string[]> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/v1/spans?order=oldest&limit=1000`, { headers });
  if (!response.ok) throw new Error(`${response.status}`);
  const { spans } = (await response.json()) as { spans: { spanId: string }[] };
  return spans.map(({ spanId }) => spanId);
}

test('shows what a server takes, also after it merged files, and refuses spans itself', async () => {
  const data = folders.make();
  const lake = await folders.open(data);
  await lake.append('default', testRequest(spansOf(0, 5)));
  await lake.flush();
  const { url, child } = await attach(data);
  expect(await idsAt(url)).toEqual(idsOf(0, 5));
  await lake.append('default', testRequest(spansOf(5, 8)));
  const until = performance.now() + 20_000;
  while ((await idsAt(url)).length < 8 && performance.now() < until) await Bun.sleep(50);
  await lake.flush();
  await lake.compact();
  expect(await idsAt(url)).toEqual(idsOf(0, 8));

  const body = Uint8Array.from(testRequest(spansOf(8, 9)).body);
  const refused = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
  });
  expect(refused.status).toBe(503);
  expect(await refused.text()).toContain('for reading only');
  expect((await fetch(`${url}/search`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
}, 60_000);

test('tokens of the folder open it', async () => {
  const data = await folders.filled([0, 3]);
  const catalog = openCatalog(data);
  const { token } = new Projects(catalog).createToken('default', 'read', 'me');
  catalog.close();
  const { url } = await attach(data);
  expect((await fetch(`${url}/api/v1/spans`)).status).toBe(401);
  expect(await idsAt(url, token)).toEqual(idsOf(0, 3));
}, 60_000);

test('no folder, and an address that others reach without tokens', async () => {
  const empty = folders.make();
  expect(await run('attach', empty)).toMatchObject({
    code: 1,
    err: expect.stringContaining('has no catalog.sqlite'),
  });
  const data = await folders.filled([0, 3]);
  expect(await run('attach', data, '--listen', '0.0.0.0:0')).toMatchObject({ code: 2 });
});
