import { expect, test } from 'bun:test';
import { rejection } from '../../testing/rejection.ts';
import { Gate } from './gate.ts';

/** Whether each came in, so far. */
async function settled(entering: readonly Promise<boolean>[]): Promise<(boolean | 'waits')[]> {
  const waits = (async () => {
    await Bun.sleep(0);
    return 'waits' as const;
  })();
  return Promise.all(entering.map((each) => Promise.race([each, waits])));
}

test('as many as there are places, the others in their order', async () => {
  const gate = new Gate(2);
  const all = Array.from({ length: 5 }, () => gate.enter(60_000));
  expect(await settled(all)).toEqual([true, true, 'waits', 'waits', 'waits']);
  gate.leave();
  expect(await settled(all)).toEqual([true, true, true, 'waits', 'waits']);
  gate.leave();
  gate.leave();
  expect(await settled(all)).toEqual([true, true, true, true, true]);
  expect(gate.waiting).toBe(0);
  for (let i = 0; i < 2; i++) gate.leave();
  const again = Array.from({ length: 3 }, () => gate.enter(60_000));
  expect(await settled(again)).toEqual([true, true, 'waits']);
  gate.leave();
  expect(await settled(again)).toEqual([true, true, true]);
});

test('who waited too long goes without, who is called off goes away: neither takes a place', async () => {
  const gate = new Gate(1);
  await gate.enter(0);
  const calledOff = new AbortController();
  const gone = rejection(gate.enter(60_000, calledOff.signal));
  const late = gate.enter(1);
  const last = gate.enter(60_000);
  calledOff.abort(new Error('nobody waits'));
  expect((await gone)?.message).toBe('nobody waits');
  expect(await late).toBe(false);
  expect(gate.waiting).toBe(1);
  gate.leave();
  expect(await last).toBe(true);
});
