/**
 * Orphan spans, told on a sample of traces: a span whose parent has not come two minutes after it counts as
 * one. Ids are kept as hashes of 32 bits for the trace and 32 for the span, in tables of a fixed size; a
 * project that sends more than they hold is sampled further, by whole traces, so that the share stays true.
 */
import { MAX_FAMILY_SPANS } from '../../limits.ts';

/** Exporters flush within seconds, and a retry takes a minute. */
export const PARENT_WAIT_MS = 120_000;
/** Ids seen stay for one to two turns: longer than a child waits. */
const TURN_MS = 150_000;
/** 131 KB a project. Of 4,000 spans a share of 1 % is told to 0.3 points. */
const WAITING = 4096;
const SEEN_SLOTS = 4096;
const SEEN_MOST = SEEN_SLOTS / 2;
/** The one that has not sent for longest makes room. */
const MAX_PROJECTS = 100;
/** One trace in a million of the sample: beyond it somebody makes ids that collide. */
const MAX_THINNING = 0xfffff;

const WORDS_A_SPAN = 8;
const WORDS_WAITING = 4;

/** `sampled` spans of a sender have been judged, two minutes after they came; `orphans` of them have no parent. */
export type Judged = (sender: number, sampled: number, orphans: number) => void;

export class Families {
  readonly #projects = new Map<string, Family>();
  readonly #judged: Judged;

  constructor(judged: Judged) {
    this.#judged = judged;
  }

