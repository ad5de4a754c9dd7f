import { expect, test } from 'bun:test';
import { StoreUnavailableError } from '../../span-store.ts';
import { rejection } from '../../testing/rejection.ts';
import { Lane } from './lane.ts';

function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

test('one task runs at a time, the most urgent of those that wait first', async () => {
  const lane = new Lane();
  const { open, passed } = gate();
  const log: string[] = [];
  const task = (name: string) => async () => {
    log.push(`${name} begins`);
    await Bun.sleep(1);
    log.push(`${name} ends`);
    return name;
  };
  const first = lane.run('compaction', () => passed);
  const rest = [
    lane.run('compaction', task('merge')),
    lane.run('removal', task('retention')),
    lane.run('asked', task('deletion')),
    lane.run('asked', task('another')),
  ];
  open();
  await first;
  expect(await Promise.all(rest)).toEqual(['merge', 'retention', 'deletion', 'another']);
  expect(log).toEqual(
    ['deletion', 'another', 'retention', 'merge'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test('a task that fails tells whoever gave it, and the next one runs', async () => {
  const lane = new Lane();
  const failed = rejection(lane.run('asked', () => Promise.reject(new Error('no'))));
  const next = lane.run('asked', () => Promise.resolve(1));
  expect((await failed).message).toBe('no');
  expect(await next).toBe(1);
  expect(await lane.run('compaction', () => Promise.resolve(2))).toBe(2);
});

test('closing refuses what waits, and resolves when the task under way has ended', async () => {
  const lane = new Lane();
  const { open, passed } = gate();
  let ended = false;
  const first = lane.run('asked', async () => {
    await passed;
    ended = true;
  });
  const waiting = rejection(lane.run('asked', () => Promise.resolve()));
  const closed = lane.close().then(() => ended);
  expect(await waiting).toBeInstanceOf(StoreUnavailableError);
  expect(ended).toBe(false);
  open();
  await first;
  expect(await closed).toBe(true);
  expect(await rejection(lane.run('asked', () => Promise.resolve()))).toBeInstanceOf(StoreUnavailableError);
  await lane.close();
});
