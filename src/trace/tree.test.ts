import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace, makeSpan, spanId } from './arbitrary.ts';
import { buildTree, buildTreeInSteps, isError, spanEnd } from './tree.ts';
import type { TraceTree } from './tree.ts';

const shape = (tree: TraceTree): string[] =>
  tree.nodes.map(
    ({ depth, span, rootReason }) => `${'>'.repeat(depth)}${Number(`0x${span.spanId}`)}${rootReason}`,
  );

const span = (id: number, parent: number, start = id): ReturnType<typeof makeSpan> =>
  makeSpan({
    spanId: spanId(id),
    parentSpanId: parent === 0 ? '' : spanId(parent),
    startTimeUnixNano: BigInt(1000 + start),
    durationNano: 10n,
  });

describe('buildTree', () => {
  const cases: [string, ReturnType<typeof span>[], string[]][] = [
    ['nothing', [], []],
    ['children in order of start', [span(3, 1, 9), span(2, 1, 5), span(1, 0)], ['1root', '>2', '>3']],
    ['a parent that never came', [span(2, 7), span(3, 2)], ['2orphan', '>3']],
    ['several roots by start', [span(1, 0, 9), span(2, 0, 3)], ['2root', '1root']],
    ['its own parent', [span(1, 1)], ['1cycle']],
    ['a ring, cut at the earliest', [span(1, 3, 5), span(2, 1, 4), span(3, 2, 9)], ['2cycle', '>3', '>>1']],
    ['a tail on a ring', [span(1, 2), span(2, 1), span(3, 2)], ['1cycle', '>2', '>>3']],
    [
      'those that start at once by length, whatever their place',
      [span(1, 0, 0), span(2, 1, 5), { ...span(3, 1, 5), durationNano: 20n }, span(4, 1, 5), span(5, 1, 6)],
      ['1root', '>3', '>2', '>4', '>5'],
    ],
    ['a child that starts before its parent', [span(1, 0, 9), span(2, 1, 1)], ['1root', '>2']],
  ];
  for (const [name, spans, expected] of cases) {
    test(name, () => expect(shape(buildTree(spans))).toEqual(expected));
  }

  test('a client and a server span that share an id stay two, the server below the client', () => {
    const client = makeSpan({ spanId: spanId(2), parentSpanId: spanId(1), kind: 3, serviceName: 'front' });
    const server = makeSpan({ spanId: spanId(2), parentSpanId: spanId(1), kind: 2, serviceName: 'back' });
    const below = makeSpan({ spanId: spanId(3), parentSpanId: spanId(2), serviceName: 'back' });
    const tree = buildTree([makeSpan({ spanId: spanId(1), serviceName: 'front' }), server, below, client]);
    expect(tree.nodes.map((node) => `${node.depth} ${node.span.serviceName} ${node.span.kind}`)).toEqual([
      '0 front 1',
      '1 front 3',
      '2 back 2',
      '3 back 1',
    ]);
  });

  test('a span delivered twice shows once and is counted', () => {
    const tree = buildTree([span(1, 0), span(1, 0), span(2, 1)]);
    expect(tree.nodes).toHaveLength(2);
    expect(tree.duplicateCount).toBe(1);
  });

  test('a negative duration ends where it starts', () => {
    const tree = buildTree([makeSpan({ startTimeUnixNano: 50n, durationNano: -40n })]);
    expect([tree.startUnixNano, tree.endUnixNano]).toEqual([50n, 50n]);
  });

  test('100,000 spans, each the child of the one before, neither overflow nor take long', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => span(i + 1, i));
    const tree = buildTree(chain);
    expect(tree.depth).toBe(100_000);
    expect(tree.roots[0].descendants).toBe(99_999);
  });

  test('100,000 spans in steps: the same tree, with pauses between', async () => {
    const fan = Array.from({ length: 100_000 }, (_, i) => span(i + 1, Math.floor((i + 9) / 10)));
    let pauses = 0;
    const tree = await buildTreeInSteps(fan, async () => pauses++);
    expect(shape(tree)).toEqual(shape(buildTree(fan)));
    expect(pauses).toBeGreaterThan(20);
  });

  test('one id for 100,000 spans is no work without end', () => {
    const tree = buildTree(Array.from({ length: 100_000 }, (_, i) => span(1, i === 0 ? 0 : 1, i)));
    expect([tree.nodes.length, tree.duplicateCount, tree.cycleCount]).toEqual([100_000, 0, 99_999]);
  });

  test('whatever arrives: each distinct span once, parents before children, counts add up', () => {
    fc.assert(
      fc.property(anyTrace, (spans) => {
        const tree = buildTree(spans);
        expect(tree.nodes.length + tree.duplicateCount).toBe(spans.length);
        expect(new Set(tree.nodes.map((node) => node.span)).size).toBe(tree.nodes.length);
        for (const [i, node] of tree.nodes.entries()) {
          expect(node.index).toBe(i);
          expect(node.depth).toBe(node.parent ? node.parent.depth + 1 : 0);
          if (node.parent) expect(node.parent.children.includes(node)).toBe(true);
          else expect(node.rootReason).not.toBe('');
          const inside = tree.nodes.slice(i + 1, i + 1 + node.descendants);
          expect(inside.every((other) => other.depth > node.depth)).toBe(true);
          expect(tree.nodes[i + 1 + node.descendants]?.depth ?? 0).toBeLessThanOrEqual(node.depth);
          expect(node.errorsBelow).toBe(inside.filter((other) => isError(other.span)).length);
          expect(node.span.startTimeUnixNano >= tree.startUnixNano).toBe(true);
          expect(spanEnd(node.span) <= tree.endUnixNano).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