  /** `family`: as `Findings.family`. `sender`: any number below 2^32, given back when a span is judged. */
  add(projectId: string, sender: number, family: Uint32Array, nowMs: number): void {
    if (family.length === 0) return;
    let own = this.#projects.get(projectId);
    if (own === undefined) {
      own = new Family(this.#judged, nowMs);
      this.#projects.set(projectId, own);
      if (this.#projects.size > MAX_PROJECTS) this.#forgetOne();
    }
    own.add(sender, family, nowMs);
  }

  /** Judges those who have waited long enough. */
  sweep(nowMs: number): void {
    for (const family of this.#projects.values()) family.sweep(nowMs);
  }

  #forgetOne(): void {
    let oldest = '';
    let oldestMs = Infinity;
    for (const [projectId, { usedMs }] of this.#projects) {
      if (usedMs < oldestMs) [oldest, oldestMs] = [projectId, usedMs];
    }
    this.#projects.delete(oldest);
  }
}

class Family {
  usedMs: number;
  readonly #judged: Judged;
  #seen = new Uint32Array(2 * SEEN_SLOTS);
  #before = new Uint32Array(2 * SEEN_SLOTS);
  #seenCount = 0;
  #turnedMs: number;
  /**
   * Trace, parent, second of its due time, sender: in order of their coming. Parent 0: a root, or its parent is
   * known. Those wait too: were they judged at once, thinning would drop orphans alone.
   */
  readonly #waiting = new Uint32Array(WORDS_WAITING * WAITING);
  #head = 0;
  #waitingCount = 0;
  /** Only traces whose hash has none of these bits: those whose ids are kept, and whose spans are judged. */
  #thinning = 0;
  #judgedThinning = 0;

  constructor(judged: Judged, nowMs: number) {
    this.#judged = judged;
    this.#turnedMs = nowMs;
    this.usedMs = nowMs;
  }

  add(sender: number, family: Uint32Array, nowMs: number): void {
    this.usedMs = nowMs;
    this.sweep(nowMs);
    this.#turn(nowMs);
    const due = Math.ceil((nowMs + PARENT_WAIT_MS) / 1000);
    // All ids first: within a request children often stand before their parents.
    for (let at = 0; at + WORDS_A_SPAN <= family.length; at += WORDS_A_SPAN) {
      const trace = traceHash(family, at);
      if ((trace & this.#thinning) === 0) this.#see(trace, spanHash(trace, family, at + 4));
    }
    // Parents may be among those that were left out.
    if (family.length >= MAX_FAMILY_SPANS * WORDS_A_SPAN) return;
    for (let at = 0; at + WORDS_A_SPAN <= family.length; at += WORDS_A_SPAN) {
      const trace = traceHash(family, at);
      if ((trace & (this.#thinning | this.#judgedThinning)) !== 0) continue;
      const isRoot = family[at + 6] === 0 && family[at + 7] === 0;
      const parent = spanHash(trace, family, at + 6);
      this.#wait(trace, isRoot || this.#has(trace, parent) ? 0 : parent, due, sender);
    }
  }

  sweep(nowMs: number): void {
    const waiting = this.#waiting;
    const second = Math.floor(nowMs / 1000);
    let sampled = 0;
    let orphans = 0;
    while (this.#waitingCount > 0) {
      const at = this.#head * WORDS_WAITING;
      if (waiting[at + 2] > second) return;
      const sender = waiting[at + 3];
      const parent = waiting[at + 1];
      sampled++;
      if (parent !== 0 && !this.#has(waiting[at], parent)) orphans++;
      this.#head = (this.#head + 1) % WAITING;
      this.#waitingCount--;
      const next = this.#head * WORDS_WAITING;
      if (this.#waitingCount > 0 && waiting[next + 2] <= second && waiting[next + 3] === sender) continue;
      this.#judged(sender, sampled, orphans);
      sampled = 0;
      orphans = 0;
    }
  }

  #turn(nowMs: number): void {
    const turns = Math.floor((nowMs - this.#turnedMs) / TURN_MS);
    if (turns === 0) return;
    if (turns < 0) {
      // The clock was put back: what waits by the old one is given up.
      this.#turnedMs = nowMs;
      this.#waitingCount = 0;
      return;
    }
    this.#turnedMs += turns * TURN_MS;
    [this.#seen, this.#before] = [this.#before, this.#seen];
    this.#seen.fill(0);
    if (turns !== 1) this.#before.fill(0);
    // Of traces let in now, ids that came before were not kept: their spans are judged from the next turn on.
    this.#judgedThinning = this.#thinning;
    if (this.#seenCount < SEEN_MOST / 4 && this.#waitingCount < WAITING / 4)
      this.#thinning >>>= Math.min(turns, 31);
    this.#seenCount = 0;
  }

  #see(trace: number, span: number): void {
    if (insert(this.#seen, trace, span)) this.#seenCount++;
    while (this.#seenCount >= SEEN_MOST) this.#thin();
  }

  #has(trace: number, span: number): boolean {
    return holds(this.#seen, trace, span) || holds(this.#before, trace, span);
  }

  #wait(trace: number, parent: number, due: number, sender: number): void {
    while (this.#waitingCount >= WAITING) this.#thin();
    if ((trace & this.#thinning) !== 0) return;
    const at = ((this.#head + this.#waitingCount++) % WAITING) * WORDS_WAITING;
    this.#waiting[at] = trace;
    this.#waiting[at + 1] = parent;
    this.#waiting[at + 2] = due;
    this.#waiting[at + 3] = sender;
  }

  /** Half of the traces go, with all that is known of them. */
  #thin(): void {
    this.#thinning = this.#thinning * 2 + 1;
    const overdone = this.#thinning > MAX_THINNING;
    if (overdone) this.#thinning = 0;
    const kept = overdone ? new Uint32Array(2 * SEEN_SLOTS) : this.#seen.slice();
    this.#seen.fill(0);
    this.#seenCount = 0;
    for (let at = 0; at < kept.length; at += 2) {
      if (kept[at + 1] === 0 || (kept[at] & this.#thinning) !== 0) continue;
      insert(this.#seen, kept[at], kept[at + 1]);
      this.#seenCount++;
    }
    this.#thinWaiting(overdone);
  }

  #thinWaiting(all: boolean): void {
    const waiting = this.#waiting;
    const count = this.#waitingCount;
    this.#waitingCount = 0;
    for (let i = 0; i < count; i++) {
      const from = ((this.#head + i) % WAITING) * WORDS_WAITING;
      if (all || (waiting[from] & this.#thinning) !== 0) continue;
      const to = ((this.#head + this.#waitingCount++) % WAITING) * WORDS_WAITING;
      waiting.copyWithin(to, from, from + WORDS_WAITING);
    }
  }
}

/** True when it was not there. A slot is free when its span's word is 0. */
function insert(table: Uint32Array, trace: number, span: number): boolean {
  let slot = (trace ^ span) & (SEEN_SLOTS - 1);
  while (table[2 * slot + 1] !== 0) {
    if (table[2 * slot] === trace && table[2 * slot + 1] === span) return false;
    slot = (slot + 1) & (SEEN_SLOTS - 1);
  }
  table[2 * slot] = trace;
  table[2 * slot + 1] = span;
  return true;
}

function holds(table: Uint32Array, trace: number, span: number): boolean {
  let slot = (trace ^ span) & (SEEN_SLOTS - 1);
  while (table[2 * slot + 1] !== 0) {
    if (table[2 * slot] === trace && table[2 * slot + 1] === span) return true;
    slot = (slot + 1) & (SEEN_SLOTS - 1);
  }
  return false;
}

function traceHash(words: Uint32Array, at: number): number {
  return mix(words[at] ^ mix(words[at + 1] ^ mix(words[at + 2] ^ mix(words[at + 3]))));
}

/** Never 0. */
function spanHash(trace: number, words: Uint32Array, at: number): number {
  return mix(words[at] ^ mix(words[at + 1] ^ trace)) || 1;
}

/** A 32-bit finaliser: each bit of the input changes half of the output's. */
function mix(word: number): number {
  let x = (word ^ 0x9e3779b9) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
