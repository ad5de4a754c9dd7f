/** The ids of the rows that were remembered as examples: read only for the series that are answered. */
import type { Exemplar } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { ID_BYTES_EACH, ID_COLUMNS, SPAN_BYTES, TRACE_BYTES } from './metrics-ids-job.ts';
import type { Series } from './metrics-stages.ts';
import { spread } from './series-examples.ts';
import type { Example, ExamplePlace } from './series-table.ts';
import type { Buckets } from './series-time.ts';
import type { BufferSource, Session } from '../session.ts';
import { inLanes } from '../session.ts';
import { hexAt } from '../scan/texts.ts';

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

/** All series together show at most so many: each is read from its file by itself. */
const MAX_EXEMPLARS = 1000;

/** By series, in order of time. */
export async function exemplarsOf(
  session: Session,
  buckets: Buckets,
  series: readonly Series[],
  wanted: number,
): Promise<Exemplar[][]> {
  if (wanted === 0) return series.map(() => []);
  const each = Math.max(1, Math.min(wanted, Math.floor(MAX_EXEMPLARS / Math.max(1, series.length))));
  const chosen = series.map(({ examples }, i) => (i < MAX_EXEMPLARS ? spread(examples, each) : []));
  const ids = await idsOf(session, new Set(chosen.flat().map(({ place }) => place)));
  return chosen.map((examples, i) =>
    examples.flatMap((example) => {
      const found = ids.get(example.place);
      if (!found) return [];
      const { startUnixNano } = example;
      return [{ ...found, timeUnixNano: startUnixNano, value: valueOf(example, series[i], buckets) }];
    }),
  );
}

/** What was measured of the span, or else its bucket's sample. */
function valueOf(example: Example, { samples }: Series, { originUnixNano, stepNano }: Buckets): number {
  if (!Number.isNaN(example.number)) return example.number;
  return samples[Number((example.startUnixNano - originUnixNano) / stepNano)];
}

async function idsOf(session: Session, places: ReadonlySet<ExamplePlace>): Promise<Map<ExamplePlace, Ids>> {
  const found = new Map<ExamplePlace, Ids>();
  const inFiles = new Map<FileEntry, Extract<ExamplePlace, { kind: 'file' }>[]>();
  for (const place of places) {
    switch (place.kind) {
      case 'ids':
        found.set(place, { traceId: place.traceId, spanId: place.spanId });
        break;
      case 'buffer':
        found.set(place, idsInBuffer(place.buffer, place.row));
        break;
      case 'file':
        inFiles.set(place.file, [...(inFiles.get(place.file) ?? []), place]);
    }
  }
  const files = [...inFiles];
  await inLanes(
    session.concurrency,
    () => files.shift(),
    ([file, wanted]) => idsInFile(session, file, wanted, found),
  );
  return found;
}

function idsInBuffer({ columns }: BufferSource, row: number): Ids {
  return {
    traceId: hexAt(columns.traceIds, row * TRACE_BYTES, TRACE_BYTES),
    spanId: hexAt(columns.spanIds, row * SPAN_BYTES, SPAN_BYTES),
  };
}

async function idsInFile(
  session: Session,
  file: FileEntry,
  places: Extract<ExamplePlace, { kind: 'file' }>[],
  found: Map<ExamplePlace, Ids>,
): Promise<void> {
  places.sort((a, b) => a.rowGroup - b.rowGroup || a.row - b.row);
  const groups = [...new Set(places.map(({ rowGroup }) => rowGroup))];
  const picks = groups.map((rowGroup) => ({
    rowGroup,
    rows: Uint32Array.from(
      places.filter((place) => place.rowGroup === rowGroup),
      ({ row }) => row,
    ),
  }));
  const ids = await session.job<'ids'>(file, { kind: 'ids', columns: ID_COLUMNS, picks });
  if (!ids) return;
  places.forEach((place, i) =>
    found.set(place, {
      traceId: hexAt(ids, i * ID_BYTES_EACH, TRACE_BYTES),
      spanId: hexAt(ids, i * ID_BYTES_EACH + TRACE_BYTES, SPAN_BYTES),
    }),
  );
}
