import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { StructuralOperator, StructuralRelation } from './ast.ts';
import { TraceStructure, linkSpans } from './structure.ts';

const RELATIONS: readonly StructuralRelation[] = ['>', '>>', '<', '<<', '~'];
const OPERATORS: readonly StructuralOperator[] = [
  ...RELATIONS,
  ...RELATIONS.map((relation): StructuralOperator => `!${relation}`),
  ...RELATIONS.map((relation): StructuralOperator => `&${relation}`),
];

interface Ids {
  readonly id: number;
  /** 0: none. */
  readonly parentId: number;
}

function structureOf(spans: readonly Ids[]): TraceStructure {
  const wordsOf = (ids: readonly number[]) => Uint32Array.from(ids.flatMap((id) => [id === 0 ? 0 : 9, id]));
  return new TraceStructure(
    linkSpans(wordsOf(spans.map(({ id }) => id)), wordsOf(spans.map(({ parentId }) => parentId))),
  );
}

/** The relations by their definition, a pair of spans at a time: how the right one stands to the left one. */
class Pairs {
  constructor(readonly spans: readonly Ids[]) {}

  parent(span: number): number {
    const { parentId } = this.spans[span];
    return parentId === 0 ? -1 : this.spans.findIndex(({ id }, i) => id === parentId && i !== span);
  }

  isAncestor(above: number, below: number): boolean {
    const seen = new Set<number>();
    for (let at = this.parent(below); at >= 0 && !seen.has(at); at = this.parent(at)) {
      if (at === above) return above !== below;
      seen.add(at);
    }
    return false;
  }

  related(relation: StructuralRelation, left: number, right: number): boolean {
    switch (relation) {
      case '>':
        return this.parent(right) === left;
      case '<':
        return this.parent(left) === right;
      case '>>':
        return this.isAncestor(left, right);
      case '<<':
        return this.isAncestor(right, left);
      case '~': {
        const { parentId } = this.spans[left];
        return left !== right && parentId !== 0 && parentId === this.spans[right].parentId;
      }
    }
  }

  select(operator: StructuralOperator, left: readonly number[], right: readonly number[]): number[] {
    const relation =
      RELATIONS.find((each) => operator === each || (/^[!&]/.test(operator) && operator.slice(1) === each)) ??
      '>';
    const rights = right.filter((r) => left.some((l) => this.related(relation, l, r)));
    if (operator.startsWith('!')) return right.filter((r) => !rights.includes(r));
    if (!operator.startsWith('&')) return rights;
    const lefts = left.filter((l) => right.some((r) => this.related(relation, l, r)));
    return [...new Set([...lefts, ...rights])].toSorted((a, b) => a - b);
  }
}

const subset = fc.array(fc.boolean(), { minLength: 9, maxLength: 9 });

/** Ids are shared, parents lacking, and parents go in circles. */
const anySpans = fc.array(
  fc.record({ id: fc.integer({ min: 1, max: 9 }), parentId: fc.integer({ min: 0, max: 10 }) }),
  {
    maxLength: 9,
  },
);
const tree = fc
  .array(fc.nat(), { maxLength: 9 })
  .map((picks) => picks.map((pick, i) => ({ id: i + 1, parentId: pick % (i + 1) })));

test('every operator selects what its definition says, a pair at a time', () => {
  fc.assert(
    fc.property(fc.oneof(anySpans, tree), subset, subset, (spans, isLeft, isRight) => {
      const structure = structureOf(spans);
      const pairs = new Pairs(spans);
      const left = [...spans.keys()].filter((i) => isLeft[i]);
      const right = [...spans.keys()].filter((i) => isRight[i]);
      for (const operator of OPERATORS) {
        expect([operator, structure.select(operator, left, right)]).toEqual([
          operator,
          pairs.select(operator, left, right),
        ]);
      }
      for (const span of spans.keys()) {
        const children = spans.filter(({ parentId }, i) => parentId === spans[span].id && i !== span);
        expect(structure.childCount(span)).toBe(children.length);
      }
    }),
    { numRuns: 2000 },
  );
});

test('nested sets hold what a span leads to between left and right', () => {
  fc.assert(
    fc.property(fc.oneof(anySpans, tree), (spans) => {
      const { left, right, parent } = structureOf(spans).nestedSets;
      const pairs = new Pairs(spans);
      const fromRoot = (span: number) =>
        [...spans.keys()].some(
          (root) => spans[root].parentId === 0 && (root === span || pairs.isAncestor(root, span)),
        );
      for (const a of spans.keys()) {
        if (!fromRoot(a)) {
          expect([left[a], right[a], parent[a]]).toEqual([0, 0, 0]);
          continue;
        }
        expect(parent[a]).toBe(spans[a].parentId === 0 ? -1 : left[pairs.parent(a)]);
        for (const b of spans.keys()) {
          if (a === b || !fromRoot(b)) continue;
          expect(left[a] < left[b] && right[b] < right[a]).toBe(pairs.isAncestor(a, b));
        }
      }
    }),
  );
});

describe('100,000 spans', () => {
  const COUNT = 100_000;
  const all = Array.from({ length: COUNT }, (_, i) => i);
  const shapes = new Map<string, readonly Ids[]>([
    ['in one chain', all.map((i) => ({ id: i + 1, parentId: i }))],
    [
      'in a chain the other way round',
      all.map((i) => ({ id: i + 1, parentId: i + 1 === COUNT ? 0 : i + 2 })),
    ],
    ['below one root', all.map((i) => ({ id: i + 1, parentId: i === 0 ? 0 : 1 }))],
    ['in one circle', all.map((i) => ({ id: i + 1, parentId: ((i + 1) % COUNT) + 1 }))],
    ['of one id, each its own parent', all.map(() => ({ id: 1, parentId: 1 }))],
  ]);
  for (const [name, spans] of shapes) {
    test(`${name}: every operator at once, well below the seconds that pairs would take`, () => {
      const cpu = process.cpuUsage();
      const structure = structureOf(spans);
      for (const operator of OPERATORS) structure.select(operator, all, all);
      expect(structure.nestedSets.left).toHaveLength(COUNT);
      const { user, system } = process.cpuUsage(cpu);
      // 15 operators in some 0.3 s; pairs of them would be 150 billion.
      expect((user + system) / 1e6).toBeLessThan(5);
    });
  }
});
