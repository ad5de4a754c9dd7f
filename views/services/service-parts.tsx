/** What a service's page tells beside figures: its versions and places, and its latest errors. */
import { Html } from '@elysiajs/html';
import type { FacetsPage, SpanPage } from '../../src/store/span-store.ts';
import { and, comparison, field } from '../../src/traceql/build.ts';
import { printExpression } from '../../src/traceql/print.ts';
import { attr, formatCount, formatDuration, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { SpanName, StartTime } from '../shared/parts.tsx';
import { figureHref, missing } from '../shared/query-links.ts';
import { rangeParams } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';
import { FigureLink } from './figures.tsx';

/** What tells the instances of a service apart, as the semantic conventions name it. */
export const MAKE_UP: readonly (readonly [key: string, title: string])[] = [
  ['service.version', 'Version'],
  ['deployment.environment.name', 'Environment'],
  ['service.instance.id', 'Instance'],
  ['host.name', 'Host'],
  ['k8s.pod.name', 'Pod'],
  ['telemetry.sdk.language', 'Language'],
];

/** Values of each. */
export const MAKE_UP_VALUES = 6;

interface OfService {
  readonly service: string;
  readonly range: RangeFields;
}

export function MakeUp({ service, range, page }: OfService & { page: FacetsPage }): JSX.Element {
  const known = page.facets.filter(({ values }) => values.length > 0);
  if (known.length === 0) {
    return <p class="none">Its resource names no version, environment, instance or host.</p>;
  }
  return (
    <dl class="make-up">
      {known.map(({ field, values, distinct }) => (
        <div>
          <dt safe>{titleOf(field)}</dt>
          {values.map(({ value, count }) => (
            <dd>
              <FigureLink href={resourceHref(service, field, value, range)} label={plural(count, 'span')}>
                <bdi class="data" safe>
                  {value}
                </bdi>
              </FigureLink>
              <span class="num note" safe>
                {formatCount(count)}
              </span>
            </dd>
          ))}
          {distinct > values.length ? (
            <dd class="note" safe>{`and ${formatCount(distinct - values.length)} more`}</dd>
          ) : (
            ''
          )}
        </div>
      ))}
    </dl>
  );
}

function titleOf(facet: string): string {
  return MAKE_UP.find(([key]) => `resource.${key}` === facet)?.[1] ?? facet;
}

const MAX_QUERY_LENGTH = 1500;

function resourceHref(service: string, facet: string, value: string, range: RangeFields): string {
  const name = field('resource', 'service.name');
  const condition = and(
    service === '' ? missing(name) : comparison(name, '=', service),
    comparison(field('resource', facet.replace(/^resource\./, '')), '=', value),
  );
  const q = condition === null ? '' : `{ ${printExpression(condition)} }`;
  return q === '' || q.length > MAX_QUERY_LENGTH
    ? ''
    : `/search?${new URLSearchParams({ q, ...rangeParams(range) })}`;
}

export function LatestErrors({
  service,
  range,
  page,
  now,
}: OfService & { page: SpanPage; now: bigint }): JSX.Element {
  if (page.spans.length === 0) return <p class="none">No span of it failed in this range.</p>;
  const all = figureHref({ service, operation: '', errorsOnly: true }, rangeParams(range));
  return (
    <>
      <table class="list latest-errors">
        <caption class="hidden-visually">Latest errors</caption>
        <thead>
          <tr>
            <th scope="col">Operation</th>
            <th scope="col">Message</th>
            <th scope="col" class="num">
              Duration
            </th>
            <th scope="col">Start (UTC)</th>
          </tr>
        </thead>
        <tbody>
          {page.spans.map((span) => (
            <tr>
              <th scope="row" class="col-main">
                <a href={attr(`/traces/${span.traceId}?span=${span.spanId}`)}>
                  <SpanName name={span.name} />
                </a>
              </th>
              <td class="error-message">
                <span class="error">
                  <Icon name="error" />
                  <span class="hidden-visually">error:</span>
                </span>
                {messageOf(span) === '' ? (
                  <em class="missing">no message</em>
                ) : (
                  <bdi class="data" safe>
                    {messageOf(span)}
                  </bdi>
                )}
              </td>
              <td class="num" data-label="Duration" safe>
                {formatDuration(span.durationNano)}
              </td>
              <td data-label="Start">
                <StartTime unixNano={span.startTimeUnixNano} now={now} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {all === '' ? (
        ''
      ) : (
        <p class="note">
          <a href={attr(all)}>All traces with its errors</a>
        </p>
      )}
    </>
  );
}

/** A message may be a whole stack trace. */
const MESSAGE_SHOWN = 200;

/** What the span says, or else its first exception. */
function messageOf(span: SpanPage['spans'][number]): string {
  const text = span.statusMessage === '' ? exceptionOf(span) : span.statusMessage;
  return text.length > MESSAGE_SHOWN ? `${text.slice(0, MESSAGE_SHOWN)} …` : text;
}

function exceptionOf({ events }: SpanPage['spans'][number]): string {
  const exception = events.find(({ name }) => name === 'exception');
  const textOf = (wanted: string): string => {
    const value = exception?.attributes.find(({ key }) => key === wanted)?.value;
    return value?.type === 'string' ? value.value : '';
  };
  return [textOf('exception.type'), textOf('exception.message')].filter((text) => text !== '').join(': ');
}
