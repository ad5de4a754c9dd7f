/** So that the program does not rot: five seconds at a low pace, with a kill half way. */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { compiledBinary, temporaryFolder } from '../../test/support/server.ts';
import { faultsOf } from './truth.ts';
import { memoryVerdicts } from './verdicts.ts';

test('a short soak passes, tells what it found, and leaves nothing behind', () => {
  const dataDir = temporaryFolder();
  const options = ['--minutes', '0.085', '--rate', '4000', '--kill', '--data', dataDir];
  const run = Bun.spawnSync(
    [process.execPath, `${import.meta.dir}/main.ts`, ...options, '--binary', compiledBinary()],
    { stdout: 'pipe', stderr: 'pipe' },
  );
  const told = run.stdout.toString();
  expect(run.stderr.toString()).toBe('');
  expect(told).not.toContain('FAILED');
  expect(told).toMatch(/killed with -9, ready again after \d+ ms/);
  expect(told).toMatch(/ok +found by the API +all \d{5}\n/);
  expect(told).toMatch(/ok +found in the files by DuckDB +all \d{5}\n/);
  expect(run.exitCode).toBe(0);
  expect(existsSync(dataDir)).toBe(false);
});

const third = (mib: number) => Array.from({ length: 70 }, () => mib);

test.each([
  ['level', [...third(300), ...third(500), ...third(520)], 600, [true, true]],
  ['growing by more than a tenth', [...third(300), ...third(400), ...third(450)], 600, [true, false]],
  ['over the bound', [...third(300), ...third(300), ...third(300)], 800, [false, true]],
  ['too short to tell', [100, 200, 300], 300, [true, true]],
])('memory that is %s', (_name, residentMiB, peakMiB, passed) => {
  expect(memoryVerdicts({ residentMiB, peakMiB }).map((verdict) => verdict.passed)).toEqual(passed);
});

test('a request that lost spans, has some twice, or that nobody sent is found', () => {
  const whole = { spans: 500, ids: 'all' };
  const found = new Map([
    [0, whole],
    [1, { spans: 499, ids: 'others' }],
    [2, { spans: 1000, ids: '0' }],
    [3, { spans: 500, ids: 'others' }],
    [9, whole],
  ]);
  expect(faultsOf(found, [0, 1, 2, 3, 4], () => 'all')).toEqual([
    'request 1: 499 spans of 500',
    'request 2: 1000 spans of 500',
    'request 3: a span is there twice, another is missing',
    'request 4: 0 spans of 500',
    'request 9: 500 spans, never acknowledged',
  ]);
});
