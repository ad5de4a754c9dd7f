/** The service map: who calls whom, as a picture and as a table with the same content. */
import { Html } from '@elysiajs/html';
import type { Coverage } from '../../src/store/span-store.ts';
import { attr, formatCount, plural } from '../format.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Late } from '../shared/late.tsx';
import { CoverageLine, ServiceName } from '../shared/parts.tsx';
import { figureHref } from '../shared/query-links.ts';
import { rangeParams, rangeText, widerRange } from '../shared/range-fields.ts';
import { TimeRange } from '../shared/time-range.tsx';
import type { Call } from './calls.ts';
import { CallsTable } from './calls-table.tsx';
import { neighbourhood } from './map-graph.ts';
import type { MapGraph } from './map-graph.ts';
import { MapPicture } from './map-picture.tsx';
import { mapHref } from './map-state.ts';
import type { MapState } from './map-state.ts';
import { serviceHref } from './stats-state.ts';

export interface MapAnswer {
  readonly calls: readonly Call[];
  readonly graph: MapGraph;
  /** Names of all services with spans in the range, by name. */
  readonly services: readonly string[];
  readonly coverage: Coverage;
  readonly seconds: number;
}

export interface MapProps {
  readonly shell: Shell;
  readonly state: MapState;
  /** Why the typed range is none; '' when it is one. */
  readonly problem: string;
  /** Undefined while it is on its way. */
  readonly answer: MapAnswer | undefined;
}

export function MapPage(props: MapProps): JSX.Element {
  const { shell, state, problem } = props;
  return (
    <Layout shell={shell} title="Service map" current="map">
      <header class="page-head">
        <div>
          {state.service === undefined ? (
            ''
          ) : (
            <p class="crumb">
              <a href={attr(mapHref({ ...state, service: undefined }))}>Whole map</a>
            </p>
          )}
          <h1>Service map</h1>
        </div>
        <TimeRange
          range={state.range}
          hrefOf={(range) => mapHref({ ...state, range })}
          problem={problem}
          beside={false}
        />
      </header>
      <MapRegion {...props} />
    </Layout>
  );
}

export function MapRegion({ state, answer }: MapProps): JSX.Element {
  return (
    <div id="map-region">
      {answer === undefined ? (
        <Late id="map-late" what="calls" href={mapHref(state)} part="map" target="map-region" />
      ) : (
        <>
          <Chooser state={state} services={answer.services} />
          {answer.graph.nodes.length === 0 ? (
            <NoCalls state={state} answer={answer} />
          ) : (
            <Drawn {...{ state, answer }} />
          )}
          <CoverageLine coverage={answer.coverage} />
        </>
      )}
    </div>
  );
}

/** Whose neighbourhood is shown. A form for the keyboard and for large maps; nodes do the same. */
function Chooser({ state, services }: { state: MapState; services: readonly string[] }): JSX.Element {
  const { service, range } = state;
  return (
    <div class="map-chooser">
      <form
        action="/map"
        method="get"
        aria-label="Neighbourhood"
        hx-get="/map"
        hx-trigger="change"
        hx-target="#map-region"
        hx-push-url="true"
      >
        {Object.entries(rangeParams(range)).map(([name, value]) => (
          <input type="hidden" name={name} value={attr(value)} />
        ))}
        <label for="map-service">Neighbours of</label>
        <select id="map-service" name="service">
          <option value="">all services</option>
          {services
            .filter((name) => name !== '')
            .map((name) => (
              <option value={attr(name)} selected={name === service} safe>
                {name}
              </option>
            ))}
        </select>
        <noscript>
          <button class="button is-quiet">Show</button>
        </noscript>
      </form>
      {service === undefined ? (
        ''
      ) : (
        <p class="map-chosen">
          <ServiceName name={service} />
          <a href={attr(serviceHref(service, range))}>Its page</a>
          <TracesLink service={service} state={state} />
          <a href={attr(mapHref({ ...state, service: undefined }))}>Whole map</a>
        </p>
      )}
    </div>
  );
}

function TracesLink({ service, state }: { service: string; state: MapState }): JSX.Element {
  const href = figureHref({ service, operation: '' }, rangeParams(state.range));
  return href === '' ? <></> : <a href={attr(href)}>Its traces</a>;
}

