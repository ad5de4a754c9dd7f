/** What a query that groups or counts says of the spans that it found in a trace. */
import { Html } from '@elysiajs/html';
import type { SpansetSummary } from '../../src/store/span-store.ts';
import { attr, plural } from '../format.ts';
import { staticText } from './metrics-series.ts';

/** Of a trace; a query may part one into a group for each of its spans. */
const SPANSETS_SHOWN = 6;

/** What groups and aggregates say of the spans that matched, each a link to the first of its spans. */
export function Spansets(props: { traceId: string; spansets: readonly SpansetSummary[] }): JSX.Element {
  const told = props.spansets.filter(({ attributes }) => attributes.length > 0);
  if (told.length === 0) return <></>;
  return (
    <ul class="spansets">
      {told.slice(0, SPANSETS_SHOWN).map(({ attributes, matchedCount, matched }) => (
        <li>
          {attributes.map(({ key, value }) => (
            <span class="figure" title={attr(key)}>
              {/* A group's value tells which it is: its key is in the query. */}
              {key.startsWith('by(') ? '' : <bdi safe>{key}</bdi>}{' '}
              <b class="data num" safe>
                {staticText(value)}
              </b>{' '}
            </span>
          ))}
          {matched.length === 0 ? (
            ''
          ) : (
            <a href={`/traces/${props.traceId}?span=${matched[0].spanId}`} safe>
              {plural(matchedCount, 'span')}
            </a>
          )}
        </li>
      ))}
      {told.length > SPANSETS_SHOWN ? (
        <li class="none" safe>{`and ${told.length - SPANSETS_SHOWN} more`}</li>
      ) : (
        ''
      )}
    </ul>
  );
}
