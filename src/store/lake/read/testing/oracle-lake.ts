/** Test support: the same spans in files, in buffers, in both, and as DuckDB's table; random questions of them. */
import { afterAll } from 'bun:test';
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import type { Query } from '../../../../traceql/ast.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { BASE, manySpansArbitrary } from './arbitrary-spans.ts';
import { scratchFolder } from './scratch-folder.ts';
import { loadTable } from './sql-table.ts';
import { TestLake, columnsOf } from './test-lake.ts';

/** Where our reader finds the spans. DuckDB always reads the files, which hold them all. */
export const PLACES = ['files', 'both', 'buffers'] as const;
export type Place = (typeof PLACES)[number];

export class OracleLake {
  readonly #lake: TestLake;
  #files: TestLake['files'] = [];
  #buffers: TestLake['buffers'] = [];

  constructor(readonly dataDir: string) {
    this.#lake = new TestLake(dataDir);
  }

  /** Writes each half of the spans as files, small row groups in the first, and fills DuckDB's table. */
  async load(spans: readonly Span[]): Promise<void> {
    const lake = this.#lake;
    lake.clear();
    const half = spans.length >> 1;
    const halves = [spans.slice(0, half), spans.slice(half)].filter((some) => some.length > 0);
    for (const [i, some] of halves.entries()) {
      lake.append(some);
      await lake.flush(i === 0 ? 5 : 1000);
    }
    this.#files = lake.files;
    this.#buffers = halves.map(columnsOf);
    await loadTable(this.#files.map(({ path }) => `${this.dataDir}/${path}`));
    this.#filesOfFirst = this.#countFirst(half);
  }

  #filesOfFirst = 0;

  /** Files that the first half of the spans made: rows add up. */
  #countFirst(half: number): number {
    let rows = 0;
    let count = 0;
    while (rows < half) rows += this.#files[count++].rows;
    return count;
  }

  /** The reader's lake with the spans of `load` there. */
  at(place: Place): TestLake {
    const lake = this.#lake;
    const first = this.#filesOfFirst;
    lake.files = place === 'buffers' ? [] : place === 'files' ? this.#files : this.#files.slice(0, first);
    lake.buffers = place === 'buffers' ? this.#buffers : place === 'files' ? [] : this.#buffers.slice(-1);
    return lake;
  }

  close(): void {
    this.#lake.reader.close();
  }
}

const EVERYTHING: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };

const DAY = 86_400_000_000_000n;

/** From and to are nanoseconds after BASE, from where most of the arbitrary spans start until 40 later. */
function after(from: bigint | number, to: bigint | number): TimeRange {
  return { startUnixNano: BASE + BigInt(from), endUnixNano: BASE + BigInt(to) };
}

/** All time, and slices of where most of the arbitrary spans start: wide ones, days, any. */
export const ranges: fc.Arbitrary<TimeRange> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(EVERYTHING) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: -2, max: 15 }), fc.integer({ min: 25, max: 45 }))
      .map(([from, to]) => after(from, to)),
  },
  { weight: 1, arbitrary: fc.constantFrom(after(-DAY, 30), after(10, DAY), after(10, DAY + 1n)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: -2, max: 45 }), fc.integer({ min: 0, max: 45 }))
      .map(([from, length]) => after(from, from + length)),
  },
);

/** So short that it has few buckets of a nanosecond. */
export function isShort({ startUnixNano, endUnixNano }: TimeRange): boolean {
  return endUnixNano - startUnixNano <= 100n;
}

/** Of the span `s`, as `identity` writes it. */
export const IDENTITY_SQL = `concat_ws(' ', s.start::VARCHAR, s.duration::VARCHAR, s.trace_id, s.span_id,
  s.kind::VARCHAR)`;

export function identity(span: Span): string {
  return `${span.startTimeUnixNano} ${span.durationNano} ${span.traceId} ${span.spanId} ${span.kind}`;
}

/** A counterexample says the query's text, not its tree. */
export function printable<T extends { readonly query: Query; readonly range: TimeRange }>(one: T): T {
  const { query, range } = one;
  const rest = Object.entries(one).filter(([, value]) => typeof value !== 'object');
  const from = range.startUnixNano - BASE;
  const length = range.endUnixNano - range.startUnixNano;
  const text = `${query.text} from BASE + ${from} for ${length} ns ${rest.map(([key, value]) => `${key} ${Bun.inspect(value)}`).join(', ')}`;
  return Object.assign(one, { [fc.toStringMethod]: () => text });
}

/** A lake in a folder of its own, both gone after the tests of the file. */
export function oracleLake(): OracleLake {
  const oracle = new OracleLake(scratchFolder('oracle'));
  afterAll(() => oracle.close());
  return oracle;
}

export interface SearchCase {
  readonly query: Query;
  readonly range: TimeRange;
  readonly order: SearchOrder;
  readonly place: Place;
}

export function searchCases(query: fc.Arbitrary<Query>): fc.Arbitrary<SearchCase> {
  return fc
    .record({
      query,
      range: ranges,
      order: fc.constantFrom<SearchOrder>('newest', 'oldest', 'slowest'),
      place: fc.constantFrom(...PLACES),
    })
    .map(printable);
}

/** For a run of `checkCases`, which takes some 20 s on a machine of its own, and ten times that beside much else. */
export const ORACLE_TIMEOUT_MS = 480_000;
/** A failure is told as small as it is by then. */
const SHRINK_MS = 45_000;

/** `queries`: cases of each of the data sets, on average. */
export async function checkCases<Case>(
  oracle: OracleLake,
  { cases, dataSets, queries }: { cases: fc.Arbitrary<Case>; dataSets: number; queries: number },
  check: (spans: readonly Span[], some: readonly Case[]) => Promise<void>,
): Promise<void> {
  // Biased to short lists, a run would now and then have half the cases of another.
  const some = fc.noBias(fc.array(cases, { minLength: 1, maxLength: 2 * queries, size: 'max' }));
  let shrunkAt = Infinity;
  const property = fc.asyncProperty(manySpansArbitrary, some, async (spans, asked) => {
    fc.pre(performance.now() < shrunkAt);
    try {
      await oracle.load(spans);
      await check(spans, asked);
    } catch (error) {
      shrunkAt = Math.min(shrunkAt, performance.now() + SHRINK_MS);
      throw error;
    }
  });
  await fc.assert(property, { numRuns: dataSets });
}
