import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace } from './arbitrary.ts';
import { selfNano } from './self-time.ts';
import { inSteps } from './steps.ts';
import { selfParts, timingSteps } from './timing.ts';
import { buildTree, spanEnd } from './tree.ts';
import type { TraceNode } from './tree.ts';

/** Nanosecond by nanosecond: those of the span in which none of its children runs. */
function counted({ span, children }: TraceNode): bigint {
  let free = 0n;
  for (let at = span.startTimeUnixNano; at < spanEnd(span); at++) {
    const isCovered = children.some(
      (child) => child.span.startTimeUnixNano <= at && at < spanEnd(child.span),
    );
    if (!isCovered) free++;
  }
  return free;
}

test('self time is what no child covers, whatever starts before, ends behind or runs at once', async () => {
  await fc.assert(
    fc.asyncProperty(anyTrace, async (spans) => {
      const tree = buildTree(spans);
      const timing = await inSteps(timingSteps(tree), () => Promise.resolve());
      for (const node of tree.nodes) {
        expect(selfNano(node)).toBe(counted(node));
        const parts = selfParts(timing, node);
        let sum = 0;
        for (let i = 0; i < parts.length; i += 2) sum += parts[i + 1] - parts[i];
        expect(BigInt(sum)).toBe(selfNano(node));
      }
    }),
  );
});
