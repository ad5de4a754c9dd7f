/** What is known of one sender: its last request, its SDKs, what it was refused, and its counts. */
import type { Findings } from '../../span/findings.ts';
import type {
  LastRequest,
  RefusalCount,
  ReportedToken,
  SenderReport,
  SenderState,
  StoredSender,
} from '../../store/ingest-health.ts';
import { Windows } from './windows.ts';

/** A fleet of services behind one Collector token has a dozen; further ones push out the one not seen for longest. */
const MAX_SDKS = 20;
/** Reasons may hold a sender's own words, so their number is not ours to know. */
const MAX_REASONS = 20;
const MAX_REASON_CHARS = 200;
const MAX_SDK_CHARS = 100;
const MAX_USER_AGENT_CHARS = 200;

/** Fewer judged spans tell nothing of a share. */
const SAMPLE_LEAST = 20;

/** Where reasons go that had to make room. */
export const OTHER_REASONS = 'other reasons';

interface Reason {
  readonly reason: string;
  readonly unit: RefusalCount['unit'];
  count: number;
  lastMs: number;
}

/** The part of a request that is the same whether it was taken or not. */
export type Seen = Omit<LastRequest, 'atMs'> & { readonly bytes: number };

export class Sender {
  readonly projectId: string;
  readonly tokenId: string;
  /** Names it in tables of numbers. */
  readonly number: number;
  readonly windows = new Windows();
  /** Something changed since the catalog was told. */
  isChanged = false;
  #sinceMs = 0;
  #lastMs = 0;
  #lastTakenMs = 0;
  #lastRefusedMs = 0;
  #last: Omit<LastRequest, 'atMs'> | undefined;
  readonly #sdks = new Map<string, number>();
  readonly #reasons = new Map<string, Reason>();

