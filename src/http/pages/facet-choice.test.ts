import { describe, expect, test } from 'bun:test';
import type { AttributeKey } from '../../store/span-store.ts';
import { candidates, isTelling } from './facet-choice.ts';

const key = (scope: AttributeKey['scope'], name: string, count: number): AttributeKey => ({
  scope,
  key: name,
  count,
});

describe('which attributes are worth a facet', () => {
  test('known good ones first, then frequent ones; ids and figures never', () => {
    const keys = [
      key('span', 'session.id', 100),
      key('span', 'thread.id', 100),
      key('span', 'card.brand', 30),
      key('span', 'tenant', 90),
      key('span', 'http.route', 10),
      key('resource', 'service.version', 100),
      key('span', 'x y', 100),
    ];
    expect(candidates(keys, new Set(), 9)).toEqual([
      'span.http.route',
      'resource.service.version',
      'span.tenant',
      'span.card.brand',
    ]);
    expect(candidates(keys, new Set(['span.http.route']), 1)).toEqual(['resource.service.version']);
  });

  test('one group, or a group for each span, tells nothing', () => {
    const facet = { field: 'span.x', values: [] };
    expect(isTelling({ ...facet, distinct: 1, missing: 0 }, 1000)).toBe(false);
    expect(isTelling({ ...facet, distinct: 1, missing: 5 }, 1000)).toBe(true);
    expect(isTelling({ ...facet, distinct: 900, missing: 0 }, 1000)).toBe(false);
    expect(isTelling({ ...facet, distinct: 0, missing: 1000 }, 1000)).toBe(false);
    expect(isTelling({ ...facet, distinct: 40, missing: 0 }, 1000)).toBe(true);
  });
});
