/** The newest calls to models, each with its span. */
import { Html } from '@elysiajs/html';
import type { Span } from '../../src/span/span.ts';
import { genAiCall } from '../../src/trace/gen-ai.ts';
import { costOf } from '../../src/trace/gen-ai-prices.ts';
import type { PriceTable } from '../../src/trace/gen-ai-prices.ts';
import { isError } from '../../src/trace/tree.ts';
import { attr, formatCount, formatDuration, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, StartTime, Zone } from '../shared/parts.tsx';
import type { AiState, LatestCalls } from './ai-state.ts';
import { callsHref, Cost, Model } from './parts.tsx';

interface LatestProps {
  readonly latest: LatestCalls;
  readonly state: AiState;
  readonly now: bigint;
  readonly prices: PriceTable | undefined;
}

export function LatestCallsTable({ latest, state, now, prices }: LatestProps): JSX.Element {
  return (
    <section class="error-part" aria-labelledby="ai-latest">
      <h2 id="ai-latest">Newest calls</h2>
      <table class="list ai-table">
        <thead>
          <tr>
            <th scope="col">
              Start (<Zone />)
            </th>
            <th scope="col">Model</th>
            <th scope="col">Operation</th>
            <th scope="col">Service</th>
            <th scope="col" class="num">
              Input
            </th>
            <th scope="col" class="num">
              Output
            </th>
            <th scope="col" class="num">
              Cost
            </th>
            <th scope="col" class="num">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {latest.spans.map((span) => (
            <Row span={span} now={now} prices={prices} />
          ))}
        </tbody>
      </table>
      {latest.more ? (
        <p class="ways">
          <span class="note" safe>{`The newest ${plural(latest.spans.length, 'call')}`}</span>
          <a class="button" href={attr(callsHref(state, []))}>
            All calls
          </a>
        </p>
      ) : (
        ''
      )}
    </section>
  );
}

function Row({
  span,
  now,
  prices,
}: {
  span: Span;
  now: bigint;
  prices: PriceTable | undefined;
}): JSX.Element {
  const call = genAiCall(span);
  const { inputTokens, outputTokens } = call;
  const known = inputTokens !== undefined || outputTokens !== undefined;
  const models = { request: call.requestModel, response: call.responseModel };
  const tokens = { input: inputTokens ?? 0, output: outputTokens ?? 0 };
  return (
    <tr>
      <td class="col-time" data-label="Start">
        <a href={`/traces/${span.traceId}?span=${span.spanId}`}>
          <StartTime unixNano={span.startTimeUnixNano} now={now} />
        </a>
      </td>
      <td class="col-main">
        <Model request={call.requestModel} response="" />
        {call.requestModel === '' ? <Model request={call.responseModel} response="" /> : ''}
        {isError(span) ? (
          <span class="error">
            <Icon name="error" />
            <bdi class="data" safe>
              {span.statusMessage.slice(0, 120) || 'failed'}
            </bdi>
          </span>
        ) : (
          ''
        )}
      </td>
      <td data-label="Operation">
        <bdi class="data" safe>
          {call.operation || '–'}
        </bdi>
      </td>
      <td data-label="Service">
        <ServiceName name={span.serviceName} />
      </td>
      <td class="num" data-label="Input" safe>
        {inputTokens === undefined ? '–' : formatCount(inputTokens)}
      </td>
      <td class="num" data-label="Output" safe>
        {outputTokens === undefined ? '–' : formatCount(outputTokens)}
      </td>
      <td class="num" data-label="Cost">
        {known ? <Cost cost={costOf(prices, models, tokens)} prices={prices} /> : <span class="none">–</span>}
      </td>
      <td class="num" data-label="Duration" safe>
        {formatDuration(span.durationNano)}
      </td>
    </tr>
  );
}
