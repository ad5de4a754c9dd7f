/** Test support: the same spans in files, in buffers, in both, and as DuckDB's table. */
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import type { Query } from '../../../../traceql/ast.ts';
import type { TimeRange } from '../../../span-store.ts';
import { BASE } from './arbitrary-spans.ts';
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

export const EVERYTHING: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };

/** All time, and slices of where most of the arbitrary spans start. */
export const ranges: fc.Arbitrary<TimeRange> = fc.oneof(
  fc.constant(EVERYTHING),
  fc.tuple(fc.integer({ min: -2, max: 45 }), fc.integer({ min: 0, max: 45 })).map(([from, length]) => ({
    startUnixNano: BASE + BigInt(from),
    endUnixNano: BASE + BigInt(from) + BigInt(length),
  })),
);

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

/** Of a run of fast-check: a failure is told as small as it is by then, before the test's own limit hides it. */
export const SHRUNK_IN_TIME = { interruptAfterTimeLimit: 80_000, markInterruptAsFailure: true };
