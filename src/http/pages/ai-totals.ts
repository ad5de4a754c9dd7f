/** Totals of model calls from the store's series: by model, by service, over time. Pure. */
import type { Coverage, MetricsPage, MetricsSeries, TimeRange } from '../../store/span-store.ts';
import { costOf } from '../../trace/gen-ai-prices.ts';
import type { PriceTable } from '../../trace/gen-ai-prices.ts';
import type { AiFigures, AiTotals, ModelRow, ModelSeries, ServiceRow } from '../../../views/ai/ai-state.ts';

/** All by the same fields, see GROUPS; the first four over time, in the same buckets. */
export interface AiAnswers {
  readonly calls: MetricsPage;
  readonly errors: MetricsPage;
  readonly input: readonly MetricsPage[];
  readonly output: readonly MetricsPage[];
  readonly seconds: MetricsPage;
  /** By model alone. */
  readonly quantiles: MetricsPage;
}

export const MODEL_FIELDS = [
  'span.gen_ai.provider.name',
  'span.gen_ai.system',
  'span.gen_ai.request.model',
] as const;
export const GROUPS = [...MODEL_FIELDS, 'span.gen_ai.response.model', 'resource.service.name'] as const;

interface Sums {
  calls: number;
  errors: number;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  priced: number;
  unpriced: number;
  seconds: number;
}

interface Slot {
  readonly labels: readonly string[];
  readonly calls: Float64Array;
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
  errors: number;
  seconds: number;
}

export function aiTotals(answers: AiAnswers, prices: PriceTable | undefined, asked: TimeRange): AiTotals {
  const { startUnixNano, stepNano, buckets } = answers.calls;
  const slots = slotsOf(answers);
  const all = sums();
  const models = new Map<string, { row: Sums; labels: readonly string[]; responses: Set<string> }>();
  const services = new Map<string, Sums>();
  const series = new Map<string, Slot[]>();
  for (const slot of slots) {
    const [, , request, response, service] = slot.labels;
    // A call that failed has no answer: it belongs to the model that was asked for.
    const modelKey = JSON.stringify(slot.labels.slice(0, MODEL_FIELDS.length));
    const model = models.get(modelKey) ?? { row: sums(), labels: slot.labels, responses: new Set<string>() };
    if (response !== '') model.responses.add(response);
    const ofService = services.get(service) ?? sums();
    models.set(modelKey, model);
    services.set(service, ofService);
    for (const into of [all, model.row, ofService]) add(into, slot, prices);
    const name = request || response;
    series.set(name, [...(series.get(name) ?? []), slot]);
  }
  return {
    all: figures(all),
    models: [...models.values()]
      .map(({ row, labels, responses }) => modelRow(row, labels, [...responses], answers.quantiles))
      .toSorted(byCalls),
    services: [...services]
      .map(([service, row]): ServiceRow => ({ service, ...figures(row) }))
      .toSorted(byCalls),
    series: [...series]
      .map(([model, of]) => seriesOf(model, of, prices, buckets))
      .toSorted((a, b) => sum(b.calls) - sum(a.calls)),
    startUnixNano,
    stepNano,
    buckets,
    asked,
    coverage: coverageOf([
      answers.calls,
      answers.errors,
      ...answers.input,
      ...answers.output,
      answers.seconds,
    ]),
  };
}

function byCalls(a: AiFigures, b: AiFigures): number {
  return b.calls - a.calls;
}

function slotsOf(answers: AiAnswers): Slot[] {
  const { calls } = answers;
  const slots = new Map<string, Slot>();
  const at = (one: MetricsSeries): Slot => {
    const labels = GROUPS.map((field) => labelOf(one, field));
    const key = JSON.stringify(labels);
    let slot = slots.get(key);
    if (slot === undefined) {
      const empty = (): Float64Array => new Float64Array(calls.buckets);
      slot = { labels, calls: empty(), inputTokens: empty(), outputTokens: empty(), errors: 0, seconds: 0 };
      slots.set(key, slot);
    }
    return slot;
  };
  const over = (page: MetricsPage, of: (slot: Slot) => Float64Array): void => {
    // Each answer is cut to where it has spans: its buckets begin a whole number of steps beside the others.
    const shift =
      page.stepNano === 0n ? 0 : Number((page.startUnixNano - calls.startUnixNano) / page.stepNano);
    for (const one of page.series) {
      const into = of(at(one));
      one.samples.forEach((value, i) => {
        if (Number.isFinite(value) && i + shift >= 0 && i + shift < into.length) into[i + shift] += value;
      });
    }
  };
  over(calls, (slot) => slot.calls);
  for (const page of answers.input) over(page, (slot) => slot.inputTokens);
  for (const page of answers.output) over(page, (slot) => slot.outputTokens);
  for (const one of answers.errors.series) at(one).errors += sum(one.samples);
  for (const one of answers.seconds.series) at(one).seconds += sum(one.samples);
  return [...slots.values()];
}

