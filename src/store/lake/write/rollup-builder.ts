/**
 * The rollup of a file (files/rollup.ts), counted while the file is written. It comes out the same, byte by
 * byte, in whatever order the rows come and however they are cut into row groups.
 */
import { STATUS_ERROR } from '../../../span/span.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { Block } from '../../../span/vector.ts';
import { columnOf } from '../read/scan/cells.ts';
import { RollupCells } from './rollup-cells.ts';
import { encodeRollup } from './rollup-encode.ts';
import type { SeriesKey } from './rollup-encode.ts';
import { TextNumbers } from './text-numbers.ts';

/** Services, names, and series: more is no traffic that anyone looks at by operation. The file is scanned then. */
const MAX_SERIES = 16_384;

/** A cell is worth keeping when it stands for so many rows: on average it then takes a byte for a row at most. */
export const ROWS_PER_CELL = 128;

const NANOS_PER_MINUTE = 60_000_000_000;

export class RollupBuilder {
  private rows = 0;
  private isTooMuch = false;
  private readonly services = new TextNumbers(MAX_SERIES);
  private readonly names = new TextNumbers(MAX_SERIES);
  private readonly series = new SeriesTable();
  private readonly cells = new RollupCells();

  /** Rows `from .. to` of a block with the columns of spans. */
  rowGroup(block: Block, from = 0, to = block.rows): void {
    if (this.isTooMuch || from >= to) return;
    const services = columnOf(block, 'service_name', 'text');
    const names = columnOf(block, 'name', 'text');
    const kinds = columnOf(block, 'kind', 'uint8').values;
    const statuses = columnOf(block, 'status_code', 'uint8').values;
    const starts = columnOf(block, 'start_time_unix_nano', 'int64').words;
    const durations = columnOf(block, 'duration_nano', 'int64').words;
    const serviceEntries = this.services.table(services.dictionary);
    const nameEntries = this.names.table(names.dictionary);
    this.rows += to - from;
    for (let row = from; row < to; row++) {
      const service = services.codes[row];
      const name = names.codes[row];
      const serviceEntry =
        (service === NULL_CODE ? 0 : serviceEntries[service]) || this.services.learn(service);
      const nameEntry = (name === NULL_CODE ? 0 : nameEntries[name]) || this.names.learn(name);
      const hasRoom = serviceEntry > 0 && nameEntry > 0 && this.series.count <= MAX_SERIES;
      const counted =
        hasRoom &&
        this.cells.add(
          this.series.number(serviceEntry - 1, nameEntry - 1, kinds[row]),
          minuteOf(starts[row * 2 + 1], starts[row * 2]),
          statuses[row] === STATUS_ERROR,
          durations[row * 2 + 1],
          durations[row * 2],
        );
      if (counted) continue;
      this.isTooMuch = true;
      return;
    }
  }

  /** No bytes where a rollup would be too large for its use. */
  finish(): Uint8Array {
    if (this.isTooMuch || this.rows === 0 || this.series.count > MAX_SERIES) return new Uint8Array(0);
    const keys: SeriesKey[] = this.series.keys().map(({ service, name, kind }) => ({
      service: this.services.text(service),
      name: this.names.text(name),
      kind,
    }));
    const most = Math.max(keys.length, this.rows / ROWS_PER_CELL);
    let cells: RollupCells = this.cells;
    let hasSteps = cells.count <= most;
    while (!hasSteps) {
      const coarse = cells.coarsened();
      if (coarse === undefined) break;
      cells = coarse;
      hasSteps = cells.count <= most;
    }
    return encodeRollup({ rows: this.rows, series: keys, cells, hasSteps });
  }
}

/** Whole minutes since the epoch, exact: two long divisions, each of a number below 2^53. */
export function minuteOf(high: number, low: number): number {
  const upper = high * 65_536 + (low >>> 16);
  const quotient = Math.floor(upper / NANOS_PER_MINUTE);
  const lower = (upper - quotient * NANOS_PER_MINUTE) * 65_536 + (low & 0xffff);
  return quotient * 65_536 + Math.floor(lower / NANOS_PER_MINUTE);
}

/** Series numbered as they come: open addressing by three numbers. */
class SeriesTable {
  count = 0;
  /** Service and kind, and name, of each. */
  private first = new Uint32Array(256);
  private second = new Uint32Array(256);
  private slots = new Uint32Array(1024);

  number(service: number, name: number, kind: number): number {
    const { slots, first, second } = this;
    const owner = service * 256 + kind;
    const mask = slots.length - 1;
    let slot = hashOf(owner, name) & mask;
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      if (second[entry - 1] === name && first[entry - 1] === owner) return entry - 1;
      slot = (slot + 1) & mask;
    }
    first[this.count] = owner;
    second[this.count] = name;
    slots[slot] = ++this.count;
    if (this.count === first.length) this.grow();
    return this.count - 1;
  }

  keys(): { service: number; name: number; kind: number }[] {
    return Array.from({ length: this.count }, (_, i) => ({
      service: this.first[i] >>> 8,
      name: this.second[i],
      kind: this.first[i] & 255,
    }));
  }

  private grow(): void {
    const copy = (from: Uint32Array) => {
      const to = new Uint32Array(this.count * 2);
      to.set(from);
      return to;
    };
    this.first = copy(this.first);
    this.second = copy(this.second);
    this.slots = new Uint32Array(this.first.length * 4);
    const mask = this.slots.length - 1;
    for (let i = 0; i < this.count; i++) {
      let slot = hashOf(this.first[i], this.second[i]) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = i + 1;
    }
  }
}

function hashOf(owner: number, name: number): number {
  const mixed = Math.imul(name, 0x9e3779b1) ^ Math.imul(owner, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
