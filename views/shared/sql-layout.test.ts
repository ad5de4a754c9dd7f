import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { layOutSql, looksLikeSql, sqlTokens } from './sql-layout.ts';

const laidOut = (text: string): string =>
  layOutSql(text)
    .map((token) => token.text)
    .join('');
const words = (text: string): string[] =>
  sqlTokens(text.trim())
    .filter((token) => token.kind !== 'space')
    .map((token) => token.text);

describe('SQL, laid out', () => {
  test('a clause a line, conditions below, what is short as it is', () => {
    expect(laidOut('SELECT 1')).toBe('SELECT 1');
    expect(
      laidOut(
        'SELECT o.id, count(*) FROM orders o LEFT JOIN lines l ON l.order_id = o.id WHERE o.id IN (SELECT id FROM late WHERE x = 1) AND o.total > 10 GROUP BY o.id ORDER BY 2 DESC LIMIT 5',
      ).split('\n'),
    ).toEqual([
      'SELECT o.id, count(*)',
      'FROM orders o',
      'LEFT JOIN lines l',
      'ON l.order_id = o.id',
      'WHERE o.id IN (SELECT id',
      '  FROM late',
      '  WHERE x = 1)',
      '  AND o.total > 10',
      'GROUP BY o.id',
      'ORDER BY 2 DESC',
      'LIMIT 5',
    ]);
  });

  test('texts, quoted names and comments stay as they are', () => {
    const text =
      "INSERT INTO t (a) VALUES ('it''s  FROM  here', \"select\") -- and WHERE\n ON CONFLICT DO NOTHING /* FROM  */";
    expect(laidOut(text)).toContain("'it''s  FROM  here'");
    expect(laidOut(text)).toMatch(/-- and WHERE\n/);
    expect(words(laidOut(text))).toEqual(words(text));
  });

  test('the words of any text are the same before and after', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'select',
        'from',
        ' ',
        '\n',
        '(',
        ')',
        "'",
        '"',
        '--',
        '/*',
        '*/',
        'and',
        '$$',
        'left',
        'x',
        '1.5',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join(' ');
        expect(words(laidOut(text))).toEqual(words(text));
      }),
    );
  });

  test('what looks like SQL', () => {
    expect(looksLikeSql('  /* hint */ select * from t')).toBe(true);
    expect(looksLikeSql('GET cart:1')).toBe(false);
    expect(looksLikeSql('selection of shoes')).toBe(false);
  });
});
