/**
 * Questions that a server asks itself once it listens, of the newest rows: their code is then compiled, and the
 * first question of a person takes a third of the time.
 */
import { parseQuery } from '../../../traceql/parse.ts';
import type { MetricsQuestion, SearchQuestion, TimeRange } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';

/** No rollup answers them, and no statistics rule their rows out. */
const METRICS = [
  '{ duration > 1ns && kind != consumer && !(name = "-") } | count_over_time()',
  '{ name =~ ".*[^-]" && !(span.http.route = "-") } | count_over_time() by (resource.service.name)',
  '{ !(status = error && duration = 1ns) } | quantile_over_time(duration, .5) by (resource.service.name, name)',
];
const SEARCH = '{ duration > 1ns && resource.service.name != "-" }';

/** Asked over and over for so long, by as many as there are workers. */
export const REHEARSAL_MS = 300;

/** The newest row group of all: reading more would compile nothing more. */
export function newestRows(files: readonly FileEntry[]): TimeRange | undefined {
  let newest: FileEntry['rowGroups'][number] | undefined;
  for (const group of files.flatMap(({ rowGroups }) => rowGroups)) {
    if (newest === undefined || group.maxStartUnixNano > newest.maxStartUnixNano) newest = group;
  }
  return newest && { startUnixNano: newest.minStartUnixNano, endUnixNano: newest.maxStartUnixNano + 1n };
}

export function rehearsedMetrics(range: TimeRange): MetricsQuestion[] {
  return METRICS.map((text) => ({
    query: parseQuery(text),
    range,
    stepNano: undefined,
    maxSeries: 100,
    exemplars: 0,
  }));
}

export function rehearsedSearch(range: TimeRange): SearchQuestion {
  return { query: parseQuery(SEARCH), range, order: 'newest', limit: 100 };
}
