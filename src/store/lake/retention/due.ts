/**
 * Which traces of some files may go, judged as wholes: their other parts may lie in any file of the project
 * and in its buffers. A trace goes when every place where it stands is older than the rule that decides it.
 *
 * The files are read for the traces that a rule of age finds; then every trace index of the project is
 * passed once, to find where else these traces stand; and only the row groups with traces of more than one
 * place are read again, since a span there may match an earlier rule.
 */
import type { SpanColumns } from '../../../span/columns.ts';
import type { FileEntry } from '../files/file-entry.ts';
import type { TraceIndex } from '../files/trace-index.ts';
import { messageOf } from '../parts.ts';
import { uint64At } from '../read/scan/cells.ts';
import { Breather } from './breather.ts';
import { ageFromMs } from './policies.ts';
import type { Rules } from './policies.ts';
import { Candidates } from './candidates.ts';
import { eachIdOfBuffer, filterOf, markRowGroups } from './files.ts';
import type { FileScanner } from './files.ts';

/** A project as a pass of retention sees it. */
export interface RetentionView {
  readonly files: readonly FileEntry[];
  readonly buffers: readonly SpanColumns[];
  readonly rules: Rules;
  readonly nowMs: number;
  /** 16 bytes an id. */
  readonly pinned: Uint8Array;
  readonly scanner: FileScanner;
  readonly report: (problem: string) => void;
}

interface FileDrop {
  readonly file: FileEntry;
  /** 16 bytes an id. */
  readonly ids: Uint8Array;
  /** No other trace stands in the file. */
  readonly isWhole: boolean;
}

export interface DuePlan {
  readonly drops: readonly FileDrop[];
  /** Those of the traces that stand in more than one file. */
  readonly spread: Uint8Array;
  /** Of the rules by which traces go, as they were written. */
  readonly ruleNames: readonly string[];
  /** When more may go, by path; files without an entry wait for their own age alone. */
  readonly dueAtMs: ReadonlyMap<string, number>;
}

/** What could not be read is tried again after so long. */
export const RETRY_MS = 600_000;

export async function planDue(view: RetentionView, due: readonly FileEntry[]): Promise<DuePlan> {
  return new DuePlanner(view).plan(due);
}

class DuePlanner {
  readonly #candidates = new Candidates();
  readonly #breather = new Breather();
  /** By number of the file in the view: one flag a row group with traces of several places. */
  readonly #marks = new Map<number, Uint8Array>();
  /** Traces in the index, by number of the file. */
  readonly #traceCounts = new Map<number, number>();
  /** Where traces of several places stand. */
  readonly #spread: { readonly entry: number; readonly file: number }[] = [];
  readonly #dueAtMs = new Map<string, number>();
  readonly #unreadable = new Set<FileEntry>();
  /** Entries of traces of which a part is in memory. */
  readonly #held = new Set<number>();
  #isBlind = false;

  constructor(private readonly view: RetentionView) {}

  async plan(due: readonly FileEntry[]): Promise<DuePlan> {
    for (const file of due) await this.#collect(file);
    for (const [number, file] of this.view.files.entries()) await this.#locate(file, number);
    for (const buffer of this.view.buffers) await this.#holdBack(buffer);
    await this.#judgeSpread();
    return this.#decide(due);
  }