export function labelOf({ labels }: MetricsSeries, field: string): string {
  const value = labels.find(({ key }) => key === field)?.value;
  return value?.type === 'string' ? value.value : '';
}

export function sum(samples: Float64Array): number {
  return samples.reduce((total, value) => total + (Number.isFinite(value) ? value : 0), 0);
}

function sums(): Sums {
  return {
    calls: 0,
    errors: 0,
    inputTokens: 0,
    outputTokens: 0,
    cost: 0,
    priced: 0,
    unpriced: 0,
    seconds: 0,
  };
}

function add(into: Sums, slot: Slot, prices: PriceTable | undefined): void {
  const calls = sum(slot.calls);
  const tokens = { input: sum(slot.inputTokens), output: sum(slot.outputTokens) };
  const cost = costOf(prices, { request: slot.labels[2], response: slot.labels[3] }, tokens);
  into.calls += calls;
  into.errors += slot.errors;
  into.seconds += slot.seconds;
  into.inputTokens += tokens.input;
  into.outputTokens += tokens.output;
  if (cost === undefined) into.unpriced += calls;
  else into.priced += calls;
  into.cost += cost ?? 0;
}

function figures({ cost, priced, ...rest }: Sums): AiFigures {
  return { ...rest, cost: priced > 0 ? cost : undefined };
}

function modelRow(
  row: Sums,
  labels: readonly string[],
  responses: readonly string[],
  quantiles: MetricsPage,
): ModelRow {
  const [provider, system, requestModel] = labels;
  const mine = quantiles.series.filter((one) =>
    MODEL_FIELDS.every((field, i) => labelOf(one, field) === labels[i]),
  );
  const quantile = (wanted: number): number | undefined =>
    mine
      .filter((one) => {
        const p = one.labels.find(({ key }) => key === 'p')?.value;
        return p !== undefined && 'value' in p && Number(p.value) === wanted;
      })
      .flatMap(({ samples }) => [...samples])
      .find((value) => Number.isFinite(value));
  return {
    ...figures(row),
    provider: provider || system,
    providerKey: provider !== '' ? 'gen_ai.provider.name' : system !== '' ? 'gen_ai.system' : '',
    requestModel,
    responseModel: responses.toSorted().join(', '),
    p50: quantile(0.5),
    p95: quantile(0.95),
  };
}

function seriesOf(
  model: string,
  slots: readonly Slot[],
  prices: PriceTable | undefined,
  buckets: number,
): ModelSeries {
  const added = (of: (slot: Slot) => Float64Array): Float64Array =>
    Float64Array.from({ length: buckets }, (_, i) => slots.reduce((total, slot) => total + of(slot)[i], 0));
  const costs = slots.map((slot) =>
    Array.from({ length: buckets }, (_, i) =>
      costOf(
        prices,
        { request: slot.labels[2], response: slot.labels[3] },
        { input: slot.inputTokens[i], output: slot.outputTokens[i] },
      ),
    ),
  );
  const known = costs.filter((cost) => cost.every((value) => value !== undefined));
  return {
    model,
    calls: added((slot) => slot.calls),
    inputTokens: added((slot) => slot.inputTokens),
    outputTokens: added((slot) => slot.outputTokens),
    cost:
      known.length === 0
        ? undefined
        : Float64Array.from({ length: buckets }, (_, i) =>
            known.reduce((total, cost) => total + (cost[i] ?? 0), 0),
          ),
  };
}

/** Of several answers together: incomplete if one is; the time of the slowest. */
export function coverageOf(answers: readonly Coverage[]): Coverage {
  const [first] = answers;
  const incomplete = answers.find(({ complete }) => complete !== true);
  return {
    complete: incomplete?.complete ?? true,
    scanned: first.scanned,
    tookMs: Math.max(...answers.map(({ tookMs }) => tookMs)),
  };
}
