import { expect, test } from 'bun:test';
import { nextTurn } from './turns.ts';

test('one slice a turn, in the order in which they asked', async () => {
  const log: string[] = [];
  let turn = 0;
  let isOver = false;
  const clock = (): void => {
    turn++;
    if (!isOver) setImmediate(clock);
  };
  setImmediate(clock);
  const turns: number[] = [];
  const worker = async (name: string): Promise<void> => {
    for (let slice = 0; slice < 3; slice++) {
      await nextTurn();
      log.push(name);
      turns.push(turn);
    }
  };
  await Promise.all(['a', 'b', 'c'].map((name) => worker(name)));
  isOver = true;
  expect(log.join('')).toBe('abcabcabc');
  expect(new Set(turns).size).toBe(turns.length);
});
