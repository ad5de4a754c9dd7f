/** The figures of one service over the range, with their change. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { OperationStats } from '../../src/store/span-store.ts';
import { formatDuration, formatPercent, formatRate, plural } from '../format.ts';
import { figureHref } from '../shared/query-links.ts';
import { ErrorCount } from '../shared/parts.tsx';
import { rangeParams } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';
import type { Change } from './change.ts';
import { ChangeText, FigureLink } from './figures.tsx';
import { changesOf, errorShare } from './stats-view.ts';

export interface ServiceHeadProps {
  readonly row: OperationStats;
  readonly before: OperationStats | undefined;
  readonly seconds: number;
  readonly range: RangeFields;
}

export function ServiceHead({ row, before, seconds, range }: ServiceHeadProps): JSX.Element {
  const filter = { service: row.serviceName, operation: '' };
  const params = rangeParams(range);
  const traces = figureHref(filter, params);
  const errors = row.errorCount === 0 ? '' : figureHref({ ...filter, errorsOnly: true }, params);
  const slow = (minDuration: bigint): string =>
    figureHref({ ...filter, minDuration }, { ...params, order: 'slowest' });
  const changes = changesOf(row, before);
  return (
    <dl class="service-head">
      <Tile label="Rate" href={traces} change={changes?.rate} note={plural(row.count, 'span')}>
        <span>{seconds > 0 ? formatRate(row.count, seconds) : '–'}</span>
      </Tile>
      <Tile label="Errors" href={errors} change={undefined} note="">
        <ErrorCount count={row.errorCount} />
      </Tile>
      <Tile label="Error %" href={errors} change={changes?.errorShare} note="">
        <span safe>{formatPercent(errorShare(row))}</span>
      </Tile>
      <Tile label="p50" href={slow(row.p50Nano)} change={changes?.p50} note="">
        <span safe>{formatDuration(row.p50Nano)}</span>
      </Tile>
      <Tile label="p95" href={slow(row.p95Nano)} change={changes?.p95} note="">
        <span safe>{formatDuration(row.p95Nano)}</span>
      </Tile>
      <Tile
        label="p99"
        href={slow(row.p99Nano)}
        change={changes?.p99}
        note={`longest ${formatDuration(row.maxNano)}`}
      >
        <span safe>{formatDuration(row.p99Nano)}</span>
      </Tile>
    </dl>
  );
}

function Tile(props: {
  label: string;
  href: string;
  change: Change | undefined;
  note: string;
  children?: Children;
}): JSX.Element {
  const { label, href, change, note } = props;
  return (
    <div class="tile">
      <dt safe>{label}</dt>
      <dd class="num">
        <span class="tile-figure">
          <FigureLink href={href}>{props.children}</FigureLink>
        </span>
        {change === undefined ? '' : <ChangeText change={change} />}
        {note === '' ? (
          ''
        ) : (
          <span class="note" safe>
            {note}
          </span>
        )}
      </dd>
    </div>
  );
}
