import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { columnsOf } from './map-columns.ts';
import type { LayoutEdge } from './map-columns.ts';
import { layOut } from './map-layout.ts';

const SIZE = { nodeWidth: 100, nodeHeight: 40, columnGap: 60, rowGap: 20 };

interface Graph {
  readonly keys: readonly string[];
  readonly edges: readonly LayoutEdge[];
}

/** Rings, loops to oneself, doubled ways and nodes alone are among them. */
const anyGraph: fc.Arbitrary<Graph> = fc
  .record({
    count: fc.integer({ min: 1, max: 14 }),
    pairs: fc.array(fc.tuple(fc.nat({ max: 13 }), fc.nat({ max: 13 })), { maxLength: 40 }),
  })
  .map(({ count, pairs }) => ({
    keys: Array.from({ length: count }, (_, i) => `n${i}`),
    edges: pairs
      .filter(([from, to]) => from < count && to < count)
      .map(([from, to], i) => ({ key: `e${i}`, from: `n${from}`, to: `n${to}` })),
  }));

test('every node has a place of its own within the picture', () => {
  fc.assert(
    fc.property(anyGraph, ({ keys, edges }) => {
      const { width, height, nodes } = layOut(keys, edges, SIZE);
      expect([...nodes.keys()].toSorted()).toEqual(keys.toSorted());
      const places = [...nodes.values()];
      for (const [i, { x, y }] of places.entries()) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(x + SIZE.nodeWidth).toBeLessThanOrEqual(width);
        expect(y + SIZE.nodeHeight).toBeLessThanOrEqual(height);
        for (const other of places.slice(i + 1)) {
          const isApart = other.x !== x || Math.abs(other.y - y) >= SIZE.nodeHeight;
          expect(isApart).toBe(true);
        }
      }
    }),
  );
});

test('every line leads from the side of its client to that of its server', () => {
  fc.assert(
    fc.property(anyGraph, ({ keys, edges }) => {
      const { nodes, edges: lines } = layOut(keys, edges, SIZE);
      for (const { key, from, to } of edges) {
        if (from === to) continue;
        const points = lines.get(key) ?? [];
        expect(points.length).toBeGreaterThan(1);
        for (const [end, node] of [
          [points[0], nodes.get(from)],
          [points[points.length - 1], nodes.get(to)],
        ] as const) {
          const { x, y } = node ?? { x: Number.NaN, y: Number.NaN };
          expect([x, x + SIZE.nodeWidth]).toContain(end.x);
          expect(end.y).toBe(y + SIZE.nodeHeight / 2);
        }
      }
    }),
  );
});

test('the same graph gives the same picture whatever the order of its parts', () => {
  fc.assert(
    fc.property(
      anyGraph.chain(({ keys, edges }) =>
        fc.record({
          graph: fc.constant({ keys, edges }),
          keys: fc.shuffledSubarray([...keys], { minLength: keys.length }),
          edges: fc.shuffledSubarray([...edges], { minLength: edges.length }),
        }),
      ),
      ({ graph, keys, edges }) => {
        const [a, b] = [layOut(graph.keys, graph.edges, SIZE), layOut(keys, edges, SIZE)];
        for (const key of graph.keys) expect(b.nodes.get(key)).toEqual(a.nodes.get(key));
        for (const [key, points] of a.edges) expect(b.edges.get(key)).toEqual(points);
      },
    ),
  );
});

test('without rings every call goes to the right', () => {
  fc.assert(
    fc.property(anyGraph, ({ keys, edges }) => {
      const number = (key: string): number => Number(key.slice(1));
      const downwards = edges.filter(({ from, to }) => number(from) < number(to));
      expect(columnsOf(keys, downwards).edges.every(({ way }) => way === 'forth')).toBe(true);
    }),
  );
});

test('a call over several columns passes each of them once', () => {
  const edges = [
    { key: 'ab', from: 'a', to: 'b' },
    { key: 'bc', from: 'b', to: 'c' },
    { key: 'cd', from: 'c', to: 'd' },
    { key: 'ad', from: 'a', to: 'd' },
    { key: 'da', from: 'd', to: 'a' },
  ];
  const { columns, edges: laid, standIns } = columnsOf(['a', 'b', 'c', 'd'], edges);
  expect(columns.map((items) => items.filter((item) => !standIns.has(item)))).toEqual([
    ['a'],
    ['b'],
    ['c'],
    ['d'],
  ]);
  expect(laid.find(({ key }) => key === 'ad')?.path).toHaveLength(4);
  expect(laid.find(({ key }) => key === 'da')?.way).toBe('back');
});

test('the largest map is laid out in less than half a second', () => {
  const keys = Array.from({ length: 200 }, (_, i) => `n${i}`);
  const edges = Array.from({ length: 600 }, (_, i) => ({
    key: `e${i}`,
    from: `n${(i * 7) % 200}`,
    to: `n${(i * 13 + 1) % 200}`,
  }));
  const before = performance.now();
  layOut(keys, edges, SIZE);
  expect(performance.now() - before).toBeLessThan(500);
});
