import { describe, expect, test } from 'bun:test';
import { relativeChange, shareChange } from './change.ts';

describe('a figure that grows by factors', () => {
  const cases: [string, number, number, number, string, string][] = [
    ['the same but for chance', 101, 100, 1_000, '=', 'neutral'],
    ['a little more', 105, 100, 1_000, '↑ 5 %', 'neutral'],
    ['notably more is worse', 150, 100, 1_000, '↑ 50 %', 'worse'],
    ['notably less is better', 50, 100, 1_000, '↓ 50 %', 'better'],
    ['of few spans nothing is better or worse', 150, 100, 19, '↑ 50 %', 'neutral'],
    ['tenfold is told as a factor', 1_500, 100, 1_000, '↑ 15 ×', 'worse'],
    ['nothing before', 5, 0, 1_000, '', 'neutral'],
    ['never less than a percent', 97.9, 100, 1_000, '↓ 2 %', 'neutral'],
  ];
  for (const [name, now, before, spans, text, tone] of cases) {
    test(name, () => {
      expect(relativeChange(now, before, spans, 'more-is-worse')).toMatchObject({ text, tone });
    });
  }

  test('a rate is neither better nor worse', () => {
    expect(relativeChange(500, 100, 1_000, 'neither').tone).toBe('neutral');
  });

  test('who hears it is told in words', () => {
    expect(relativeChange(150, 100, 1_000, 'neither').words).toBe('50 % more than before');
    expect(relativeChange(1_500, 100, 1_000, 'neither').words).toBe('15 × as much as before');
  });
});

describe('a share', () => {
  test('changes by points', () => {
    expect(shareChange(0.031, 0.006, 1_000)).toMatchObject({ text: '↑ 2.5 pp', tone: 'worse' });
    expect(shareChange(0.006, 0.031, 1_000)).toMatchObject({ text: '↓ 2.5 pp', tone: 'better' });
    expect(shareChange(0.012, 0.01, 1_000).tone).toBe('neutral');
    expect(shareChange(0.5, 0.5, 1_000).text).toBe('=');
    expect(shareChange(0.5, 0.1, 3).tone).toBe('neutral');
  });
});
