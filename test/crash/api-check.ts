/** What a running server shows, through the API as everybody sees it, against the ledger. */
import { Violation } from './ledger.ts';
import type { Ledger, ShownSpan } from './ledger.ts';
import { numbersOfTrace, serviceOf, traceId, traceNumber } from './spans.ts';

const PAGE_SPANS = 1_000;
const ANSWER_TIMEOUT_MS = 20_000;

interface SpansAnswer {
  readonly spans: readonly ShownSpan[];
  readonly complete: true | { readonly reason: string };
  readonly nextCursor?: string;
}

async function ask(url: string, path: string): Promise<SpansAnswer | undefined> {
  const answer = await fetch(`${url}/api/v1/${path}`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200)
    throw new Violation(`${path}: answered ${answer.status}: ${await answer.text()}`);
  const body = (await answer.json()) as SpansAnswer;
  if (body.complete !== true) throw new Violation(`${path}: not complete: ${body.complete.reason}`);
  return body;
}

/** Every span of a round by search, page after page. Answers how many there are. */
export async function checkRound(url: string, ledger: Ledger, round: number): Promise<number> {
  const where = `search of round ${round}`;
  const query = encodeURIComponent(`{ resource.service.name = "${serviceOf(round)}" }`);
  const found: number[] = [];
  let cursor = '';
  do {
    const page = await ask(
      url,
      `spans?q=${query}&order=oldest&limit=${PAGE_SPANS}&select=none${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    for (const span of page?.spans ?? []) found.push(ledger.recognise(span, where));
    cursor = page?.nextCursor ?? '';
  } while (cursor !== '');
  ledger.compare(found, ledger.roundRange(round), where);
  return found.length;
}

/** The trace of span n by its id: all that was acknowledged of it, each once, and nothing else. */
export async function checkTrace(url: string, ledger: Ledger, n: number): Promise<void> {
  const trace = traceNumber(n);
  const where = `trace of span ${n}`;
  const answer = await ask(url, `traces/${traceId(ledger.family, trace)}`);
  const found = (answer?.spans ?? []).map((span) => ledger.recognise(span, where));
  const members = numbersOfTrace(trace);
  const strangers = found.filter((one) => !members.includes(one));
  if (strangers.length > 0) throw new Violation(`${where}: holds spans ${strangers.join(' ')} of others`);
  for (const member of members) {
    const times = found.filter((one) => one === member).length;
    if (times > 1) throw new Violation(`${where}: span ${member} is there ${times} times`);
    if (times === 0 && ledger.isAcknowledged(member)) {
      throw new Violation(`${where}: span ${member} was acknowledged and is lost`);
    }
  }
}
