/** Calls as a table: who calls whom, how often, how often wrong, how slow. Every figure leads to its traces. */
import { Html } from '@elysiajs/html';
import { formatCount, formatDuration, formatPercent, formatRate } from '../format.ts';
import { ErrorCount } from '../shared/parts.tsx';
import { rangeParams } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';
import { callHref, callWord } from './calls.ts';
import type { Call, CallFilter, End } from './calls.ts';
import { EndName } from './end.tsx';
import { FigureLink } from './figures.tsx';

export interface CallsTableProps {
  readonly caption: string;
  readonly calls: readonly Call[];
  readonly range: RangeFields;
  readonly seconds: number;
  /** Which ends are shown: those of one service are all the same on one side. */
  readonly ends: 'both' | 'client' | 'server';
  /** Where the name of an end leads; '' nowhere. */
  readonly hrefOf: (end: End) => string;
}

export function CallsTable(props: CallsTableProps): JSX.Element {
  const { caption, calls, ends } = props;
  return (
    <div class="table-scroll">
      <table class="list calls">
        <caption class="hidden-visually" safe>
          {caption}
        </caption>
        <thead>
          <tr>
            {ends === 'server' ? '' : <th scope="col">Client</th>}
            {ends === 'client' ? '' : <th scope="col">Server</th>}
            <th scope="col">Kind</th>
            <th scope="col" class="num">
              Calls
            </th>
            <th scope="col" class="num">
              Rate
            </th>
            <th scope="col" class="num">
              Errors
            </th>
            <th scope="col" class="num">
              Error %
            </th>
            <th scope="col" class="num">
              p50
            </th>
            <th scope="col" class="num">
              p95
            </th>
            <th scope="col" class="num">
              p99
            </th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => (
            <CallRow call={call} {...props} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CallRow(props: CallsTableProps & { call: Call }): JSX.Element {
  const { call, range, seconds, ends, hrefOf } = props;
  const href = (filter: CallFilter): string => callHref(call, filter, rangeParams(range));
  return (
    <tr>
      {ends === 'server' ? (
        ''
      ) : (
        <th scope="row" class="col-main">
          <EndName end={call.from} href={hrefOf(call.from)} />
        </th>
      )}
      {ends === 'client' ? (
        ''
      ) : ends === 'server' ? (
        <th scope="row" class="col-main">
          <EndName end={call.to} href={hrefOf(call.to)} />
        </th>
      ) : (
        <td class="col-main" data-label="→">
          <EndName end={call.to} href={hrefOf(call.to)} />
        </td>
      )}
      <td data-label="Kind" safe>
        {callWord(call)}
      </td>
      <td class="num" data-label="Calls">
        <FigureLink href={href({})} label="Their traces">
          <span safe>{formatCount(call.calls)}</span>
        </FigureLink>
      </td>
      <td class="num" data-label="Rate">
        {seconds > 0 ? formatRate(call.calls, seconds) : '–'}
      </td>
      <td class="num" data-label="Errors">
        <FigureLink
          href={call.errors === 0 ? '' : href({ errorsOnly: true })}
          label="Traces with these errors"
        >
          <ErrorCount count={call.errors} />
        </FigureLink>
      </td>
      <td class="num" data-label="Error %" safe>
        {formatPercent(call.calls === 0 ? 0 : call.errors / call.calls)}
      </td>
      {(
        [
          ['p50', call.p50Nano],
          ['p95', call.p95Nano],
          ['p99', call.p99Nano],
        ] as const
      ).map(([label, nano]) => (
        <td class="num" data-label={label}>
          <FigureLink href={href({ minDuration: nano })} label="Traces as slow">
            <span safe>{formatDuration(nano)}</span>
          </FigureLink>
        </td>
      ))}
    </tr>
  );
}
