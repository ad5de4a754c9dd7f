import { afterEach, describe, expect, test } from 'bun:test';
import { rejection } from '../../../testing/rejection.ts';
import type { SlimJob, TraceIndexJob } from './jobs.ts';
import { Affinity, isSmall } from './worker-affinity.ts';
import { JobFailedError, JobLateError, WorkerPool } from './worker-pool.ts';
import type { PoolOptions } from './worker-pool.ts';

const pools: WorkerPool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function poolOf(options: Partial<PoolOptions> = {}): WorkerPool {
  const pool = new WorkerPool({
    workers: 2,
    jobTimeoutMs: 10_000,
    maxMemoryBytes: 1e9,
    workerFile: new URL('../testing/odd-worker.ts', import.meta.url),
    ...options,
  });
  pools.push(pool);
  return pool;
}

const large = (path: string): TraceIndexJob => ({ kind: 'traceIndex', path, columns: undefined });

function small(path: string, rowGroup = 0): SlimJob {
  const filter = { condition: null, range: { startUnixNano: 0n, endUnixNano: 1n } };
  return { kind: 'slim', path, columns: [], filter, picks: [{ rowGroup, rows: Uint32Array.of(1) }] };
}

async function outcome(job: Promise<unknown>): Promise<string> {
  try {
    await job;
    return 'done';
  } catch (error) {
    return error instanceof JobFailedError ? error.message : 'another error';
  }
}

test('a job that finds no worker in time is not begun', async () => {
  const pool = poolOf({ workers: 1, jobTimeoutMs: 300 });
  const busy = outcome(pool.run(large('hang')));
  const late = rejection(pool.run(large('ok'), undefined, 50));
  const patient = outcome(pool.run(large('ok'), undefined, 60_000));
  expect(await busy).toContain('took longer');
  expect(await late).toBeInstanceOf(JobLateError);
  expect(await patient).toBe('done');
});

describe('a worker that', () => {
  for (const [path, reason] of [
    ['fail', 'can not be read'],
    ['throw', 'a panic'],
    ['exit', 'the worker ended'],
    ['hang', 'took longer than 300 ms'],
  ]) {
    test(`does ${path} fails its job alone: what waits behind it is done`, async () => {
      const pool = poolOf({ workers: 1, ...(path === 'hang' && { jobTimeoutMs: 300 }) });
      const bad = outcome(pool.run(large(path)));
      const behind = Array.from({ length: 5 }, (_, i) =>
        outcome(pool.run(i < 3 ? large('ok') : small('ok'))),
      );
      expect(await bad).toContain(reason);
      expect(await Promise.all(behind)).toEqual(['done', 'done', 'done', 'done', 'done']);
    });
  }

  test('ends with two jobs in hand fails the one whose fault it is', async () => {
    const pool = poolOf({ workers: 1 });
    await pool.run(large('ok'));
    const scan = outcome(pool.run(large('ok 150')));
    const bad = outcome(pool.run(small('exit')));
    expect(await bad).toBe('the worker ended');
    expect(await scan).toBe('done');
    const poisoned = outcome(pool.run(large('throw')));
    expect(await outcome(pool.run(small('ok 20')))).toBe('done');
    expect(await poisoned).toContain('a panic');
  });

  test('can not start fails what waits for it, and does not hold the process', async () => {
    const pool = poolOf({ workerFile: new URL('../testing/no-such-worker.ts', import.meta.url) });
    expect(await rejection(pool.run(large('ok')))).toBeInstanceOf(JobFailedError);
  });
});

test('a small job does not wait behind large ones', async () => {
  const pool = poolOf();
  await Promise.all([pool.run(large('ok 5')), pool.run(large('ok 5'))]);
  const order: string[] = [];
  const scans = Array.from({ length: 4 }, () => pool.run(large('ok 600')).then(() => order.push('scan')));
  await Promise.all([1, 2, 3].map(() => pool.run(small('ok')).then(() => order.push('small'))));
  expect(order).toEqual(['small', 'small', 'small']);
  await Promise.all(scans);
});

test('an aborted job is rejected at once, in the queue or running, and the worker goes on with the next', async () => {
  const pool = poolOf({ workers: 1, jobTimeoutMs: 3_600_000 });
  await pool.run(large('ok'));
  const abort = new AbortController();
  const jobs = [1, 2].map(() => pool.run(large('ok 3600000'), abort.signal));
  setTimeout(() => abort.abort(new Error('nobody waits')), 20);
  for (const job of jobs) expect(await rejection(job)).toEqual(new Error('nobody waits'));
  // The runner's time is far shorter than the jobs'.
  await pool.run(large('ok'));
});

test('a closed pool refuses what waits and what comes', async () => {
  const pool = poolOf({ workers: 1 });
  const waiting = [large('ok 5000'), large('ok')].map((job) => outcome(pool.run(job)));
  pool.close();
  expect(await Promise.all(waiting)).toEqual(['the store is closing', 'the store is closing']);
  expect(await outcome(pool.run(large('ok')))).toBe('the store is closing');
});

test('row groups belong to the worker that had most of them last', () => {
  const affinity = new Affinity();
  const job = (rowGroups: number[]) => ({
    ...small('a'),
    picks: rowGroups.map((rowGroup) => ({ rowGroup, rows: Uint32Array.of(1) })),
  });
  expect(affinity.of(job([1]))).toBeUndefined();
  affinity.set(job([0, 1, 2]), 0);
  affinity.set(job([3, 4]), 1);
  expect(affinity.of(job([2, 3, 4]))).toBe(1);
  expect(affinity.of(job([1, 2, 3]))).toBe(0);
  expect(affinity.of({ ...job([3]), path: 'b' })).toBeUndefined();
  affinity.forget(0);
  expect(affinity.of(job([1, 2, 3]))).toBe(1);
});

test('few rows are small, many are not, nor are scans', () => {
  const many = { rowGroup: 0, rows: new Uint32Array(600) };
  expect(isSmall(small('a'))).toBe(true);
  expect(isSmall({ ...small('a'), picks: [many] })).toBe(false);
  expect(isSmall(large('a'))).toBe(false);
});
