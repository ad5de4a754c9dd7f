/** What was sent and what of it was acknowledged: the truth that the store is held against. */
import { durationOf, nameOf, numberOf, spanId, startOf, traceId, traceNumber } from './spans.ts';
import type { SpanFamily } from './spans.ts';

/** The store answered something that can't be. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A span as somebody shows it, whoever that is. */
export interface ShownSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  /** Decimal. */
  readonly startTimeUnixNano: string;
  readonly durationNano: string;
}

const SENT = 1;
const ACKNOWLEDGED = 2;
/** Their deletion was asked for: there or not. */
const DOOMED = 3;
/** Their deletion was answered: not there. */
const DELETED = 4;

export class Ledger {
  acknowledgedCount = 0;
  sentCount = 0;
  deletedCount = 0;
  private states = new Uint8Array(1 << 20);
  private next = 0;
  /** First number of each round. */
  private readonly rounds: number[] = [];

  constructor(readonly family: SpanFamily) {}

  beginRound(): number {
    this.rounds.push(this.next);
    return this.rounds.length - 1;
  }

  /** Numbers of a new request: from, and up to but not with, `from + count`. */
  take(count: number): { from: number; to: number } {
    const from = this.next;
    this.next += count;
    if (this.next > this.states.length) {
      const larger = new Uint8Array(this.states.length * 2);
      larger.set(this.states);
      this.states = larger;
    }
    this.states.fill(SENT, from, this.next);
    this.sentCount += count;
    return { from, to: this.next };
  }

  acknowledge(from: number, to: number): void {
    for (let n = from; n < to; n++) {
      if (this.states[n] !== SENT) continue;
      this.states[n] = ACKNOWLEDGED;
      this.acknowledgedCount++;
    }
  }

  get numbers(): number {
    return this.next;
  }

  doom(numbers: readonly number[]): void {
    for (const n of numbers) if (this.isSent(n)) this.states[n] = DOOMED;
  }

  deleted(numbers: readonly number[]): void {
    for (const n of numbers) {
      if (this.states[n] !== DOOMED) continue;
      this.states[n] = DELETED;
      this.deletedCount++;
    }
  }

  isAcknowledged(n: number): boolean {
    return this.states[n] === ACKNOWLEDGED;
  }

  isSent(n: number): boolean {
    return this.states[n] > 0;
  }

  roundRange(round: number): { from: number; to: number } {
    return { from: this.rounds[round], to: this.rounds[round + 1] ?? this.next };
  }

  /** The number of a span that was shown, when all of it is as it was sent. Throws Violation. */
  recognise(span: ShownSpan, where: string): number {
    const n = numberOf(this.family, span.spanId);
    if (n === undefined || !this.isSent(n)) {
      throw new Violation(`${where}: shows span ${span.spanId} of trace ${span.traceId}, which nobody sent`);
    }
    if (this.states[n] === DELETED) throw new Violation(`${where}: span ${n} was deleted and is back`);
    const wanted: ShownSpan = {
      traceId: traceId(this.family, traceNumber(n)),
      spanId: spanId(this.family, n),
      name: nameOf(n),
      startTimeUnixNano: String(startOf(this.family, n)),
      durationNano: String(durationOf(n)),
    };
    for (const field of Object.keys(wanted) as (keyof ShownSpan)[]) {
      if (span[field] === wanted[field]) continue;
      throw new Violation(`${where}: span ${n} has ${field} ${span[field]}, sent was ${wanted[field]}`);
    }
    return n;
  }

  /**
   * Holds what was found against what was sent within a range of numbers: every acknowledged span once, no
   * other more than once. Throws Violation naming the first few.
   */
  compare(found: Iterable<number>, { from, to }: { from: number; to: number }, where: string): void {
    const counts = new Uint8Array(to - from);
    const doubled: number[] = [];
    for (const n of found) {
      if (n < from || n >= to) throw new Violation(`${where}: span ${n} is none of ${from} to ${to - 1}`);
      if (++counts[n - from] === 2) doubled.push(n);
    }
    const lost: number[] = [];
    for (let n = from; n < to; n++) {
      if (counts[n - from] === 0 && this.isAcknowledged(n)) lost.push(n);
    }
    if (lost.length === 0 && doubled.length === 0) return;
    const some = (list: readonly number[]) => `${list.length} (${list.slice(0, 12).join(' ')} ...)`;
    throw new Violation(`${where}: acknowledged and lost ${some(lost)}, doubled ${some(doubled)}`);
  }
}
