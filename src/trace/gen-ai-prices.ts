/** What model calls cost, by a table that the operator keeps. Pure: the text of the file is passed in. */

/** Currency units for a million tokens. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
}

export interface PriceTable {
  /** As it is shown: `USD`. */
  readonly currency: string;
  /** When the prices were looked up; '' when the table does not say. */
  readonly asOf: string;
  /** By model name or its beginning. */
  readonly models: ReadonlyMap<string, TokenPrice>;
}

/** A table is looked through for each model that a page shows. */
const MAX_MODELS = 10_000;

/**
 * `{"currency": "USD", "asOf": "2026-01-31", "models": {"name or beginning": {"input": 0.5, "output": 2}}}`.
 * Throws an Error whose message says what is wrong where.
 */
export function parsePriceTable(text: string): PriceTable {
  const json = parsed(text);
  if (!isObject(json)) throw new Error('is no JSON object');
  for (const key of Object.keys(json)) {
    if (!['currency', 'asOf', 'models'].includes(key)) throw new Error(`has an unknown field "${key}"`);
  }
  const { currency, asOf = '', models } = json;
  if (typeof currency !== 'string' || !/^\S{1,8}$/.test(currency)) {
    throw new Error('needs "currency", as "USD"');
  }
  if (typeof asOf !== 'string' || !/^(?:\d{4}-\d\d-\d\d)?$/.test(asOf)) {
    throw new Error('has an "asOf" that is no date as "2026-01-31"');
  }
  if (!isObject(models)) throw new Error('needs "models", an object of model names');
  const entries = Object.entries(models);
  if (entries.length > MAX_MODELS) throw new Error(`has more than ${MAX_MODELS} models`);
  return { currency, asOf, models: new Map(entries.map(([name, price]) => [name, priceOf(name, price)])) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`is no JSON: ${error instanceof Error ? error.message : 'it does not parse'}`, {
      cause: error,
    });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function priceOf(model: string, price: unknown): TokenPrice {
  if (model === '') throw new Error('has a model without a name');
  if (!isObject(price)) throw new Error(`model "${model}" needs {"input": ..., "output": ...}`);
  return { input: amount(model, price, 'input'), output: amount(model, price, 'output') };
}

function amount(model: string, price: Record<string, unknown>, field: 'input' | 'output'): number {
  const value = price[field];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new Error(`model "${model}" needs "${field}", a number of currency units for a million tokens`);
  }
  return value;
}

/** Of the model's own name, else of its longest beginning in the table; undefined where there is none. */
export function priceFor(table: PriceTable | undefined, model: string): TokenPrice | undefined {
  if (table === undefined || model === '') return undefined;
  const exact = table.models.get(model);
  if (exact !== undefined) return exact;
  let best = '';
  for (const name of table.models.keys()) {
    if (name.length > best.length && model.startsWith(name)) best = name;
  }
  return best === '' ? undefined : table.models.get(best);
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/**
 * The model that answered has the price, else the one that was asked for. Cached or reasoning tokens at other
 * prices are not told apart.
 */
export function costOf(
  table: PriceTable | undefined,
  models: { readonly request: string; readonly response: string },
  tokens: Tokens,
): number | undefined {
  const price = priceFor(table, models.response) ?? priceFor(table, models.request);
  return price && (tokens.input * price.input + tokens.output * price.output) / 1e6;
}
