/** `/search/next-steps`: where a search that found nothing would find something. */
import { Html } from '@elysiajs/html';
import type { TimeRange } from '../../store/span-store.ts';
import type { Query } from '../../traceql/ast.ts';
import { MATCH_ALL } from '../../traceql/build.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { cut } from '../../../views/search/facets.tsx';
import { QueryEdits } from '../../../views/search/facets-links.ts';
import { NextSteps } from '../../../views/search/nothing.tsx';
import type { NextStepsProps } from '../../../views/search/nothing.tsx';
import { RANGES } from '../../../views/search/search-state.ts';
import { closedRange } from '../api/step.ts';
import { rangeOf } from './range.ts';
import { searchPart } from './search-part.ts';
import type { PartAsked } from './search-part.ts';

/** Conditions that are left out in turn, the last first: each is a count of its own. */
const DROPPED = 4;

export const nextStepsPart = searchPart('Where there is something', async (asked) => {
  const count = counter(asked);
  const stored = await storedRange(asked);
  const wider = stored ? await widerCounts(asked, count) : [];
  const dropped = stored ? await droppedCounts(asked, count) : [];
  return Html.createElement(NextSteps, {
    state: asked.state,
    wider,
    dropped,
    stored,
    incomplete: count.incomplete,
  });
});

interface Counter {
  (query: Query, range: TimeRange): Promise<number>;
  incomplete: string;
}

/** Counts matching spans, and remembers why a count may be too small. */
function counter({ deps, projectId, signal }: PartAsked): Counter {
  const count = async (query: Query, range: TimeRange): Promise<number> => {
    const page = await deps.store.facets(projectId, { query, range, fields: [], limit: 1, signal });
    if (page.complete !== true) counting.incomplete = page.complete.reason;
    return page.count;
  };
  const counting: Counter = Object.assign(count, { incomplete: '' });
  return counting;
}

async function storedRange({ deps, projectId, at, signal }: PartAsked): Promise<NextStepsProps['stored']> {
  if (deps.store.isEmpty(projectId)) return undefined;
  const all = rangeOf({ since: 'all', start: '', end: '' }, at);
  const { startUnixNano, endUnixNano } = await closedRange(deps.store, projectId, all, {
    unixNano: at,
    signal,
  });
  if (startUnixNano === endUnixNano) return undefined;
  return { firstUnixNano: startUnixNano, lastUnixNano: endUnixNano - 1n };
}

/** The ranges up to the first that has spans. */
async function widerCounts(
  { state, query, at }: PartAsked,
  count: Counter,
): Promise<NextStepsProps['wider']> {
  const found: { range: (typeof RANGES)[number]; spans: number }[] = [];
  const first = state.since === '' ? RANGES.length - 1 : RANGES.findIndex(({ id }) => id === state.since) + 1;
  for (const range of RANGES.slice(first)) {
    const spans = await count(query, rangeOf({ since: range.id, start: '', end: '' }, at));
    if (spans > 0) return [{ range, spans }];
    found.push({ range, spans });
  }
  return found.slice(-1);
}

async function droppedCounts(
  { query, range }: PartAsked,
  count: Counter,
): Promise<NextStepsProps['dropped']> {
  const { conditions } = new QueryEdits(query);
  const found: NextStepsProps['dropped'][number][] = [];
  for (const { text, without } of conditions.slice(-DROPPED).toReversed()) {
    const spans = await count(without === '' ? MATCH_ALL : parseQuery(without), range);
    found.push({ condition: cut(text), q: without, spans });
  }
  return found;
}
