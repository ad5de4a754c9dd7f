import { describe, expect, test } from 'bun:test';
import { planAdoption } from './adoption.ts';
import type { AdoptionQuestion, FoundFile } from './adoption.ts';

function file(path: string, level: number, from: number, to: number, ...inputs: string[]): FoundFile {
  return { path, level, firstSequence: from, lastSequence: to, inputs };
}

/** What counts afterwards, what is set aside, what is forgotten, up to where the log is flushed. */
function plan(question: Partial<AdoptionQuestion>): [string, string, string, number] {
  const { listed = [] } = question;
  const listedPaths = new Set(listed.map(({ path }) => path));
  const empty = { listed, listedPaths, found: [], garbage: new Set<string>(), flushedThrough: 0, logged: [] };
  const asked = { ...empty, ...question };
  const { adopt, setAside, replaced, flushedThrough } = planAdoption(asked);
  const paths = (list: readonly { path: string }[]) => list.map(({ path }) => path).join(' ');
  return [paths(adopt), paths(setAside), replaced.join(' '), flushedThrough];
}

describe('a lost catalog', () => {
  test('files as flushed count, and the log behind them does not', () => {
    expect(plan({ found: [file('a', 0, 1, 4), file('b', 0, 5, 9)] })).toEqual(['a b', '', '', 9]);
  });
  test('a flush that was not committed is still in the log', () => {
    const found = [file('a', 0, 1, 4), file('b', 0, 5, 9)];
    expect(plan({ found, logged: [5, 6, 7, 8, 9, 10] })).toEqual(['a', 'b', '', 4]);
  });
  test('a log that was to be dropped counts no more when a later flush was committed', () => {
    const found = [file('a', 0, 1, 4), file('b', 0, 5, 9)];
    expect(plan({ found, logged: [3, 4] })).toEqual(['a b', '', '', 9]);
  });
  test('of a rewrite and its inputs the rewrite counts, over several steps', () => {
    const found = [
      file('a', 0, 1, 2),
      file('b', 0, 3, 4),
      file('c', 0, 5, 6),
      file('ab', 1, 1, 4, 'a', 'b'),
      file('abc', 2, 1, 6, 'ab', 'c'),
    ];
    expect(plan({ found })).toEqual(['abc', 'a b c ab', '', 6]);
  });
  test('what a rewrite holds was committed before it was rewritten', () => {
    const found = [file('ab', 1, 1, 4, 'a', 'b'), file('other project', 0, 3, 4)];
    expect(plan({ found, logged: [3, 4, 5] })).toEqual(['ab other project', '', '', 4]);
  });
});

describe('a catalog that is older than the files', () => {
  test('later flushes are taken, merged files replace what it lists', () => {
    const found = [file('ab', 1, 1, 4, 'a', 'b'), file('c', 0, 5, 6)];
    const listed = [file('a', 0, 1, 2), file('b', 0, 3, 4)];
    expect(plan({ found, listed, flushedThrough: 4, logged: [7] })).toEqual(['ab c', '', 'a b', 6]);
  });
  test('what it calls garbage may have been committed since', () => {
    const found = [file('ab', 1, 1, 4, 'a', 'b')];
    const question = { found, garbage: new Set(['ab']), listedPaths: new Set(['a', 'b']), flushedThrough: 4 };
    expect(plan(question)).toEqual(['ab', '', 'a b', 4]);
  });
});

describe('a sound catalog', () => {
  test('what was removed does not come back', () => {
    const found = [file('a', 0, 1, 2), file('bc', 1, 3, 4, 'b', 'c')];
    expect(plan({ found, garbage: new Set(['a', 'bc']), flushedThrough: 4 })).toEqual(['', 'a bc', '', 4]);
  });
  test('garbage stays garbage', () => {
    const listed = [file('a', 0, 1, 2), file('b', 0, 3, 4)];
    const found = [file('ab', 1, 1, 4, 'a', 'b')];
    expect(plan({ found, listed, garbage: new Set(['ab']), flushedThrough: 4 })).toEqual(['', 'ab', '', 4]);
    const later = { found: listed, listed: found, garbage: new Set(['a', 'b']), flushedThrough: 4 };
    expect(plan(later)).toEqual(['', 'a b', '', 4]);
  });
});
