/** `/ai`: what calls to models cost in time, tokens and money. */
import { Html } from '@elysiajs/html';
import { QuestionError } from '../../store/span-store.ts';
import type { MetricsPage, TimeRange } from '../../store/span-store.ts';
import { NO_MODEL_CALLS } from '../../trace/gen-ai.ts';
import { costOf } from '../../trace/gen-ai-prices.ts';
import type { PriceTable } from '../../trace/gen-ai-prices.ts';
import { combine, comparison, field } from '../../traceql/build.ts';
import { parseQuery } from '../../traceql/parse.ts';
import type { FieldExpression } from '../../traceql/ast.ts';
import { AiPage } from '../../../views/ai/ai.tsx';
import { AiLater } from '../../../views/ai/later.tsx';
import { aiHref, readAiState } from '../../../views/ai/ai-state.ts';
import type {
  AiLaterParts,
  AiTotals,
  ConversationRow,
  LatestCalls,
  NamedRow,
} from '../../../views/ai/ai-state.ts';
import { closedRange, endedRange, roundStep } from '../api/step.ts';
import { aiTotals, coverageOf, GROUPS, labelOf, MODEL_FIELDS, sum } from './ai-totals.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { rangeOf } from './range.ts';
import { html, shellOf, wantsFragment } from './respond.ts';

/** Models times services; who has more sees that the answer is cut. */
const MAX_SERIES = 400;
const LATEST = 30;
const CONVERSATIONS = 10;
const NAMED = 30;

/** Calls to models. Agents and tools hold them: their tokens would count twice. */
const CALLS = `{ (span.gen_ai.request.model != nil || span.gen_ai.response.model != nil) && !(${NO_MODEL_CALLS.map((name) => `span.gen_ai.operation.name = "${name}"`).join(' || ')}) }`;
const AGENTS = '{ span.gen_ai.agent.name != nil && span.gen_ai.operation.name = "invoke_agent" }';
const TOOLS = '{ span.gen_ai.tool.name != nil }';

export async function aiPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const state = readAiState(params);
  const part = params.get('part') ?? '';
  const shell = shellOf(request, context);
  const now = deps.now();
  const range = readableRange(() => rangeOf(state.range, now));
  if (typeof range === 'string') {
    return errorPage(request, { status: 400, title: 'Not a time range', message: range });
  }
  const condition =
    state.service === '' ? null : comparison(field('resource', 'service.name'), '=', state.service);
  const ask = new Asker(deps, context, request, { range, condition });
  const prices = deps.aiPrices;
  if (wantsFragment(request) && part !== '') {
    return html(Html.createElement(AiLater, { state, later: await laterParts(ask, prices), prices }));
  }
  const [totals, latest] = await Promise.all([totalsOf(ask, prices, now), latestOf(ask)]);
  const later = part === '' ? undefined : await laterParts(ask, prices);
  return html(
    Html.createElement(AiPage, { shell, state, now, totals, latest, later, prices, href: aiHref(state) }),
  );
}

function readableRange(read: () => TimeRange): TimeRange | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof QuestionError) return error.message;
    throw error;
  }
}

/** Metrics of one page: the same project, range and service for each. */
class Asker {
  constructor(
    readonly deps: PagesDeps,
    readonly context: PageContext,
    readonly request: Request,
    readonly scope: { readonly range: TimeRange; readonly condition: FieldExpression | null },
  ) {}

  query(text: string): ReturnType<typeof parseQuery> {
    return combine(parseQuery(text), this.scope.condition);
  }

  /** `course`: in steps, up to a moment. */
  numbers(
    text: string,
    course?: { readonly stepNano: bigint; readonly until: bigint },
  ): Promise<MetricsPage> {
    const { range } = this.scope;
    return this.deps.store.metrics(this.context.projectId, {
      query: this.query(text),
      range: course ? endedRange(range, course.until) : range,
      stepNano: course?.stepNano,
      maxSeries: MAX_SERIES,
      exemplars: 0,
      signal: this.request.signal,
    });
  }

  closed(now: bigint): Promise<TimeRange> {
    const at = { unixNano: now, signal: this.request.signal };
    return closedRange(this.deps.store, this.context.projectId, this.scope.range, at);
  }
}

async function totalsOf(ask: Asker, prices: PriceTable | undefined, now: bigint): Promise<AiTotals> {
  const asked = await ask.closed(now);
  const step = { stepNano: roundStep(asked), until: now };
  const by = `by (${GROUPS.join(', ')})`;
  const tokens = (name: string, old: string): Promise<MetricsPage[]> =>
    Promise.all([
      ask.numbers(`${CALLS} | sum_over_time(span.gen_ai.usage.${name}) ${by}`, step),
      // The name of before: only where the new one is missing, so that no token counts twice.
      ask.numbers(
        `${narrowed(CALLS, `span.gen_ai.usage.${name} = nil`)} | sum_over_time(span.gen_ai.usage.${old}) ${by}`,
        step,
      ),
    ]);
  const [calls, input, output, errors, seconds, quantiles] = await Promise.all([
    ask.numbers(`${CALLS} | count_over_time() ${by}`, step),
    tokens('input_tokens', 'prompt_tokens'),
    tokens('output_tokens', 'completion_tokens'),
    ask.numbers(`${narrowed(CALLS, 'status = error')} | count_over_time() ${by}`),
    ask.numbers(`${CALLS} | sum_over_time(duration) ${by}`),
    ask.numbers(`${CALLS} | quantile_over_time(duration, .5, .95) by (${MODEL_FIELDS.join(', ')})`),
  ]);
  return aiTotals({ calls, input, output, errors, seconds, quantiles }, prices, asked);
}

