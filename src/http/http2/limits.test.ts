/** What a connection may hold and how long it may stay: answers that nobody takes, settings, and no calls at all. */
import { expect, test } from 'bun:test';
import { FLAG, FRAME, PREFACE, REASON, wordFrame } from './frames.ts';
import { ANSWER, goAway, headers, initialWindows, Scene, SETTINGS } from './testing/scene.ts';

test('who makes no calls is told to come again: soon when none was ever let in, else after minutes', async () => {
  const scenes = [true, false].map((isLetIn) => {
    const scene = new Scene();
    scene.receive(PREFACE, SETTINGS, headers(1, FLAG.END_HEADERS | FLAG.END_STREAM));
    if (isLetIn) scene.calls[0].stream.letIn();
    scene.calls[0].stream.answer(ANSWER);
    return scene;
  });
  const tick = (from: number, to: number) => {
    for (let s = from; s <= to; s++) for (const { connection } of scenes) connection.tick(s * 1000);
    return scenes.map(({ isEnded }) => isEnded);
  };
  expect(tick(1, 14)).toEqual([false, false]);
  expect(tick(15, 100)).toEqual([false, true]);
  expect(await goAway(scenes[1])).toBe(REASON.NO_ERROR);
  expect(scenes[0].connection.idleMs(100_000)).toBeWithin(98_000, 100_001);
  // Under way, a call may take its time.
  scenes[0].receive(headers(3));
  expect(scenes[0].connection.idleMs(100_000)).toBeUndefined();
  expect(tick(101, 900)).toEqual([false, true]);
  scenes[0].calls[1].stream.answer(ANSWER);
  expect(tick(901, 1_199)).toEqual([false, true]);
  expect(tick(1_200, 1_202)).toEqual([true, true]);
});

const NO_WINDOW = initialWindows(0);

test('answers that wait for a window count as streams, go when the call is taken back, and wait for seconds', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, NO_WINDOW);
  for (let n = 0; n < 300; n++) {
    scene.receive(headers(2 * n + 1, FLAG.END_HEADERS | FLAG.END_STREAM));
    scene.calls.at(n)?.stream.answer(ANSWER);
  }
  const refused = (await scene.sent()).filter(({ type }) => type === FRAME.RST_STREAM);
  expect([scene.calls.length, refused.length]).toEqual([256, 44]);
  scene.receive(wordFrame(FRAME.RST_STREAM, 1, 8), headers(601));
  expect(scene.calls).toHaveLength(257);
  // One window opens one stream; a new size all that wait.
  scene.receive(wordFrame(FRAME.WINDOW_UPDATE, 3, 100));
  const ids = async () => (await scene.sent()).filter(({ type }) => type === FRAME.DATA).map(({ id }) => id);
  expect(await ids()).toEqual([3]);
  scene.receive(initialWindows(100));
  expect(await ids()).toHaveLength(254);
  scene.receive(NO_WINDOW);
  scene.calls[256].stream.answer(ANSWER);
  for (let second = 1; second <= 11; second++) scene.connection.tick(second * 1000);
  expect(scene.isEnded).toBe(false);
  scene.connection.tick(12_000);
  expect([await goAway(scene), scene.isEnded]).toEqual([REASON.ENHANCE_YOUR_CALM, true]);
});

test('an answer whose window is open does not wait for those whose is not', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, NO_WINDOW, headers(1, 5), headers(3, 5), wordFrame(FRAME.WINDOW_UPDATE, 3, 100));
  for (const { stream } of scene.calls) stream.answer(ANSWER);
  const sent = (await scene.sent()).filter(({ type }) => type === FRAME.DATA);
  expect(sent.map(({ id }) => id)).toEqual([3]);
});

test('of many sizes in a frame of settings the last one holds', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, headers(1, 5), initialWindows(7, 2 ** 31 - 1, 0, 2));
  scene.calls[0].stream.answer(ANSWER);
  const sent = (await scene.sent()).filter(({ type }) => type === FRAME.DATA);
  expect(sent.map(({ payload }) => payload.toString())).toEqual(['an']);
});
