import { expect, test } from 'bun:test';
import { createLog, formatLine } from './log.ts';

const TIME = new Date('2026-01-31T12:00:00.000Z');

test('a line holds time, level, message and fields', () => {
  expect(
    formatLine(TIME, 'info', 'listening', { url: 'http://127.0.0.1:4318', files: 3, left: undefined }),
  ).toBe('2026-01-31T12:00:00.000Z info  listening url=http://127.0.0.1:4318 files=3');
});

test('line ends, terminal escapes and quotes of a sender stay inside the field', () => {
  const line = formatLine(TIME, 'warn', 'refused\nforged', {
    name: 'a\r\n2026 error "x" \u001b[31mred\u009b0m\u2028\\',
  });
  expect(line).toBe(
    '2026-01-31T12:00:00.000Z warn  refused\\nforged ' +
      'name="a\\r\\n2026 error \\"x\\" \\u001b[31mred\\u009b0m\\u2028\\\\"',
  );
});

test('a long field is cut', () => {
  expect(formatLine(TIME, 'info', 'm', { f: 'x'.repeat(5000) }).length).toBeLessThan(1100);
});

test('levels below the chosen one are left out', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', write: (line) => lines.push(line), now: () => TIME });
  log.debug('d');
  log.info('i');
  log.warn('w');
  log.error('e');
  expect(lines.map((line) => line.slice(25).trimEnd())).toEqual(['warn  w', 'error e']);
});