  constructor(number: number, projectId: string, tokenId: string) {
    this.number = number;
    this.projectId = projectId;
    this.tokenId = tokenId;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  taken(seen: Seen, accepted: number, rejected: number, isDuplicate: boolean, nowMs: number): void {
    this.#arrived(seen, nowMs);
    this.#lastTakenMs = nowMs;
    const { windows } = this;
    windows.add('requests', 1);
    windows.add('acceptedSpans', accepted);
    windows.add('rejectedSpans', rejected);
    if (isDuplicate) windows.add('duplicateRequests', 1);
  }

  /** Behind `taken`. */
  noticed(findings: Findings, nowMs: number): void {
    const { windows } = this;
    windows.add('droppedAttributes', findings.droppedAttributes);
    windows.add('droppedEvents', findings.droppedEvents);
    windows.add('droppedLinks', findings.droppedLinks);
    windows.add('cutValues', findings.cutValues);
    windows.add('spansWithoutService', findings.withoutService);
    windows.add('lateSpans', findings.late);
    windows.add('futureSpans', findings.future);
    for (const { reason, spans } of findings.rejections) this.count(reason, 'spans', spans, nowMs);
    for (const sdk of findings.sdks) this.#remember(sdk, nowMs);
  }

  refused(seen: Seen, reason: string, nowMs: number): void {
    this.#arrived(seen, nowMs);
    this.#lastRefusedMs = nowMs;
    this.windows.add('refusedRequests', 1);
    this.count(reason, 'requests', 1, nowMs);
  }

  /** Spans of the sample whose parent has been found or given up. */
  judged(sampled: number, orphans: number, nowMs: number): void {
    this.windows.advance(nowMs);
    this.windows.add('sampledSpans', sampled);
    this.windows.add('orphanSpans', orphans);
    this.isChanged = true;
  }

  /** One more reason, or the same again. */
  count(reason: string, unit: Reason['unit'], amount: number, nowMs: number): void {
    const cut = cutTo(reason, MAX_REASON_CHARS);
    const known = this.#reasons.get(cut);
    if (known !== undefined) {
      known.count += amount;
      known.lastMs = nowMs;
      return;
    }
    while (this.#reasons.size >= MAX_REASONS) this.#foldOldest();
    this.#reasons.set(cut, { reason: cut, unit, count: amount, lastMs: nowMs });
  }

  report(token: ReportedToken | undefined, nowMs: number): SenderReport {
    const { windows } = this;
    const fiveMinutes = windows.last('fiveMinutes', nowMs);
    const day = windows.last('day', nowMs);
    const { sampledSpans, orphanSpans } = day;
    return {
      token,
      state: stateOf(this.#lastMs, fiveMinutes),
      sinceMs: this.#sinceMs,
      lastTakenMs: this.#lastTakenMs,
      lastRefusedMs: this.#lastRefusedMs,
      lastRequest: this.#lastRequest(),
      sdks: [...this.#sdks].map(([name, lastMs]) => ({ name, lastMs })).sort((a, b) => b.lastMs - a.lastMs),
      refusals: this.#refusals(),
      fiveMinutes,
      hour: windows.last('hour', nowMs),
      day,
      total: windows.total(),
      orphanShare: sampledSpans < SAMPLE_LEAST ? undefined : orphanSpans / sampledSpans,
    };
  }

  store(nowMs: number): StoredSender {
    return {
      projectId: this.projectId,
      tokenId: this.tokenId,
      sinceMs: this.#sinceMs,
      lastTakenMs: this.#lastTakenMs,
      lastRefusedMs: this.#lastRefusedMs,
      lastRequest: this.#lastRequest(),
      sdks: [...this.#sdks],
      refusals: this.#refusals(),
      ...this.windows.store(nowMs),
    };
  }

  static restore(number: number, stored: StoredSender, nowMs: number): Sender {
    const sender = new Sender(number, stored.projectId, stored.tokenId);
    sender.#sinceMs = stored.sinceMs;
    sender.#lastMs = stored.lastRequest?.atMs ?? 0;
    sender.#lastTakenMs = stored.lastTakenMs;
    sender.#lastRefusedMs = stored.lastRefusedMs;
    sender.#last = stored.lastRequest;
    for (const [name, lastMs] of stored.sdks) sender.#sdks.set(name, lastMs);
    for (const known of stored.refusals) sender.#reasons.set(known.reason, { ...known });
    sender.windows.restore(stored, nowMs);
    return sender;
  }

  #arrived(seen: Seen, nowMs: number): void {
    if (this.#sinceMs === 0) this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    this.#last = seen;
    this.isChanged = true;
    this.windows.advance(nowMs);
    this.windows.add('bytes', seen.bytes);
  }

  #lastRequest(): LastRequest | undefined {
    if (this.#last === undefined) return undefined;
    const { transport, format, encoding, userAgent } = this.#last;
    return {
      atMs: this.#lastMs,
      transport,
      format,
      encoding,
      userAgent: cutTo(userAgent, MAX_USER_AGENT_CHARS),
    };
  }

  #refusals(): RefusalCount[] {
    return [...this.#reasons.values()].map((known) => ({ ...known })).sort((a, b) => b.lastMs - a.lastMs);
  }

  #remember(sdk: string, nowMs: number): void {
    const name = cutTo(sdk, MAX_SDK_CHARS);
    if (!this.#sdks.has(name) && this.#sdks.size >= MAX_SDKS) {
      const oldest = [...this.#sdks].reduce((a, b) => (b[1] < a[1] ? b : a));
      this.#sdks.delete(oldest[0]);
    }
    this.#sdks.set(name, nowMs);
  }

  /** The reason not heard for longest joins the others. */
  #foldOldest(): void {
    const named = [...this.#reasons].filter(([, { reason }]) => !reason.startsWith(OTHER_REASONS));
    const [key, { unit, count, lastMs }] = named.reduce((a, b) => (b[1].lastMs < a[1].lastMs ? b : a));
    this.#reasons.delete(key);
    const reason = `${OTHER_REASONS} (${unit})`;
    const other = this.#reasons.get(reason);
    if (other === undefined) this.#reasons.set(reason, { reason, unit, count, lastMs });
    else {
      other.count += count;
      other.lastMs = Math.max(other.lastMs, lastMs);
    }
  }
}

function stateOf(lastMs: number, recent: SenderReport['fiveMinutes']): SenderState {
  if (lastMs === 0) return 'never';
  if (recent.refusedRequests > 0 || recent.rejectedSpans > 0) return 'refusing';
  return recent.requests > 0 ? 'receiving' : 'quiet';
}

function cutTo(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}