  /** Traces that may go as far as this file can tell. */
  async #collect(file: FileEntry): Promise<void> {
    const { rules, nowMs, scanner, report } = this.view;
    const ageMs = nowMs - ageFromMs(file);
    const isOfAge = rules.agesMs.map((age) => ageMs >= age);
    try {
      const found = await scanner.rules(file, rules.conditions.map(filterOf));
      await this.#candidates.reserve(found.count, this.#breather);
      for (let i = 0; i < found.count; i++) {
        if (i % 1024 === 1023) await this.#breather.breathe();
        // NO_RULE is beyond the list.
        if (isOfAge[found.rules[i]]) this.#candidates.add(found.traceIds, i * 16, found.rules[i]);
      }
    } catch (error) {
      report(`retention can't read ${file.path}: ${messageOf(error)}`);
      this.#unreadable.add(file);
      this.#waitUntil(file, nowMs + RETRY_MS);
    }
  }

  /** Where the candidates stand, by the file's index: half of an id, so perhaps in more places than they do. */
  async #locate(file: FileEntry, number: number): Promise<void> {
    let index: TraceIndex;
    try {
      index = await this.view.scanner.traces(file);
    } catch (error) {
      this.view.report(`retention can't read ${file.path}: ${messageOf(error)}`);
      this.#isBlind = true;
      return;
    }
    this.#traceCounts.set(number, index.count);
    const fromMs = ageFromMs(file);
    for (let at = 0, end = 0, step = 0; at < index.count; at = end, step++) {
      if (step % 1024 === 1023) await this.#breather.breathe();
      end = endOfKey(index, at);
      this.#locateKey(index, at, end, number, fromMs);
    }
  }

  #locateKey(index: TraceIndex, from: number, to: number, number: number, fromMs: number): void {
    const [high, low] = [index.high[from], index.low[from]];
    const all = this.#candidates;
    let isSpread = false;
    for (let entry = all.firstWithKey(high, low); entry >= 0; entry = all.nextWithKey(entry, high, low)) {
      all.ageFromMs[entry] = Math.max(all.ageFromMs[entry], fromMs);
      if (all.places[entry] === 0 && to - from === 1) {
        all.places[entry] = 1;
        all.firstFile[entry] = number;
        all.firstRow[entry] = index.firstRow[from];
        all.firstRows[entry] = index.rowCount[from];
        continue;
      }
      if (all.places[entry] === 1)
        this.#mark(all.firstFile[entry], all.firstRow[entry], all.firstRows[entry]);
      all.places[entry] = 2;
      isSpread = true;
    }
    if (!isSpread) return;
    for (let at = from; at < to; at++) this.#mark(number, index.firstRow[at], index.rowCount[at]);
  }

  #mark(number: number, firstRow: number, rowCount: number): void {
    const file = this.view.files[number];
    let marks = this.#marks.get(number);
    if (marks === undefined) this.#marks.set(number, (marks = new Uint8Array(file.rowGroups.length)));
    markRowGroups(file, firstRow, rowCount, marks);
  }

  /** A part in memory can't go, so nothing of the trace does. It may be old already: then only until it is in a file. */
  async #holdBack(buffer: SpanColumns): Promise<void> {
    const all = this.#candidates;
    if (all.count === 0) return;
    const createdAtMs = this.view.nowMs;
    await eachIdOfBuffer(buffer, this.#breather, (ids, at, starts, row) => {
      const entry = all.find(ids, at);
      if (entry < 0) return;
      this.#held.add(entry);
      const fromMs = ageFromMs({ maxStartUnixNano: uint64At(starts, row), createdAtMs });
      all.ageFromMs[entry] = Math.max(all.ageFromMs[entry], fromMs);
    });
  }

  async #judgeSpread(): Promise<void> {
    const { files, rules, scanner, report } = this.view;
    const all = this.#candidates;
    const filters = rules.conditions.map(filterOf);
    for (const [number, marks] of this.#marks) {
      if (this.#unreadable.has(files[number])) this.#isBlind = true;
      if (this.#isBlind) return;
      const rowGroups = [...marks.keys()].filter((group) => marks[group] === 1);
      try {
        const found = await scanner.rules(files[number], filters, rowGroups);
        for (let i = 0; i < found.count; i++) {
          if (i % 1024 === 1023) await this.#breather.breathe();
          const entry = all.find(found.traceIds, i * 16);
          if (entry < 0 || all.places[entry] !== 2) continue;
          all.rules[entry] = Math.min(all.rules[entry], found.rules[i]);
          this.#spread.push({ entry, file: number });
        }
      } catch (error) {
        report(`retention can't read ${files[number].path}: ${messageOf(error)}`);
        this.#isBlind = true;
      }
    }
  }

  async #decide(due: readonly FileEntry[]): Promise<DuePlan> {
    const all = this.#candidates;
    const goes = this.#going();
    const entriesOf = new Map<number, number[]>();
    const going = new Set<number>();
    const place = (entry: number, number: number) => {
      if (goes[entry] === 0) return this.#waitFor(entry, this.view.files[number]);
      going.add(all.rules[entry]);
      const known = entriesOf.get(number);
      if (known === undefined) entriesOf.set(number, [entry]);
      else known.push(entry);
    };
    for (let entry = 0; entry < all.count; entry++) {
      if (entry % 1024 === 1023) await this.#breather.breathe();
      if (all.places[entry] === 1) place(entry, all.firstFile[entry]);
    }
    for (const { entry, file } of this.#spread) place(entry, file);
    if (this.#isBlind) for (const file of due) this.#waitUntil(file, this.view.nowMs + RETRY_MS);
    const drops: FileDrop[] = [];
    for (const [number, entries] of entriesOf) {
      const isWhole = entries.length === this.#traceCounts.get(number);
      drops.push({ file: this.view.files[number], ids: await this.#idsOf(entries), isWhole });
    }
    const spread = new Set(this.#spread.map(({ entry }) => entry).filter((entry) => goes[entry] === 1));
    return {
      drops,
      spread: await this.#idsOf([...spread]),
      ruleNames: [...going].sort((a, b) => a - b).map((rule) => this.view.rules.names[rule]),
      dueAtMs: this.#dueAtMs,
    };
  }

  /** One flag a candidate. */
  #going(): Uint8Array {
    const { rules, nowMs, pinned } = this.view;
    const all = this.#candidates;
    const goes = new Uint8Array(all.count);
    for (let entry = 0; entry < all.count; entry++) {
      // Another part of such a trace may be where nobody could look.
      if (all.places[entry] === 0 || this.#isBlind || this.#held.has(entry)) continue;
      goes[entry] = nowMs - all.ageFromMs[entry] >= rules.agesMs[all.rules[entry]] ? 1 : 0;
    }
    for (let at = 0; at < pinned.length; at += 16) {
      const entry = all.find(pinned, at);
      if (entry < 0) continue;
      goes[entry] = 0;
      // Nothing to wait for: `unpin` has the files looked at again.
      all.ageFromMs[entry] = Infinity;
    }
    return goes;
  }

  #waitFor(entry: number, file: FileEntry): void {
    const all = this.#candidates;
    const ripeMs = all.ageFromMs[entry] + this.view.rules.agesMs[all.rules[entry]];
    this.#waitUntil(file, this.#isBlind ? Math.max(ripeMs, this.view.nowMs + RETRY_MS) : ripeMs);
  }

  #waitUntil(file: FileEntry, ms: number): void {
    this.#dueAtMs.set(file.path, Math.min(ms, this.#dueAtMs.get(file.path) ?? Infinity));
  }

  async #idsOf(entries: readonly number[]): Promise<Uint8Array> {
    const from = this.#candidates.ids;
    const ids = new Uint8Array(entries.length * 16);
    for (const [i, entry] of entries.entries()) {
      if (i % 1024 === 1023) await this.#breather.breathe();
      for (let byte = 0; byte < 16; byte++) ids[i * 16 + byte] = from[entry * 16 + byte];
    }
    return ids;
  }
}

/** Behind the last entry with the key of entry `at`. */
function endOfKey(index: TraceIndex, at: number): number {
  let end = at + 1;
  while (end < index.count && index.high[end] === index.high[at] && index.low[end] === index.low[at]) end++;
  return end;
}
