/** Calls of many traces by trace and span id: who is whose parent. For the main thread: in steps that yield. */
import {
  DURATION_WORD,
  ID_WORDS,
  NO_SERVICE,
  PARENT_WORD,
  SPAN_WORD,
  TIME_WORDS,
} from './dependencies-rows.ts';
import type { CallRows } from './dependencies-rows.ts';

const NO_ROW = -1;
/** Rows between two looks at the clock: 0.1 to 0.5 ms. */
const ROWS_A_STEP = 1024;

export class CallTable {
  /** 1 for a row that takes no part: it came twice, or is of no service. */
  readonly dead: Uint8Array;
  /** Row + 1; open addressing, at most half full. */
  readonly #slots: Uint32Array;

  constructor(readonly rows: CallRows) {
    this.dead = new Uint8Array(rows.count);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, rows.count * 2))));
  }

  /** Yields now and then. Of equal rows the longest stays. */
  *fill(): Generator<void, void> {
    const { rows, dead } = this;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const nobody = rows.names.indexOf(NO_SERVICE);
    for (let row = 0; row < rows.count; row++) {
      if (row % ROWS_A_STEP === ROWS_A_STEP - 1) yield;
      if (rows.services[row] === nobody) {
        dead[row] = 1;
        continue;
      }
      let slot = slotOf(rows.ids, row * ID_WORDS, row * ID_WORDS + SPAN_WORD) & mask;
      for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const other = slots[slot] - 1;
        if (!isSpan(rows, other, rows.ids, row * ID_WORDS, row * ID_WORDS + SPAN_WORD)) continue;
        if (dead[other] === 1 || !isTwin(rows, other, rows, row)) continue;
        dead[isLonger(rows, row, other) ? other : row] = 1;
        break;
      }
      if (dead[row] === 1) continue;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = row + 1;
    }
  }

  /** The parent of a row of these or others, one of its own service before others; -1: it is not here. */
  parentOf(child: CallRows, row: number): number {
    const { ids } = child;
    const trace = row * ID_WORDS;
    const service = child.names[child.services[row]];
    let found = NO_ROW;
    this.#each(ids, trace, trace + PARENT_WORD, (other) => {
      if (this.rows === child && other === row) return false;
      const isOwn = this.rows.names[this.rows.services[other]] === service;
      if (found === NO_ROW || isOwn) found = other;
      return isOwn;
    });
    return found;
  }

  /** The same span as a row of others; -1: it is not here. */
  twinOf(of: CallRows, row: number): number {
    let found = NO_ROW;
    this.#each(of.ids, row * ID_WORDS, row * ID_WORDS + SPAN_WORD, (other) => {
      if (isTwin(this.rows, other, of, row)) found = other;
      return found !== NO_ROW;
    });
    return found;
  }

  #each(ids: Uint32Array, trace: number, span: number, use: (row: number) => boolean): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = slotOf(ids, trace, span) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = slots[slot] - 1;
      if (this.dead[row] === 0 && isSpan(this.rows, row, ids, trace, span) && use(row)) return;
    }
  }
}

function slotOf(ids: Uint32Array, trace: number, span: number): number {
  let mixed = Math.imul(ids[span], 0x9e3779b1) ^ Math.imul(ids[span + 1], 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ ids[trace + 3], 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13) ^ ids[trace + 2]) >>> 0;
}

function isSpan(rows: CallRows, row: number, ids: Uint32Array, trace: number, span: number): boolean {
  const at = row * ID_WORDS;
  const own = rows.ids;
  return (
    own[at + SPAN_WORD] === ids[span] &&
    own[at + SPAN_WORD + 1] === ids[span + 1] &&
    own[at + 3] === ids[trace + 3] &&
    own[at + 2] === ids[trace + 2] &&
    own[at + 1] === ids[trace + 1] &&
    own[at] === ids[trace]
  );
}

/** Of two rows with the same ids. */
function isTwin(a: CallRows, rowA: number, b: CallRows, rowB: number): boolean {
  const [x, y] = [rowA * TIME_WORDS, rowB * TIME_WORDS];
  return a.kinds[rowA] === b.kinds[rowB] && a.times[x] === b.times[y] && a.times[x + 1] === b.times[y + 1];
}

function isLonger({ times }: CallRows, a: number, b: number): boolean {
  const [x, y] = [a * TIME_WORDS + DURATION_WORD, b * TIME_WORDS + DURATION_WORD];
  const high = (times[x + 1] | 0) - (times[y + 1] | 0);
  return high > 0 || (high === 0 && times[x] > times[y]);
}