/** Rows of the table; the busiest. */
const MOST_ROWS = 1000;

function Drawn({ state, answer }: { state: MapState; answer: MapAnswer }): JSX.Element {
  const { graph, seconds } = answer;
  const calls = state.service === undefined ? answer.calls : neighbourhood(answer.calls, state.service);
  const rows = calls.slice(0, MOST_ROWS);
  return (
    <>
      <p class="found" role="status" safe>
        {foundText(answer, calls)}
      </p>
      <div class="map-and-table">
        <section class="map-part" aria-label="Map">
          <MapPicture graph={graph} state={state} seconds={seconds} />
          <Legend />
          {graph.alone.length === 0 ? '' : <Alone state={state} graph={graph} />}
        </section>
        <section class="map-table" aria-labelledby="map-table-title">
          <h2 id="map-table-title">Calls</h2>
          {rows.length < calls.length ? (
            <p
              class="note"
              safe
            >{`The ${formatCount(rows.length)} busiest of ${formatCount(calls.length)}.`}</p>
          ) : (
            ''
          )}
          {rows.length === 0 ? (
            <p class="none">It calls nobody, and nobody calls it, in this range.</p>
          ) : (
            <CallsTable
              caption="Calls"
              calls={rows}
              range={state.range}
              seconds={seconds}
              ends="both"
              hrefOf={({ kind, name }) => (kind === 'service' ? mapHref({ ...state, service: name }) : '')}
            />
          )}
        </section>
      </div>
    </>
  );
}

function foundText({ graph }: MapAnswer, calls: readonly Call[]): string {
  const sum = calls.reduce((all, one) => all + one.calls, 0);
  const text = `${plural(graph.nodes.length + graph.hiddenNodes, 'node')}, ${plural(calls.length, 'connection')}, ${plural(sum, 'call')}`;
  const hidden = [
    graph.hiddenNodes > 0 ? plural(graph.hiddenNodes, 'node') : '',
    graph.hiddenEdges > 0 ? plural(graph.hiddenEdges, 'connection') : '',
  ].filter((one) => one !== '');
  if (hidden.length === 0) return text;
  return `${text}. The least busy are left out of the picture: ${hidden.join(' and ')}. Choose a service to see all of its own.`;
}

function Legend(): JSX.Element {
  return (
    <p class="note map-legend">
      Calls go from left to right; a thicker line has more of them. A triangle and red: 1 % or more of the
      calls fail. Databases, queues and external hosts send no spans and are known by what their clients say.
      A node shows its neighbours, a line its traces.
    </p>
  );
}

function Alone({ state, graph }: { state: MapState; graph: MapGraph }): JSX.Element {
  const shown = graph.alone.slice(0, 50);
  return (
    <div class="map-alone">
      <h2>Without calls</h2>
      <p class="map-alone-list">
        {shown.map(({ name }) => (
          <a href={attr(serviceHref(name, state.range))}>
            <ServiceName name={name} />
          </a>
        ))}
        {graph.alone.length > shown.length ? (
          <span class="note" safe>{`and ${formatCount(graph.alone.length - shown.length)} more`}</span>
        ) : (
          ''
        )}
      </p>
    </div>
  );
}

function NoCalls({ state, answer }: { state: MapState; answer: MapAnswer }): JSX.Element {
  const wider = widerRange(state.range);
  return (
    <div class="nothing">
      <p class="nothing-title">No calls in this range</p>
      <p safe>
        {answer.services.length === 0
          ? `No spans in ${rangeText(state.range)}.`
          : `${plural(answer.services.length, 'service')} sent spans in ${rangeText(state.range)}, and none calls another.`}
      </p>
      <p class="ways">
        {wider ? (
          <a
            class="button"
            href={attr(mapHref({ ...state, range: { since: wider.id, start: '', end: '' } }))}
            safe
          >
            {`Look in ${wider.text}`}
          </a>
        ) : (
          <a class="button" href="/start">
            How to send spans
          </a>
        )}
        {answer.services.length === 0 ? '' : <a href="/services">All services</a>}
      </p>
    </div>
  );
}