/** `{ a }` and b: `{ (a) && b }`. */
function narrowed(selector: string, condition: string): string {
  return `{ (${selector.slice(1, -1).trim()}) && ${condition} }`;
}

async function latestOf({ deps, context, request, scope }: Asker): Promise<LatestCalls> {
  const page = await deps.store.searchSpans(context.projectId, {
    query: combine(parseQuery(CALLS), scope.condition),
    range: scope.range,
    order: 'newest',
    limit: LATEST,
    signal: request.signal,
  });
  return { spans: page.spans, more: page.nextCursor !== undefined };
}

async function laterParts(ask: Asker, prices: PriceTable | undefined): Promise<AiLaterParts> {
  const [agents, tools, conversations] = await Promise.all([
    named(ask, AGENTS, 'span.gen_ai.agent.name'),
    named(ask, TOOLS, 'span.gen_ai.tool.name'),
    conversationsOf(ask, prices),
  ]);
  return {
    agents: agents.rows,
    tools: tools.rows,
    conversations: conversations.rows,
    distinct: conversations.distinct,
    coverage: coverageOf([agents.page, tools.page]),
  };
}

async function named(
  ask: Asker,
  selector: string,
  by: string,
): Promise<{ rows: NamedRow[]; page: MetricsPage }> {
  const [counts, errors, quantiles] = await Promise.all([
    ask.numbers(`${selector} | count_over_time() by (${by})`),
    ask.numbers(`${narrowed(selector, 'status = error')} | count_over_time() by (${by})`),
    ask.numbers(`${selector} | quantile_over_time(duration, .5, .95) by (${by})`),
  ]);
  const failed = new Map(errors.series.map((one) => [labelOf(one, by), sum(one.samples)]));
  const quantile = (name: string, wanted: number): number | undefined => {
    const found = quantiles.series.find(
      (one) =>
        labelOf(one, by) === name &&
        one.labels.some(
          ({ key, value }) => key === 'p' && 'value' in value && Number(value.value) === wanted,
        ),
    );
    return found?.samples.find((value) => Number.isFinite(value));
  };
  const rows = counts.series.map((one): NamedRow => {
    const name = labelOf(one, by);
    return {
      name,
      count: sum(one.samples),
      errors: failed.get(name) ?? 0,
      p50: quantile(name, 0.5),
      p95: quantile(name, 0.95),
    };
  });
  return { rows: rows.toSorted((a, b) => b.count - a.count).slice(0, NAMED), page: counts };
}

const CONVERSATION = 'span.gen_ai.conversation.id';

/** Those with the most calls; their tokens are asked for by name, since there may be a million others. */
async function conversationsOf(
  ask: Asker,
  prices: PriceTable | undefined,
): Promise<{ rows: ConversationRow[]; distinct: number }> {
  const { deps, context, request, scope } = ask;
  const facets = await deps.store.facets(context.projectId, {
    query: ask.query(CALLS),
    range: scope.range,
    fields: [CONVERSATION],
    limit: CONVERSATIONS,
    signal: request.signal,
  });
  const { values, distinct } = facets.facets[0] ?? { values: [], distinct: 0 };
  const ids = values.filter(({ type }) => type === 'string').map(({ value }) => value);
  if (ids.length === 0) return { rows: [], distinct: 0 };
  const those = ids.map((id) => `${CONVERSATION} = ${JSON.stringify(id)}`).join(' || ');
  const selector = narrowed(CALLS, `(${those})`);
  const by = `by (${CONVERSATION}, span.gen_ai.request.model, span.gen_ai.response.model)`;
  const [input, output] = await Promise.all([
    ask.numbers(`${selector} | sum_over_time(span.gen_ai.usage.input_tokens) ${by}`),
    ask.numbers(`${selector} | sum_over_time(span.gen_ai.usage.output_tokens) ${by}`),
  ]);
  const rows = values
    .filter(({ type }) => type === 'string')
    .map(({ value: id, count }): ConversationRow => {
      const of = (page: MetricsPage) => page.series.filter((one) => labelOf(one, CONVERSATION) === id);
      const total = (page: MetricsPage): number => of(page).reduce((all, one) => all + sum(one.samples), 0);
      const costs = [
        ...of(input).map((one) => ({ one, input: sum(one.samples), output: 0 })),
        ...of(output).map((one) => ({ one, input: 0, output: sum(one.samples) })),
      ].map((part) =>
        costOf(
          prices,
          {
            request: labelOf(part.one, 'span.gen_ai.request.model'),
            response: labelOf(part.one, 'span.gen_ai.response.model'),
          },
          part,
        ),
      );
      const cost = costs.some((one) => one === undefined)
        ? undefined
        : costs.reduce<number>((all, one) => all + (one ?? 0), 0);
      return { id, calls: count, inputTokens: total(input), outputTokens: total(output), cost };
    });
  return { rows, distinct };
}
