/** Calls to models: how many, how long, how many tokens, what they cost. */
import { Html } from '@elysiajs/html';
import type { PriceTable } from '../../src/trace/gen-ai-prices.ts';
import { attr, formatCount, formatPercent, plural } from '../format.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Late } from '../shared/late.tsx';
import { CoverageLine, ErrorCount, ServiceName } from '../shared/parts.tsx';
import { rangeText, widerRange } from '../shared/range-fields.ts';
import { TimeRange } from '../shared/time-range.tsx';
import { aiHref, formatCost } from './ai-state.ts';
import type { AiFigures, AiLaterParts, AiState, AiTotals, LatestCalls, ModelRow } from './ai-state.ts';
import { AiCharts } from './charts.tsx';
import { LatestCallsTable } from './latest.tsx';
import { AiLater } from './later.tsx';
import { callsHref, Cost, Model, seconds, slowestHref, tokensPerSecond } from './parts.tsx';

export interface AiProps {
  readonly shell: Shell;
  readonly state: AiState;
  readonly now: bigint;
  readonly href: string;
  readonly totals: AiTotals;
  readonly latest: LatestCalls;
  readonly later: AiLaterParts | undefined;
  readonly prices: PriceTable | undefined;
}

export function AiPage(props: AiProps): JSX.Element {
  const { state, totals } = props;
  return (
    <Layout shell={props.shell} title="Gen-AI" current="ai">
      <header class="page-head">
        <h1>Gen-AI</h1>
        <TimeRange
          range={state.range}
          hrefOf={(range) => aiHref(state, { range })}
          problem=""
          beside={false}
        />
      </header>
      {state.service === '' ? (
        ''
      ) : (
        <p class="ai-only">
          Only calls of <ServiceName name={state.service} />{' '}
          <a href={attr(aiHref(state, { service: '' }))}>Show every service</a>
        </p>
      )}
      {totals.all.calls === 0 ? <Nothing state={state} /> : <Found {...props} />}
      <CoverageLine coverage={totals.coverage} />
    </Layout>
  );
}

function Nothing({ state }: { state: AiState }): JSX.Element {
  const wider = widerRange(state.range);
  return (
    <div class="nothing">
      <p class="nothing-title" safe>{`No calls to models in ${rangeText(state.range)}`}</p>
      <p>
        Spans with <code>gen_ai.request.model</code> or <code>gen_ai.response.model</code>, as OpenTelemetry’s
        conventions name them, show up here.
      </p>
      <p class="ways">
        {wider ? (
          <a
            class="button"
            href={attr(aiHref(state, { range: { since: wider.id, start: '', end: '' } }))}
            safe
          >
            {`Look in ${wider.text}`}
          </a>
        ) : (
          <a class="button" href="/start">
            How to send spans
          </a>
        )}
      </p>
    </div>
  );
}

function Found(props: AiProps): JSX.Element {
  const { state, totals, prices, later } = props;
  return (
    <>
      <Figures all={totals.all} prices={prices} />
      <PriceNote totals={totals} prices={prices} />
      <AiCharts totals={totals} prices={prices} />
      <Models totals={totals} state={state} prices={prices} />
      <Services totals={totals} state={state} prices={prices} />
      {later ? (
        <AiLater state={state} later={later} prices={prices} />
      ) : (
        <Late
          id="ai-later"
          what="agents, tools and conversations"
          href={props.href}
          part="later"
          target="ai-later"
        />
      )}
      <LatestCallsTable latest={props.latest} state={state} now={props.now} prices={prices} />
    </>
  );
}

function Figures({ all, prices }: { all: AiFigures; prices: PriceTable | undefined }): JSX.Element {
  return (
    <dl class="error-figures ai-figures">
      <div>
        <dt>Calls</dt>
        <dd class="num" safe>
          {formatCount(all.calls)}
        </dd>
        <dd class="note" safe>
          {all.errors === 0
            ? 'none failed'
            : `${plural(all.errors, 'error')}, ${formatPercent(all.errors / all.calls)}`}
        </dd>
      </div>
      <div>
        <dt>Input tokens</dt>
        <dd class="num" safe>
          {formatCount(all.inputTokens)}
        </dd>
        <dd class="note" safe>{`${formatCount(all.inputTokens / all.calls)} a call`}</dd>
      </div>
      <div>
        <dt>Output tokens</dt>
        <dd class="num" safe>
          {formatCount(all.outputTokens)}
        </dd>
        <dd class="note" safe>{`${formatCount(all.outputTokens / all.calls)} a call`}</dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd class="num" safe>
          {all.cost === undefined || prices === undefined ? '–' : formatCost(all.cost, prices.currency)}
        </dd>
        <dd class="note" safe>
          {prices === undefined
            ? 'no price table'
            : all.unpriced > 0
              ? `without ${plural(all.unpriced, 'call')} of unknown price`
              : 'by the price table'}
        </dd>
      </div>
      <div>
        <dt>Time in calls</dt>
        <dd class="num" safe>
          {seconds(all.seconds)}
        </dd>
        <dd class="note" safe>{`mean ${seconds(all.seconds / all.calls)}`}</dd>
      </div>
    </dl>
  );
}

