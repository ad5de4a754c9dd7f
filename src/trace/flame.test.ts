import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { anyTrace, makeSpan, spanId } from './arbitrary.ts';
import { flameSteps, layoutFlame } from './flame.ts';
import { selfNano } from './self-time.ts';
import { atOnce } from './steps.ts';
import { buildTree } from './tree.ts';

const EVERYTHING = { minShare: 0, maxRows: 1_000, maxFrames: 10_000 };

test('every span is in the path of its services and names, and the figures add up', () => {
  fc.assert(
    fc.property(anyTrace, (spans) => {
      const tree = buildTree(spans);
      const graph = atOnce(flameSteps(tree));
      expect(graph.paths.reduce((sum, { count }) => sum + count, 0)).toBe(tree.nodes.length);
      expect(graph.paths.reduce((sum, { errorCount }) => sum + errorCount, 0)).toBe(tree.errorCount);
      const self = tree.nodes.reduce((sum, node) => sum + Number(selfNano(node)), 0);
      expect(graph.weight).toBe(self);
      expect(graph.byId.size).toBe(graph.paths.length);
      for (const path of graph.paths) {
        const below = path.children.reduce((sum, { weight }) => sum + weight, 0);
        expect(path.weight).toBe(path.selfNano + below);
        const keys = path.children.map(({ serviceName, name }) => `${serviceName} ${name}`);
        expect(new Set(keys).size).toBe(keys.length);
      }
    }),
  );
});

test('frames lie within those above them, beside each other, and none is lost', () => {
  fc.assert(
    fc.property(anyTrace, (spans) => {
      const graph = atOnce(flameSteps(buildTree(spans)));
      const { frames, hidden } = layoutFlame(graph, undefined, EVERYTHING);
      expect(hidden).toBe(0);
      expect(frames.map(({ path }) => path).toSorted(byId)).toEqual([...graph.paths].toSorted(byId));
      const frameOf = new Map(frames.map((frame) => [frame.path, frame]));
      for (const { path, left, width, row } of frames) {
        const above = path.parent ? frameOf.get(path.parent) : { left: 0, width: 1, row: -1 };
        expect(row).toBe((above?.row ?? 0) + 1);
        expect(left).toBeGreaterThanOrEqual((above?.left ?? 0) - 1e-9);
        expect(left + width).toBeLessThanOrEqual((above?.left ?? 0) + (above?.width ?? 0) + 1e-9);
      }
      for (const path of graph.paths) {
        let end = frameOf.get(path)?.left ?? 0;
        for (const child of path.children) {
          expect(frameOf.get(child)?.left).toBeCloseTo(end, 9);
          end += frameOf.get(child)?.width ?? 0;
        }
      }
    }),
  );
});

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

const chain = Array.from({ length: 40 }, (_, i) =>
  makeSpan({
    spanId: spanId(i + 1),
    parentSpanId: i === 0 ? '' : spanId(i),
    name: `level ${i}`,
    startTimeUnixNano: BigInt(i),
    durationNano: BigInt(100 - i),
  }),
);

test('a focus fills the width below its nearest ancestors', () => {
  const graph = atOnce(flameSteps(buildTree(chain)));
  const focus = graph.paths.find(({ name }) => name === 'level 30');
  const { frames } = layoutFlame(graph, focus, EVERYTHING);
  const focused = frames.find(({ path }) => path === focus);
  expect([focused?.left, focused?.width, focused?.row]).toEqual([0, 1, 12]);
  expect(frames[0].path.name).toBe('level 18');
  expect(frames.at(-1)?.path.name).toBe('level 39');
});

test('what is too deep, too narrow or too much is counted instead of drawn', () => {
  const graph = atOnce(flameSteps(buildTree(chain)));
  const deep = layoutFlame(graph, undefined, { ...EVERYTHING, maxRows: 10 });
  expect([deep.frames.length, deep.rows, deep.hidden]).toEqual([10, 10, 1]);
  expect(layoutFlame(graph, undefined, { ...EVERYTHING, maxFrames: 5 }).frames).toHaveLength(5);
  const wide = Array.from({ length: 100 }, (_, i) =>
    makeSpan({ spanId: spanId(i + 1), name: `root ${i}`, durationNano: i === 0 ? 10_000n : 1n }),
  );
  const narrow = layoutFlame(atOnce(flameSteps(buildTree(wide))), undefined, {
    ...EVERYTHING,
    minShare: 0.01,
  });
  expect([narrow.frames.length, narrow.hidden]).toEqual([1, 99]);
});

test('a path has the same id in every trace', () => {
  const [a, b] = [chain, chain.slice(0, 20)].map((spans) => atOnce(flameSteps(buildTree(spans))));
  expect(b.paths.map(({ id }) => id)).toEqual(a.paths.slice(0, 20).map(({ id }) => id));
});
