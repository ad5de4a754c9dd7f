/** How an answer was come by: what was left unread and why, what each span was asked, where the time went. */
import { Html } from '@elysiajs/html';
import type { Coverage, Explain, PruneCount } from '../../src/store/span-store.ts';
import { attr, formatCount, formatMilliseconds, plural } from '../format.ts';
import { searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';

/** In a result line: the way to the explanation, where it is not shown. */
export function ExplainLink({ state, coverage }: { state: SearchState; coverage: Coverage }): JSX.Element {
  if (coverage.explain !== undefined) return <></>;
  return (
    <p class="explain-link">
      <a href={attr(searchHref(state, { explain: true, cursor: state.cursor }))}>Explain</a>
    </p>
  );
}

/** Under a result line: the explanation, if it was asked for. */
export function Explained({ state, coverage }: { state: SearchState; coverage: Coverage }): JSX.Element {
  const { explain } = coverage;
  if (explain === undefined) return <></>;
  const href = attr(searchHref(state, { explain: false, cursor: state.cursor }));
  return (
    <details class="explain" open>
      <summary>How this was answered</summary>
      <ExplainBody explain={explain} tookMs={coverage.tookMs} />
      <p class="explain-link">
        <a href={href}>Without explanation</a>
      </p>
    </details>
  );
}

function ExplainBody({ explain, tookMs }: { explain: Explain; tookMs: number }): JSX.Element {
  return (
    <div class="explain-body">
      {explain.earlyStop === '' ? (
        ''
      ) : (
        <p>
          <b>Stopped early:</b> <span safe>{explain.earlyStop}</span>
        </p>
      )}
      <Stages stages={explain.stages} tookMs={tookMs} />
      <Pruned explain={explain} />
      <Predicates explain={explain} />
      <Figures explain={explain} />
    </div>
  );
}

/** In people's words; a stage that this does not know keeps its own name. */
const STAGE_TEXTS: ReadonlyMap<string, string> = new Map([
  ['plan', 'Plan'],
  ['token filters', 'Token filters'],
  ['trace index', 'Trace index'],
  ['buffers', 'Rows in memory'],
  ['rollups', 'Rollups'],
  ['scan', 'Scan of files'],
  ['traces', 'Whole traces'],
  ['rows', 'Rows found'],
  ['merge', 'Merge'],
]);

function Stages({ stages, tookMs }: { stages: Explain['stages']; tookMs: number }): JSX.Element {
  const longest = Math.max(0.01, tookMs, ...stages.map(({ ms }) => ms));
  return (
    <table class="list explain-stages">
      <caption>Where the time went</caption>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col" class="num">
            Time
          </th>
          <th scope="col" class="explain-bar">
            <span class="hidden-visually">Share of the whole</span>
          </th>
          <th scope="col">What</th>
        </tr>
      </thead>
      <tbody>
        {stages.map(({ name, ms, detail }) => (
          <tr>
            <th scope="row" safe>
              {STAGE_TEXTS.get(name) ?? name}
            </th>
            <td class="num" data-label="Time" safe>
              {formatMilliseconds(ms)}
            </td>
            <td class="explain-bar">
              <Bar share={ms / longest} />
            </td>
            <td data-label="What" safe>
              {detail}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Bar({ share }: { share: number }): JSX.Element {
  const width = Math.max(0.8, Math.min(100, share * 100)).toFixed(2);
  return (
    <svg class="duration-bar" width="100%" height="6" aria-hidden="true">
      <rect class="track" width="100%" height="6" rx="3" />
      <rect class="fill" width={`${width}%`} height="6" rx="3" />
    </svg>
  );
}

/** Why something was left unread; stands behind a number, be it 1 or many. */
const REASON_TEXTS: ReadonlyMap<string, string> = new Map([
  ['time', 'outside of the time range'],
  ['services', 'without such a service'],
  ['operations', 'without a span of such a name or kind'],
  ['duration', 'without a span of such a duration'],
  ['status', 'without a span of such a status'],
  ['keys', 'without a span that has such an attribute'],
  ['row groups', 'without a row group that may match'],
  ['tokens', 'without the value, by token filter'],
  ['trace index', 'without any of the traces, by trace index'],
  ['order', 'not needed: enough was found before'],
  ['rollups', 'answered by rollup'],
  ['not needed', 'not needed'],
]);

function Pruned({ explain }: { explain: Explain }): JSX.Element {
  return (
    <div class="explain-pruned">
      <h2>What was read</h2>
      <dl>
        <dt>Files</dt>
        <dd>
          <ReadOf count={explain.files} what="file" />
        </dd>
        <dt>Row groups</dt>
        <dd>
          <ReadOf count={explain.rowGroups} what="row group" />
        </dd>
      </dl>
    </div>
  );
}

function ReadOf({ count, what }: { count: PruneCount; what: string }): JSX.Element {
  const { considered, read, pruned } = count;
  return (
    <>
      <span safe>{`${formatCount(read)} of ${plural(considered, what)} read`}</span>
      <ul>
        {Object.entries(pruned).map(([reason, files]) => (
          <li safe>{`${formatCount(files)} ${REASON_TEXTS.get(reason) ?? `left out by ${reason}`}`}</li>
        ))}
      </ul>
    </>
  );
}

/** How a condition is decided. */
const DECIDED_TEXTS: ReadonlyMap<string, string> = new Map([
  ['range', 'numbers compared'],
  ['codes', 'one byte a row'],
  ['dictionary', 'each distinct value once'],
  ['ids', 'bytes compared'],
  ['own column', 'a column of its own'],
  ['attribute map', 'searched among all attributes'],
  ['events and links', 'searched in events or links'],
  ['row by row', 'row by row'],
]);

function Predicates({ explain }: { explain: Explain }): JSX.Element {
  const { predicates, residual } = explain;
  if (predicates.length === 0 && residual === '') return <></>;
  return (
    <table class="list explain-predicates">
      <caption>What each span was asked, in this order</caption>
      <thead>
        <tr>
          <th scope="col">Condition</th>
          <th scope="col">Decided by</th>
          <th scope="col" class="num">
            About
          </th>
        </tr>
      </thead>
      <tbody>
        {predicates.map(({ text, by, cost }) => (
          <tr>
            <td class="col-main">
              <code safe>{text}</code>
            </td>
            <td data-label="Decided by" safe>
              {DECIDED_TEXTS.get(by) ?? by}
            </td>
            <td class="num" data-label="About" safe>{`${cost} ns a row`}</td>
          </tr>
        ))}
        {residual === '' ? (
          ''
        ) : (
          <tr>
            <td class="col-main">
              <code safe>{residual}</code>
            </td>
            <td data-label="Decided by">whole traces</td>
            <td class="num"></td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** Columns listed; a whole span has some fifty. */
const COLUMNS_SHOWN = 24;

function Figures({ explain }: { explain: Explain }): JSX.Element {
  const { columns, bufferRows, rowsMatched, traces, cache } = explain;
  return (
    <dl class="explain-figures">
      <Figure name="Rows in memory" value={formatCount(bufferRows)} />
      {rowsMatched > 0 ? <Figure name="Rows that matched" value={formatCount(rowsMatched)} /> : ''}
      {traces.candidates + traces.read > 0 ? (
        <Figure
          name="Traces"
          value={[
            traces.candidates > 0 ? `${plural(traces.candidates, 'candidate')}, ` : '',
            `${formatCount(traces.read)} read whole`,
          ].join('')}
        />
      ) : (
        ''
      )}
      {cache.hits + cache.misses > 0 ? (
        <Figure
          name="Decoded columns"
          value={`${formatCount(cache.hits)} from the cache, ${formatCount(cache.misses)} decoded`}
        />
      ) : (
        ''
      )}
      {columns.length > 0 ? <Figure name="Columns read" value={columnsText(columns)} /> : ''}
    </dl>
  );
}

function columnsText(columns: readonly string[]): string {
  const shown = columns.slice(0, COLUMNS_SHOWN).join(', ');
  return columns.length > COLUMNS_SHOWN ? `${shown} and ${columns.length - COLUMNS_SHOWN} more` : shown;
}

function Figure({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <>
      <dt safe>{name}</dt>
      <dd safe>{value}</dd>
    </>
  );
}
