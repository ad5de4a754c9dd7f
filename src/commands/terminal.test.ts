import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { caretLines, columnLines, fit, safeJson, safeText, sparkline, widthOf } from './terminal.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const ACTED_ON = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

describe('text from data', () => {
  test('shows what a terminal would act on', () => {
    expect(safeText('a\u001b[31mred\u0007')).toBe('a\\u001b[31mred\\u0007');
    expect(safeText('\u009b2J')).toBe('\\u009b2J');
    expect(safeText('one\ntwo\r\tthree')).toBe('one\\ntwo\\r\\tthree');
    expect(safeText('\u202egnp.exe')).toBe('\\u202egnp.exe');
    expect(safeText('half \ud83d')).toBe('half \\ud83d');
    expect(safeText('größe 日本 👩‍🚀')).toBe('größe 日本 👩‍🚀');
  });

  test('JSON means the same, and holds nothing that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }), (value, text) => {
        const given = { value, [text]: text, esc: '\u001b\u009b\u202e\u007f' };
        const json = safeJson(given);
        expect(ACTED_ON.test(json)).toBe(false);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(given)));
      }),
    );
  });

  test('is cut to the columns that it takes', () => {
    expect(fit('checkout', 8)).toBe('checkout');
    expect(fit('checkout', 5)).toBe('chec…');
    expect(fit('日本語', 4)).toBe('日…');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        expect(widthOf(fit(safeText(text), width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('columns', () => {
  const columns = [{ head: 'NAME', least: 4 }, { head: 'N', align: 'right' }, { head: 'ID' }] as const;
  const rows = [
    ['日本語 and more', '1', 'abc'],
    ['x', '1000', 'abcdef'],
  ];

  test('stand below each other, also behind wide signs', () => {
    expect(columnLines(columns, rows, undefined)).toEqual([
      'NAME                N  ID',
      '日本語 and more     1  abc',
      'x                1000  abcdef',
    ]);
  });

  test('give way where they may, down to their least', () => {
    expect(columnLines(columns, rows, 22)).toEqual([
      'NAME         N  ID',
      '日本語 …     1  abc',
      'x         1000  abcdef',
    ]);
    expect(columnLines(columns, rows, 3)[1]).toBe('日…      1  abc');
  });
});

test('a sparkline reaches from nothing to the greatest', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([null, 7, null, 0], 8)).toBe(' █ ▁');
  expect(sparkline([-1, 0, 1], 8)).toBe('▁▅█');
  expect(sparkline([0, 0, 9, 0, 0, 0, 0, 0], 4)).toBe('▁█▁▁');
  expect(sparkline([3, 3], 8)).toBe('██');
  expect(sparkline([], 8)).toBe('');
});

test('the caret stands below the place, whatever stands before it', () => {
  expect(caretLines('{ name = }', 9)).toEqual(['{ name = }', '         ^']);
  expect(caretLines('{ name\n= "日本" && }', 16)[1]).toBe(`${' '.repeat(18)}^`);
  const [line, caret] = caretLines(`{ ${'.a = 1 && '.repeat(40)} }`, 402);
  expect(line[caret.indexOf('^')]).toBe(' ');
  expect(line.length).toBeLessThan(125);
  expect(caretLines('\u001b', 1)).toEqual(['\\u001b', '      ^']);
});
