/** The one attribute of a resource that is a column of its own in every row. */
import type { SpanColumns } from '../span/columns.ts';
import { cutEnd } from '../span/cut.ts';
import { TYPE_TAGS } from '../span/value.ts';

/** `service.name` of the open resource, if it is a string, as a code in `strings`. */
export function serviceNameCode(columns: SpanColumns): number {
  const { pairs, strings, resources } = columns;
  const { attributes } = resources;
  for (let entry = attributes.offsets[attributes.count]; entry < attributes.entries; entry++) {
    const pair = attributes.pairs[entry];
    if (pairs.pairTypes[pair] !== TYPE_TAGS.string) continue;
    if (pairs.keys.text(pairs.pairKeys[pair]) !== 'service.name') continue;
    const value = pairs.pairValues[pair];
    const { offsets, bytes } = pairs.values;
    const end = cutEnd(bytes, offsets[value], offsets[value + 1], columns.limits.nameBytes);
    return strings.intern(bytes, offsets[value], end);
  }
  return 0;
}
