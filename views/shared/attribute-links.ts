/** Searches from an attribute: spans with its value, those with another one, and all of them grouped by it. */
import type { Attribute } from '../../src/span/span.ts';
import { comparison, field } from '../../src/traceql/build.ts';
import { printExpression } from '../../src/traceql/print.ts';
import { attributeHref } from './query-links.ts';
import type { FilterScope } from './query-links.ts';
import { selectorText } from './query-figures.ts';

export interface AttributeLinks {
  /** '' where TraceQL can't ask for it. */
  readonly only: string;
  readonly without: string;
  readonly groups: string;
}

export function attributeLinks(scope: FilterScope, attribute: Attribute): AttributeLinks {
  return {
    only: attributeHref(scope, attribute),
    without: withoutHref(scope, attribute),
    groups: groupsHref(scope, attribute),
  };
}

function withoutHref(scope: FilterScope, { key, value }: Attribute): string {
  if (key === '') return '';
  const left = field(scope, key);
  switch (value.type) {
    case 'string':
    case 'bool':
    case 'int':
      return searchHref(selectorText(comparison(left, '!=', value.value)));
    case 'double':
      if (!Number.isFinite(value.value)) return '';
      return searchHref(selectorText(comparison(left, '!=', { type: 'float', value: value.value })));
    case 'bytes':
    case 'array':
    case 'kvlist':
    case 'empty':
      return '';
  }
}

/** Longest key that still makes an address. */
const MAX_KEY = 500;

function groupsHref(scope: FilterScope, { key, value }: Attribute): string {
  const isGroup =
    value.type === 'string' || value.type === 'bool' || value.type === 'int' || value.type === 'double';
  // A group by what stands in several events or links of a span is none.
  if (!isGroup || key === '' || key.length > MAX_KEY || scope === 'event' || scope === 'link') return '';
  return searchHref(`{} | rate() by (${printExpression(field(scope, key))})`);
}

function searchHref(q: string): string {
  return q === '' ? '' : `/search?${new URLSearchParams({ q })}`;
}
