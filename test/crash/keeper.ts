/** Asks a server that is under load to merge and to delete, so that kills meet rewrites of every kind. */
import type { Random } from '../../src/demo/random.ts';
import { Violation } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { Senders } from './senders.ts';
import { numbersOfTrace, traceId, traceNumber } from './spans.ts';

/** A deletion flushes what is buffered and waits for a merge under way. */
const ANSWER_TIMEOUT_MS = 20_000;

export class Keeper {
  merges = 0;
  deletions = 0;
  private stopped = true;

  constructor(
    private readonly ledger: Ledger,
    private readonly random: Random,
    private readonly senders: Senders,
  ) {}

  /** Until `stop`, or until the server is gone. Throws Violation. */
  async run(url: string): Promise<void> {
    this.stopped = false;
    while (!this.stopped) {
      await Bun.sleep(this.random.between(5, 60));
      if (this.stopped) return;
      const isThere = this.random.chance(0.4) ? await this.merge(url) : await this.deleteTrace(url);
      if (!isThere) return;
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private async merge(url: string): Promise<boolean> {
    const status = await ask(`${url}/api/v1/storage/compact`, 'POST');
    if (status === 200) this.merges++;
    return status !== undefined;
  }

  /** Of a trace that nobody sends to any more: one that is sent again after its deletion is there again. */
  private async deleteTrace(url: string): Promise<boolean> {
    const { ledger, random } = this;
    if (ledger.numbers < 2_000) return true;
    const trace = traceNumber(random.between(0, ledger.numbers - 1_000));
    const members = numbersOfTrace(trace);
    if (members.some((n) => this.senders.holds(n))) return true;
    ledger.doom(members);
    const status = await ask(`${url}/api/v1/traces/${traceId(ledger.family, trace)}`, 'DELETE');
    if (status === 200) {
      ledger.deleted(members);
      this.deletions++;
    }
    return status !== undefined;
  }
}

/** The status, or undefined when the server is gone. */
async function ask(url: string, method: 'POST' | 'DELETE'): Promise<number | undefined> {
  let answer: Response;
  try {
    answer = await fetch(url, { method, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    await answer.text();
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new Violation(`${method} ${url} was not answered within ${ANSWER_TIMEOUT_MS} ms`);
    }
    return undefined;
  }
  if (answer.status !== 200 && answer.status !== 503) {
    throw new Violation(`${method} ${url} was answered ${answer.status}`);
  }
  return answer.status;
}
