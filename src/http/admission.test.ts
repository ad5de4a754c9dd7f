import { afterEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import { StoreUnavailableError } from '../store/span-store.ts';
import { rejection } from '../store/testing/rejection.ts';
import { Admission, OverloadError, StalledUploadError } from './admission.ts';
import type { Hold } from './admission.ts';

const MIB = 1024 ** 2;
const made: Admission[] = [];
afterEach(() => {
  for (const admission of made.splice(0)) admission.stop();
});

function start(budgetBytes = 160 * MIB) {
  const clock = { ms: 0 };
  const admission = new Admission({ budgetBytes, nowMs: () => clock.ms, random: () => 0.5 });
  made.push(admission);
  return { admission, clock };
}

/** A place whose body of this length came at once; undefined when there was no room. */
function fill(admission: Admission, project: string, bytes: number): Hold | undefined {
  let hold: Hold | undefined;
  try {
    hold = admission.place(project, bytes);
    hold.arrive(bytes);
    hold.complete();
    return hold;
  } catch (error) {
    hold?.release();
    if (error instanceof OverloadError) return undefined;
    throw error;
  }
}

function fillAll(admission: Admission, project: string, bytes: number): Hold[] {
  const holds: Hold[] = [];
  for (
    let hold = fill(admission, project, bytes);
    hold !== undefined;
    hold = fill(admission, project, bytes)
  ) {
    holds.push(hold);
  }
  return holds;
}

test('a project that sends alone has half, the next one a half of the rest, and there is always a rest', () => {
  const { admission } = start();
  const first = fillAll(admission, 'a', MIB);
  expect(first.length).toBeWithin(78, 81);
  expect(fillAll(admission, 'b', MIB).length).toBeWithin(38, 41);
  expect(fillAll(admission, 'c', MIB).length).toBeWithin(18, 21);
  for (const hold of first) hold.release();
  expect(fillAll(admission, 'b', MIB).length).toBeGreaterThan(20);
});

test('what is refused says what to do, and when, differently to each', () => {
  const { admission } = start(10 * MIB);
  fillAll(admission, 'a', 100_000);
  const error = (() => {
    try {
      return admission.place('a', MIB).arrive(MIB);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(OverloadError);
  expect(String(error)).toMatch(
    /too many bytes in progress \(this project's part of 10 MiB\): send again in \d+ s/,
  );
  const random = new Admission({ budgetBytes: MIB });
  made.push(random);
  const seconds = new Set(Array.from({ length: 100 }, () => random.retryAfterSeconds()));
  expect(seconds.size).toBeGreaterThan(1);
});

test('one body of the largest size with as many decompressed bytes is let in beside small ones', () => {
  const { admission } = start();
  fill(admission, 'a', 1000);
  const large = fill(admission, 'a', 62 * MIB);
  large?.decompressed(62 * MIB);
  expect(large).toBeDefined();
  expect(fill(admission, 'a', 62 * MIB)).toBeUndefined();
  expect(fill(admission, 'b', MIB)).toBeDefined();
});

test('thousands that announce much and send nothing hold next to nothing', () => {
  const { admission } = start();
  for (let n = 0; n < 5_000; n++) admission.place('slow', 64 * MIB);
  expect(admission.usedBytes).toBeLessThan(41 * MIB);
  expect(fill(admission, 'other', 20 * MIB)).toBeDefined();
});

test('stalled uploads go when their room is wanted, those that move stay', () => {
  const { admission, clock } = start();
  const cut: string[] = [];
  const upload = (name: string): Hold => {
    const hold = admission.place('a', 35 * MIB);
    hold.onCut = () => {
      cut.push(name);
      hold.release();
    };
    hold.arrive(5 * MIB);
    return hold;
  };
  upload('stalled');
  const moving = upload('moving');
  clock.ms = 500;
  expect(fill(admission, 'a', 20 * MIB)).toBeUndefined();
  clock.ms = 2_000;
  moving.arrive(MIB);
  // The claim on what did not come is given up first, and nothing is cut.
  expect(fill(admission, 'a', 20 * MIB)).toBeDefined();
  expect(cut).toEqual([]);
  clock.ms = 10_000;
  moving.arrive(MIB);
  fillAll(admission, 'a', MIB);
  expect(cut).toEqual(['stalled']);
});

test('what crawls for a minute is cut though nobody wants its room; what is read in one go too', () => {
  const { admission, clock } = start();
  const cut: number[] = [];
  for (const [n, announced] of [64 * MIB, 100_000].entries()) {
    admission.place('a', announced).onCut = () => cut.push(n);
  }
  clock.ms = 59_000;
  admission.sweep();
  expect(cut).toEqual([]);
  clock.ms = 61_000;
  admission.sweep();
  expect(cut).toEqual([0, 1]);
});

test('the store takes too long: the sender hears it, and the bytes count until the store is done', async () => {
  const { admission, clock } = start();
  const hold = admission.place('a', 1000);
  hold.arrive(1000);
  hold.complete();
  const stored = Promise.withResolvers<string>();
  let done = 0;
  const answer = rejection(hold.untilStored(stored.promise, () => (done += 1)));
  clock.ms = 9_000;
  admission.sweep();
  expect(await answer).toBeInstanceOf(StoreUnavailableError);
  hold.release();
  expect([admission.usedBytes > 0, done]).toEqual([true, 0]);
  stored.resolve('late');
  await stored.promise;
  await Bun.sleep(0);
  expect([admission.usedBytes, done]).toEqual([0, 1]);
});

test('nothing is counted on a place that was given back, even by the upload that asked and had to go', () => {
  const { admission, clock } = start();
  const left = admission.place('a', undefined);
  left.release();
  for (const count of [() => left.claim(MIB), () => left.arrive(MIB), () => left.decompressed(MIB)])
    expect(count).toThrow(StalledUploadError);
  const other = fill(admission, 'a', 70 * MIB);
  const slow = admission.place('a', 60 * MIB);
  clock.ms = 60_000;
  // It came too slowly: the look for who could give way finds itself.
  expect(() => slow.arrive(5_000)).toThrow(StalledUploadError);
  slow.release();
  other?.release();
  expect(admission.usedBytes).toBe(0);
});

test('whatever happens to requests, nothing stays counted', () => {
  const step = fc.record({
    project: fc.constantFrom('a', 'b', 'c'),
    bytes: fc.nat(30 * MIB),
    ms: fc.nat(4_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { admission, clock } = start();
      const holds: Hold[] = [];
      for (const { project, bytes, ms } of steps) {
        clock.ms += ms;
        try {
          const hold = admission.place(project, bytes);
          holds.push(hold);
          hold.onCut = () => hold.release();
          hold.arrive(Math.floor(bytes / 3));
          hold.decompressed(Math.floor(bytes / 2));
        } catch (error) {
          expect(error).toBeInstanceOf(OverloadError);
        }
        expect(admission.usedBytes).toBeLessThanOrEqual(admission.budgetBytes);
        if (ms % 3 === 0) holds.shift()?.release();
      }
      for (const hold of holds) hold.release();
      expect(admission.usedBytes).toBe(0);
    }),
    { numRuns: 200 },
  );
});