function PriceNote({ totals, prices }: { totals: AiTotals; prices: PriceTable | undefined }): JSX.Element {
  if (prices === undefined) {
    return (
      <p class="note ai-prices">
        For costs, start the server with <code>--ai-prices FILE</code>:{' '}
        <code>{'{"currency": "USD", "models": {"model or its beginning": {"input": 0, "output": 0}}}'}</code>,
        prices for a million tokens.
      </p>
    );
  }
  const unknown = totals.models
    .filter(({ unpriced }) => unpriced > 0)
    .map(({ requestModel, responseModel }) => requestModel || responseModel);
  return (
    <p class="note ai-prices" safe>
      {`Cost is tokens times the server’s price table${prices.asOf === '' ? '' : ` of ${prices.asOf}`}; discounts for cached tokens are not in it.` +
        (unknown.length === 0
          ? ''
          : ` No price: ${[...new Set(unknown)].slice(0, 8).join(', ').slice(0, 300)}.`)}
    </p>
  );
}

interface TablesProps {
  readonly totals: AiTotals;
  readonly state: AiState;
  readonly prices: PriceTable | undefined;
}

function Models({ totals, state, prices }: TablesProps): JSX.Element {
  return (
    <section class="error-part" aria-labelledby="ai-models">
      <h2 id="ai-models">By model</h2>
      <table class="list ai-table">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <FigureHeads />
            <th scope="col" class="num">
              p50
            </th>
            <th scope="col" class="num">
              p95
            </th>
            <th scope="col" class="num" title="Output tokens for each second of a call">
              Tokens/s
            </th>
          </tr>
        </thead>
        <tbody>
          {totals.models.map((row) => (
            <ModelLine row={row} state={state} prices={prices} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function FigureHeads(): JSX.Element {
  return (
    <>
      <th scope="col" class="num">
        Calls
      </th>
      <th scope="col" class="num">
        Errors
      </th>
      <th scope="col" class="num">
        Input
      </th>
      <th scope="col" class="num">
        Output
      </th>
      <th scope="col" class="num">
        Cost
      </th>
    </>
  );
}

function ModelLine(props: { row: ModelRow; state: AiState; prices: PriceTable | undefined }): JSX.Element {
  const { row, state, prices } = props;
  const asked = [
    ['gen_ai.request.model', row.requestModel],
    ['gen_ai.response.model', row.responseModel],
    ...(row.providerKey === '' ? [] : [[row.providerKey, row.provider] as const]),
  ] as const;
  return (
    <tr>
      <td class="col-main">
        <a href={attr(callsHref(state, asked))}>
          <Model request={row.requestModel} response={row.responseModel}>
            {row.provider === '' ? (
              ''
            ) : (
              <span class="badge" safe>
                {row.provider.slice(0, 60)}
              </span>
            )}
          </Model>
        </a>
      </td>
      <FigureCells
        figures={row}
        calls={callsHref(state, asked)}
        errors={callsHref(state, asked, true)}
        prices={prices}
      />
      <td class="num" data-label="p50">
        {row.p50 === undefined ? (
          <span class="none">–</span>
        ) : (
          <a href={attr(slowestHref(state, asked, row.p50))} safe>
            {seconds(row.p50)}
          </a>
        )}
      </td>
      <td class="num" data-label="p95">
        {row.p95 === undefined ? (
          <span class="none">–</span>
        ) : (
          <a href={attr(slowestHref(state, asked, row.p95))} safe>
            {seconds(row.p95)}
          </a>
        )}
      </td>
      <td class="num" data-label="Tokens/s" safe>
        {tokensPerSecond(row)}
      </td>
    </tr>
  );
}

interface FigureCellsProps {
  readonly figures: AiFigures;
  readonly calls: string;
  readonly errors: string;
  readonly prices: PriceTable | undefined;
}

function FigureCells({ figures, calls, errors, prices }: FigureCellsProps): JSX.Element {
  return (
    <>
      <td class="num" data-label="Calls">
        <a href={attr(calls)} safe>
          {formatCount(figures.calls)}
        </a>
      </td>
      <td class="num" data-label="Errors">
        {figures.errors === 0 ? (
          <span class="none">0</span>
        ) : (
          <a href={attr(errors)}>
            <ErrorCount count={figures.errors} />
          </a>
        )}
      </td>
      <td class="num" data-label="Input" safe>
        {formatCount(figures.inputTokens)}
      </td>
      <td class="num" data-label="Output" safe>
        {formatCount(figures.outputTokens)}
      </td>
      <td class="num" data-label="Cost">
        <Cost cost={figures.cost} prices={prices} partly={figures.unpriced > 0} />
      </td>
    </>
  );
}

function Services({ totals, state, prices }: TablesProps): JSX.Element {
  return (
    <section class="error-part" aria-labelledby="ai-services">
      <h2 id="ai-services">By service</h2>
      <table class="list ai-table">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <FigureHeads />
          </tr>
        </thead>
        <tbody>
          {totals.services.map((row) => (
            <tr>
              <td class="col-main">
                <a
                  href={attr(
                    row.service === '' ? callsHref(state, []) : aiHref(state, { service: row.service }),
                  )}
                >
                  <ServiceName name={row.service} />
                </a>
              </td>
              <FigureCells
                figures={row}
                calls={callsHref({ ...state, service: row.service }, [])}
                errors={callsHref({ ...state, service: row.service }, [], true)}
                prices={prices}
              />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
