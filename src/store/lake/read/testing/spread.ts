/** Test support: spans in two files and a buffer. */
import type { Span } from '../../../../span/span.ts';
import type { TestLake } from './test-lake.ts';

/** Traces are cut between files and buffer, and some row groups are tiny. */
export async function storeSpread(lake: TestLake, spans: readonly Span[]): Promise<void> {
  lake.clear();
  const third = Math.ceil(spans.length / 3);
  lake.append(spans.slice(0, third));
  await lake.flush(4);
  lake.append(spans.slice(third, third * 2));
  await lake.flush(100);
  lake.append(spans.slice(third * 2));
}
