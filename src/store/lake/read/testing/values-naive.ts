/** Test support: counts of values over plain spans, the slow and obvious way. */
import { valueText } from '../../../../span/value.ts';
import type { Attribute, Span } from '../../../../span/span.ts';

const COUNTED = ['string', 'bool', 'int', 'double'];

/** Of `span.KEY`, `resource.KEY` or `.KEY`, as `type value: count`, sorted. */
export function naiveValues(
  spans: readonly Span[],
  scope: 'span' | 'resource' | 'any',
  key: string,
): string[] {
  const counts = new Map<string, number>();
  for (const span of spans) {
    const own = scope === 'resource' ? undefined : present(span.attributes, key);
    const found = own ?? (scope === 'span' ? undefined : present(span.resource.attributes, key));
    if (!found || !COUNTED.includes(found.value.type)) continue;
    const id = `${found.value.type} ${valueText(found.value)}`;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts].map(([id, count]) => `${id}: ${count}`).sort();
}

/** An empty value is no value to TraceQL. */
function present(attributes: readonly Attribute[], key: string): Attribute | undefined {
  return attributes.find((attribute) => attribute.key === key && attribute.value.type !== 'empty');
}
