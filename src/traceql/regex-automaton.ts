/**
 * Matches whole texts against a compiled program of RE2JS: a deterministic automaton that is made while it is used,
 * 4 ns a character where RE2JS's own takes 80, and its work is counted, so that a match can be left and gone on with.
 * Patterns that make a new state with nearly each character are simulated instead: sets of instructions, none kept.
 */
import type { RE2JS } from 're2js';
import { MatchPause, matchPace } from './regex-pace.ts';
import type { MatchRun } from './regex-pace.ts';

/** Of RE2JS (Inst.js); those from the first rune on consume a character. */
const ALT = 1;
const ALT_MATCH = 2;
const CAPTURE = 3;
const EMPTY_WIDTH = 4;
const MATCH = 6;
const NOP = 7;
const FIRST_RUNE = 8;
const RUNE_ANY = 10;
const LAST_RUNE = 11;

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(rune: number): boolean;
}

/** What stands before a place, as far as an assertion asks: the begin, a newline, a character of a word, another. */
const BEGIN = 0;
const NEWLINE = 1;
const WORD = 2;
const OTHER = 3;
const END = -1;

/** Of RE2JS (Utils.js): which assertions hold. */
const BEGIN_LINE = 1;
const END_LINE = 2;
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const WORD_BOUNDARY = 16;
const NO_WORD_BOUNDARY = 32;

/** Entries of transitions and of states' sets that one pattern keeps: 512 KiB. 256 patterns are kept a thread. */
const MAX_ENTRIES = 128 * 1024;
/** States are only worth their making where each is used some times. */
const MIN_CHARS_PER_STATE = 10;

const UNKNOWN = -1;
/** The first states: from the one nothing matches, in the other each match begins. */
const DEAD = 0;
const START = 1;
/** In units of work (regex-pace.ts): to make a state, to find where a character leads, and an instruction looked at. */
const STATE_UNITS = 200;
const STEP_UNITS = 20;
const INSTRUCTION_UNITS = 2;
/** To begin and end a match at a pace. */
const MATCH_UNITS = 25;
/** Characters between two looks at the work done. */
const LOOK_CHARS = 16 * 1024;

/** A set of instructions that a match may stand at, before a character is known: ascending. */
interface Place {
  readonly seeds: Uint32Array;
  readonly before: number;
}

export class Automaton {
  readonly #program: readonly Instruction[];
  readonly #ops: Uint8Array;
  readonly #outs: Uint32Array;
  readonly #args: Uint32Array;
  readonly start: Place;
  readonly #hasAssertions: boolean;
  readonly #runeClass: (rune: number) => number;
  readonly #latin1: Uint32Array;
  /** Classes of characters, and the end of the text. */
  readonly #stride: number;
  /** By state and class. */
  #table: Int32Array;
  readonly #places: Place[] = [];
  readonly #numbers = new Map<string, number>();
  #entries = 0;
  /** Which instructions a step has met. */
  readonly #met: Uint32Array;
  #round = 0;
  /** Each instruction pushes two at most, and once. */
  readonly #stack: Uint32Array;

