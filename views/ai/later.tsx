/** Agents, tools and conversations: they take questions of their own. */
import { Html } from '@elysiajs/html';
import type { PriceTable } from '../../src/trace/gen-ai-prices.ts';
import { attr, formatCount, plural } from '../format.ts';
import { CoverageLine, ErrorCount } from '../shared/parts.tsx';
import type { AiLaterParts, AiState, ConversationRow, NamedRow } from './ai-state.ts';
import { callsHref, Cost, seconds, spansHref } from './parts.tsx';
import type { Asked } from './parts.tsx';

export interface AiLaterProps {
  readonly state: AiState;
  readonly later: AiLaterParts;
  readonly prices: PriceTable | undefined;
}

export function AiLater({ state, later, prices }: AiLaterProps): JSX.Element {
  return (
    <div id="ai-later">
      <div class="ai-columns">
        <Named
          title="Agents"
          what="Runs"
          rows={later.agents}
          state={state}
          askedOf={(name) => [
            ['gen_ai.agent.name', name],
            ['gen_ai.operation.name', 'invoke_agent'],
          ]}
          none="No span with gen_ai.agent.name"
        />
        <Named
          title="Tools"
          what="Calls"
          rows={later.tools}
          state={state}
          askedOf={(name) => [['gen_ai.tool.name', name]]}
          none="No span with gen_ai.tool.name"
        />
      </div>
      <Conversations later={later} state={state} prices={prices} />
      <CoverageLine coverage={later.coverage} />
    </div>
  );
}

interface NamedProps {
  readonly title: string;
  readonly what: string;
  readonly rows: readonly NamedRow[];
  readonly state: AiState;
  readonly askedOf: (name: string) => Asked;
  readonly none: string;
}

function Named({ title, what, rows, state, askedOf, none }: NamedProps): JSX.Element {
  const id = `ai-${title.toLowerCase()}`;
  return (
    <section class="error-part" aria-labelledby={id}>
      <h2 id={id} safe>
        {title}
      </h2>
      {rows.length === 0 ? (
        <p class="none" safe>
          {none}
        </p>
      ) : (
        <table class="list ai-table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="num" safe>
                {what}
              </th>
              <th scope="col" class="num">
                Errors
              </th>
              <th scope="col" class="num">
                p50
              </th>
              <th scope="col" class="num">
                p95
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <NamedLine row={row} what={what} state={state} asked={askedOf(row.name)} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function NamedLine(props: { row: NamedRow; what: string; state: AiState; asked: Asked }): JSX.Element {
  const { row, what, state, asked } = props;
  return (
    <tr>
      <td class="col-main">
        <a href={attr(spansHref(state, asked))}>
          <bdi class="data" safe>
            {row.name.slice(0, 120)}
          </bdi>
        </a>
      </td>
      <td class="num" data-label={what} safe>
        {formatCount(row.count)}
      </td>
      <td class="num" data-label="Errors">
        {row.errors === 0 ? (
          <span class="none">0</span>
        ) : (
          <a href={attr(spansHref(state, asked, true))}>
            <ErrorCount count={row.errors} />
          </a>
        )}
      </td>
      <td class="num" data-label="p50" safe>
        {row.p50 === undefined ? '–' : seconds(row.p50)}
      </td>
      <td class="num" data-label="p95" safe>
        {row.p95 === undefined ? '–' : seconds(row.p95)}
      </td>
    </tr>
  );
}

function Conversations({ later, state, prices }: AiLaterProps): JSX.Element {
  const { conversations, distinct } = later;
  if (conversations.length === 0) return <></>;
  return (
    <section class="error-part" aria-labelledby="ai-conversations">
      <h2 id="ai-conversations">Conversations</h2>
      <p class="found" safe>
        {distinct > conversations.length
          ? `The ${conversations.length} with the most calls, of ${formatCount(distinct)}`
          : plural(conversations.length, 'conversation')}
      </p>
      <table class="list ai-table">
        <thead>
          <tr>
            <th scope="col">Conversation</th>
            <th scope="col" class="num">
              Calls
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
          </tr>
        </thead>
        <tbody>
          {conversations.map((row) => (
            <ConversationLine row={row} state={state} prices={prices} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function ConversationLine(props: {
  row: ConversationRow;
  state: AiState;
  prices: PriceTable | undefined;
}): JSX.Element {
  const { row, state, prices } = props;
  return (
    <tr>
      <td class="col-main">
        <a href={attr(callsHref(state, [['gen_ai.conversation.id', row.id]]))}>
          <bdi class="data" safe>
            {row.id.slice(0, 120)}
          </bdi>
        </a>
      </td>
      <td class="num" data-label="Calls" safe>
        {formatCount(row.calls)}
      </td>
      <td class="num" data-label="Input" safe>
        {formatCount(row.inputTokens)}
      </td>
      <td class="num" data-label="Output" safe>
        {formatCount(row.outputTokens)}
      </td>
      <td class="num" data-label="Cost">
        <Cost cost={row.cost} prices={prices} />
      </td>
    </tr>
  );
}
