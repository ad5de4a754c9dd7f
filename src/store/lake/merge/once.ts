/**
 * Traces whose rows stand in several runs, or came twice: brought into the order of their starts, and of
 * rows with the same identity one is left. The traces of a window are settled together, so that each unit
 * is read once for all of them, in few columns.
 */
import type { Block } from '../../../span/vector.ts';
import { identityColumns, wordColumn } from './identity.ts';
import { groupIds } from './survey.ts';
import type { Survey } from './survey.ts';
import { naturalSort } from './natural-sort.ts';

/** Where a row comes from. */
export interface RowSink {
  push(unit: number, row: number): void;
}

export interface Settled {
  dropped: number;
  duplicates: number;
  /** Of the first row that stays, in words. */
  start: { readonly high: number; readonly low: number } | undefined;
}

/** Rows of one unit that are to be compared: `count` from `row` on, which get the numbers from `to` on. */
interface Stretch {
  readonly row: number;
  readonly count: number;
  readonly to: number;
  readonly trace: number;
}

const FOREIGN = 0xffffffff;

export class Window {
  readonly #rowsFrom = new Map<number, { readonly from: number; readonly to: number }>();
  readonly #stretches = new Map<number, Stretch[]>();
  /** By number of a row. */
  #units = new Uint32Array(0);
  #rows = new Uint32Array(0);
  /** Start, the rest of the identity, and last the version, inverted: the largest comes first. */
  #keys = new Uint32Array(0);
  #width = 0;

  /** `firstPeerUnit`: rows from there on are only compared with, not taken. */
  constructor(
    readonly survey: Survey,
    readonly firstPeerUnit: number,
  ) {}

  /** Reads what is needed to settle these traces. */
  async read(traces: readonly number[]): Promise<void> {
    this.#plan(traces);
    for (const unit of [...this.#stretches.keys()].sort((a, b) => a - b)) {
      const stretches = this.#stretches.get(unit) ?? [];
      const from = stretches.reduce((least, { row }) => Math.min(least, row), Infinity);
      const to = stretches.reduce((most, { row, count }) => Math.max(most, row + count), 0);
      const { schema, sources } = this.survey;
      const columns = [...identityColumns(schema), schema.versionColumn];
      if (unit >= this.firstPeerUnit) columns.push(schema.groupColumn);
      const take = (block: Block, firstRow: number) => this.#take(block, unit, firstRow, stretches);
      await sources.columns(unit, columns, take, from, to);
    }
  }

  /** The rows of a trace that stay, in order. */
  settle(trace: number, rows: RowSink): Settled {
    const { from, to } = this.#rowsFrom.get(trace) ?? { from: 0, to: 0 };
    const present: number[] = [];
    for (let number = from; number < to; number++) if (this.#units[number] !== FOREIGN) present.push(number);
    const order = naturalSort(Uint32Array.from(present), (a, b) => this.#compare(a, b));
    const left: Settled = { dropped: 0, duplicates: 0, start: undefined };
    for (let i = 0; i < order.length; i++) {
      const first = order[i];
      // A peer's row wins over an equal one: it stays where it is, and all of ours go.
      let ours = this.#units[first] < this.firstPeerUnit ? 1 : 0;
      const isOurs = ours === 1;
      for (; i + 1 < order.length && this.#sameIdentity(first, order[i + 1]); i++) {
        if (this.#units[order[i + 1]] < this.firstPeerUnit) ours++;
      }
      left.duplicates += isOurs ? ours - 1 : ours;
      if (!isOurs) continue;
      const unit = this.#units[first];
      const row = this.#rows[first];
      if (this.survey.isMarked(this.survey.sources.units[unit].source, row)) left.dropped++;
      else {
        const at = first * this.#width;
        left.start ??= { high: this.#keys[at], low: this.#keys[at + 1] };
        rows.push(unit, row);
      }
    }
    return left;
  }

  #plan(traces: readonly number[]): void {
    const { traces: table, sources } = this.survey;
    let count = 0;
    for (const trace of traces) {
      const from = count;
      for (
        let run: number | undefined = table.firstRun[trace];
        run !== undefined;
        run = table.runAfter(run)
      ) {
        let row = table.runRow[run];
        const end = row + table.runRows[run];
        for (let unit = sources.unitAt(table.runSource[run], row); row < end; unit++) {
          const { firstRow, rows } = sources.units[unit];
          const part = Math.min(end, firstRow + rows) - row;
          const stretches = this.#stretches.get(unit) ?? [];
          stretches.push({ row, count: part, to: count, trace });
          this.#stretches.set(unit, stretches);
          row += part;
          count += part;
        }
      }
      this.#rowsFrom.set(trace, { from, to: count });
    }
    this.#units = new Uint32Array(count);
    this.#rows = new Uint32Array(count);
  }

  #take(block: Block, unit: number, blockRow: number, stretches: readonly Stretch[]): void {
    const { schema, traces } = this.survey;
    const columns = identityColumns(schema).map((name) => wordColumn(block, name));
    const version = wordColumn(block, schema.versionColumn);
    const width = columns.reduce((sum, column) => sum + column.width, version.width);
    if (this.#width === 0) this.#keys = new Uint32Array(this.#units.length * width);
    this.#width = width;
    const ids = unit >= this.firstPeerUnit ? groupIds(block, schema) : undefined;
    for (const { row, count, to, trace } of stretches) {
      for (let i = 0; i < count; i++) {
        const at = row - blockRow + i;
        const isForeign = ids !== undefined && !hasId(ids, at, traces.ids, trace);
        this.#units[to + i] = isForeign ? FOREIGN : unit;
        this.#rows[to + i] = row + i;
        let word = (to + i) * width;
        // High word first. A version is signed: its sign bit is turned, then all bits, largest first.
        for (const column of columns) {
          for (let k = column.width - 1; k >= 0; k--)
            this.#keys[word++] = column.words[at * column.width + k];
        }
        for (let k = version.width - 1; k >= 0; k--) {
          const value = version.words[at * version.width + k];
          this.#keys[word++] = k === version.width - 1 ? value ^ 0x7fffffff : ~value;
        }
      }
    }
  }

  #compare(a: number, b: number): number {
    const keys = this.#keys;
    const width = this.#width;
    for (let i = 0; i < width; i++) {
      const difference = keys[a * width + i] - keys[b * width + i];
      if (difference !== 0) return difference;
    }
    const isPeerA = this.#units[a] >= this.firstPeerUnit;
    const isPeerB = this.#units[b] >= this.firstPeerUnit;
    if (isPeerA !== isPeerB) return isPeerA ? -1 : 1;
    return a - b;
  }

  #sameIdentity(a: number, b: number): boolean {
    const keys = this.#keys;
    const width = this.#width;
    // The version is int64: two words.
    for (let i = 0; i < width - 2; i++) if (keys[a * width + i] !== keys[b * width + i]) return false;
    return true;
  }
}

function hasId(ids: Uint32Array, row: number, own: Uint32Array, trace: number): boolean {
  for (let i = 0; i < 4; i++) if (ids[row * 4 + i] !== own[trace * 4 + i]) return false;
  return true;
}