  constructor({ re2Input }: RE2JS) {
    const { dfa } = re2Input;
    const { inst, start }: { inst: readonly Instruction[]; start: number } = re2Input.prog;
    this.#program = inst;
    this.#hasAssertions = inst.some(({ op }) => op === EMPTY_WIDTH);
    this.start = { seeds: Uint32Array.of(start), before: this.#hasAssertions ? BEGIN : OTHER };
    this.#runeClass = (rune) => dfa.runeClass(rune);
    this.#latin1 = Uint32Array.from({ length: 256 }, (_, rune) => dfa.runeClass(rune));
    this.#stride = dfa.numClasses + 1;
    this.#table = new Int32Array(this.#stride * 4);
    this.#ops = Uint8Array.from(inst, ({ op }) => op);
    this.#outs = Uint32Array.from(inst, ({ out }) => out);
    this.#args = Uint32Array.from(inst, ({ arg }) => arg);
    this.#met = new Uint32Array(inst.length);
    this.#leaves = new Uint32Array(inst.length);
    this.#stack = new Uint32Array(inst.length * 2 + 1);
    this.#clear();
  }

  /** Undefined where time was up before there was a verdict. */
  matches(text: string): boolean | undefined {
    const pace = matchPace();
    if (pace === undefined) return new Run(this, text).advance(Number.POSITIVE_INFINITY);
    const known = pace.recall(this, text, null);
    if (known !== null) return known;
    const run = new Run(this, text);
    const verdict = run.advance(pace.left);
    pace.left -= run.units + MATCH_UNITS;
    if (verdict === undefined) throw new MatchPause(pace, run);
    pace.remember(this, text, verdict);
    return verdict;
  }

  /** Of `run`, from its place: stops at the end of the text, or when its units are used up. */
  go(run: Run, units: number): boolean | undefined {
    return run.simulates ? this.#simulate(run, units) : this.#walk(run, units);
  }

  #walk(run: Run, units: number): boolean | undefined {
    const { text } = run;
    const latin1 = this.#latin1;
    const stride = this.#stride;
    let { at } = run;
    let state = run.place === this.start ? START : this.#numberOf(run.place);
    let used = 0;
    let made = 0;
    const began = at;
    while (at < text.length) {
      const stop = Math.min(text.length, at + LOOK_CHARS);
      const from = at;
      let table = this.#table;
      while (at < stop) {
        const unit = text.charCodeAt(at);
        const rune = unit < 0xd800 ? unit : (text.codePointAt(at) ?? unit);
        const kind = rune < 256 ? latin1[rune] : this.#runeClass(rune);
        let next = table[state * stride + kind];
        if (next === UNKNOWN) {
          if (this.#entries > MAX_ENTRIES) {
            const place = this.#places[state];
            this.#clear();
            if (at - began < made * MIN_CHARS_PER_STATE) {
              run.simulates = true;
              run.leave(at, place, used + at - from);
              return this.#simulate(run, units);
            }
            state = this.#numberOf(place);
          }
          const before = this.#places.length;
          next = this.#transition(state, kind, rune);
          made += this.#places.length - before;
          table = this.#table;
          used += STATE_UNITS + 3 * INSTRUCTION_UNITS * this.#looked;
        }
        state = next;
        if (state === DEAD) {
          run.leave(at, this.#places[DEAD], used + at - from);
          return false;
        }
        at += rune > 0xffff ? 2 : 1;
        if (used > units) break;
      }
      used += at - from;
      if (used > units) {
        run.leave(at, this.#places[state], used);
        return undefined;
      }
    }
    run.leave(at, this.#places[state], used);
    const end = state * stride + stride - 1;
    if (this.#table[end] === UNKNOWN) this.#table[end] = this.#accepts(this.#places[state]) ? 1 : 0;
    return this.#table[end] === 1;
  }

  #simulate(run: Run, units: number): boolean | undefined {
    const { text } = run;
    let { at, place } = run;
    let used = run.units;
    while (at < text.length) {
      const rune = text.codePointAt(at) ?? 0;
      place = { seeds: this.#step(place, rune), before: this.#kindOf(rune) };
      used += STEP_UNITS + INSTRUCTION_UNITS * this.#looked;
      if (place.seeds.length === 0) {
        run.leave(at, place, used);
        return false;
      }
      at += rune > 0xffff ? 2 : 1;
      if (used <= units) continue;
      run.leave(at, place, used);
      return undefined;
    }
    run.leave(at, place, used);
    return this.#accepts(place);
  }

  #transition(state: number, kind: number, rune: number): number {
    const seeds = this.#step(this.#places[state], rune).sort();
    const next = seeds.length === 0 ? DEAD : this.#numberOf({ seeds, before: this.#kindOf(rune) });
    this.#table[state * this.#stride + kind] = next;
    return next;
  }

  /** Of the last step: how many instructions it met. */
  #looked = 0;
  /** Of them those that consume a character or match: only the first `#count`. */
  readonly #leaves: Uint32Array;
  #count = 0;

  /** Where a match may stand behind the character: in no order, each once. */
  #step(place: Place, rune: number): Uint32Array {
    this.#close(place, rune);
    const leaves = this.#leaves;
    const met = this.#met;
    const round = ++this.#round;
    let kept = 0;
    // Written over from the front, where it is read already.
    for (let i = 0; i < this.#count; i++) {
      const pc = leaves[i];
      const op = this.#ops[pc];
      if (op < FIRST_RUNE || op > LAST_RUNE) continue;
      if (op !== RUNE_ANY && !this.#program[pc].matchRune(rune)) continue;
      const out = this.#outs[pc];
      if (met[out] === round) continue;
      met[out] = round;
      leaves[kept++] = out;
    }
    return leaves.slice(0, kept);
  }

  #accepts(place: Place): boolean {
    this.#close(place, END);
    return this.#leaves.subarray(0, this.#count).some((pc) => this.#ops[pc] === MATCH);
  }

  /** Each instruction that is reached without a character. */
  #close({ seeds, before }: Place, rune: number): void {
    const holds = this.#hasAssertions ? assertionsAt(before, rune === END ? END : this.#kindOf(rune)) : 0;
    const met = this.#met;
    const ops = this.#ops;
    const stack = this.#stack;
    const round = ++this.#round;
    let looked = 0;
    let count = 0;
    for (let i = 0; i < seeds.length; i++) {
      let height = 0;
      stack[height++] = seeds[i];
      while (height > 0) {
        const pc = stack[--height];
        if (met[pc] === round) continue;
        met[pc] = round;
        looked++;
        switch (ops[pc]) {
          case ALT:
          case ALT_MATCH:
            stack[height++] = this.#args[pc];
            stack[height++] = this.#outs[pc];
            break;
          case CAPTURE:
          case NOP:
            stack[height++] = this.#outs[pc];
            break;
          case EMPTY_WIDTH:
            if ((this.#args[pc] & ~holds) === 0) stack[height++] = this.#outs[pc];
            break;
          default:
            this.#leaves[count++] = pc;
        }
      }
    }
    this.#looked = looked;
    this.#count = count;
  }

  #kindOf(rune: number): number {
    if (!this.#hasAssertions) return OTHER;
    if (rune === 10) return NEWLINE;
    return isWord(rune) ? WORD : OTHER;
  }

  #numberOf(place: Place): number {
    const key = `${place.before} ${place.seeds.join(' ')}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#places.push(place) - 1;
    this.#numbers.set(key, number);
    // The key's characters too.
    this.#entries += this.#stride + place.seeds.length * 3 + 32;
    const end = (number + 1) * this.#stride;
    if (end > this.#table.length) {
      const table = new Int32Array(Math.max(end, this.#table.length * 2));
      table.set(this.#table);
      this.#table = table;
    }
    this.#table.fill(UNKNOWN, end - this.#stride, end);
    return number;
  }

  #clear(): void {
    this.#places.length = 0;
    this.#numbers.clear();
    this.#entries = 0;
    this.#numberOf({ seeds: new Uint32Array(0), before: OTHER });
    this.#numberOf(this.start);
  }
}

class Run implements MatchRun {
  at = 0;
  place: Place;
  /** Of the last advance. */
  units = 0;
  simulates = false;

  constructor(
    readonly matcher: Automaton,
    readonly text: string,
  ) {
    this.place = matcher.start;
  }

  advance(units: number): boolean | undefined {
    this.units = 0;
    return this.matcher.go(this, units);
  }

  leave(at: number, place: Place, units: number): void {
    this.at = at;
    this.place = place;
    this.units = units;
  }
}

/** Of ASCII, as RE2's \b has it. */
function isWord(rune: number): boolean {
  return (
    (rune >= 0x61 && rune <= 0x7a) ||
    (rune >= 0x41 && rune <= 0x5a) ||
    (rune >= 0x30 && rune <= 0x39) ||
    rune === 0x5f
  );
}

/** Between what stands before and what stands behind a place. */
function assertionsAt(before: number, behind: number): number {
  let holds = (before === WORD) === (behind === WORD) ? NO_WORD_BOUNDARY : WORD_BOUNDARY;
  if (before === BEGIN) holds |= BEGIN_TEXT | BEGIN_LINE;
  if (before === NEWLINE) holds |= BEGIN_LINE;
  if (behind === END) holds |= END_TEXT | END_LINE;
  if (behind === NEWLINE) holds |= END_LINE;
  return holds;
}
