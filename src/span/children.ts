/** Events and links of all spans in memory: the children of a row stand together, in the order sent. */
import { AttributeLists } from './attribute-lists.ts';
import type { PairTable } from './attribute-lists.ts';
import { grownShared as grown } from './grow.ts';
import type { Interner } from './interner.ts';
import { addDropped, Loss } from './losses.ts';
import type { EventBatch } from './row-batch.ts';
import type { ListVector } from './vector.ts';

const FIRST_CHILDREN = 64;

/** What events and links share: how many there are, where each row's begin, and their attributes. */
class Children {
  count = 0;
  /** Of the open row: those that are not kept. */
  dropped = 0;
  /** Row r has the children `offsets[r] .. offsets[r + 1]`. */
  offsets: Uint32Array = new Uint32Array(FIRST_CHILDREN + 1);
  readonly attributes: AttributeLists;
  droppedAttributes: Uint32Array = new Uint32Array(FIRST_CHILDREN);

  constructor(
    private readonly pairs: PairTable,
    private readonly limit: number,
    private readonly loss: Loss,
  ) {
    this.attributes = new AttributeLists(pairs);
  }

  /** Whether the row `row`, which is open, takes another child; if not, that one is counted, and need not be read. */
  takes(row: number): boolean {
    if (this.count - this.offsets[row] < this.limit) return true;
    this.dropped++;
    this.pairs.losses.add(this.loss);
    return false;
  }

  close(): void {
    const { dropped } = this.attributes;
    if (dropped > 0) {
      this.droppedAttributes[this.count] = addDropped(this.droppedAttributes[this.count], dropped);
    }
    this.attributes.close();
    this.count++;
  }

  /** Makes room for the ends of so many rows. */
  reserve(rows: number): void {
    if (rows >= this.offsets.length) this.offsets = grown(this.offsets, rows + 1);
  }

  /** The row `row` is complete: its children end here. */
  closeRow(row: number): void {
    if (row + 1 >= this.offsets.length) this.offsets = grown(this.offsets, row + 2);
    this.offsets[row + 1] = this.count;
    this.dropped = 0;
  }

  /** The children of `rows` rows that were appended: row r's end at `base + ends[r]`. */
  protected closeRows(firstRow: number, rows: number, base: number, ends: Uint32Array | undefined): void {
    if (firstRow + rows >= this.offsets.length) this.offsets = grown(this.offsets, firstRow + rows + 1);
    if (ends === undefined) this.offsets.fill(base, firstRow + 1, firstRow + rows + 1);
    else for (let row = 0; row < rows; row++) this.offsets[firstRow + row + 1] = base + ends[row];
  }

  /** Keeps the children of the first `rows` rows. */
  truncate(rows: number): void {
    this.count = this.offsets[rows];
    this.dropped = 0;
    this.attributes.truncate(this.count);
  }
}

export class EventColumns extends Children {
  timeWords: Uint32Array = new Uint32Array(FIRST_CHILDREN * 2);
  nameCodes: Uint32Array = new Uint32Array(FIRST_CHILDREN);

  constructor(pairs: PairTable) {
    super(pairs, pairs.limits.events, Loss.event);
  }

  get byteLength(): number {
    return this.count * 16 + this.attributes.byteLength;
  }

  /** Adds the events of `rows` rows. */
  append(firstRow: number, rows: number, ends: Uint32Array, batch: EventBatch): void {
    const base = this.count;
    const after = base + batch.count;
    if (after > this.nameCodes.length) {
      this.timeWords = grown(this.timeWords, after * 2);
      this.nameCodes = grown(this.nameCodes, after);
      this.droppedAttributes = grown(this.droppedAttributes, after);
    }
    this.timeWords.set(batch.timeWords.subarray(0, batch.count * 2), base * 2);
    this.nameCodes.set(batch.nameCodes.subarray(0, batch.count), base);
    this.droppedAttributes.set(batch.droppedAttributes.subarray(0, batch.count), base);
    this.attributes.append(batch.attributes, batch.count);
    this.count = after;
    this.closeRows(firstRow, rows, base, ends);
  }

  /** A new event with nothing set; its attributes go to the open list of `attributes`. */
  open(): number {
    const event = this.count;
    if (event === this.nameCodes.length) {
      this.timeWords = grown(this.timeWords, (event + 1) * 2);
      this.nameCodes = grown(this.nameCodes, event + 1);
      this.droppedAttributes = grown(this.droppedAttributes, event + 1);
    }
    this.timeWords[event * 2] = 0;
    this.timeWords[event * 2 + 1] = 0;
    this.nameCodes[event] = 0;
    this.droppedAttributes[event] = 0;
    return event;
  }

  vector(rows: number, strings: Interner): ListVector {
    const count = this.offsets[rows];
    return {
      kind: 'list',
      offsets: this.offsets.subarray(0, rows + 1),
      children: {
        time_unix_nano: { kind: 'int64', words: this.timeWords.subarray(0, count * 2) },
        name: {
          kind: 'text',
          codes: this.nameCodes.subarray(0, count),
          dictionary: strings.dictionary(),
        },
        attributes: this.attributes.vector(count),
        dropped_attributes_count: { kind: 'uint32', values: this.droppedAttributes.subarray(0, count) },
      },
    };
  }
}

export class LinkColumns extends Children {
  traceIds: Uint8Array = new Uint8Array(FIRST_CHILDREN * 16);
  spanIds: Uint8Array = new Uint8Array(FIRST_CHILDREN * 8);
  traceStateCodes: Uint32Array = new Uint32Array(FIRST_CHILDREN);
  flags: Uint32Array = new Uint32Array(FIRST_CHILDREN);

  constructor(pairs: PairTable) {
    super(pairs, pairs.limits.links, Loss.link);
  }

  get byteLength(): number {
    return this.count * 36 + this.attributes.byteLength;
  }

  /** Rows without links. */
  appendNone(firstRow: number, rows: number): void {
    this.closeRows(firstRow, rows, this.count, undefined);
  }

  /** A new link with nothing set; its attributes go to the open list of `attributes`. */
  open(): number {
    const link = this.count;
    if (link === this.flags.length) {
      this.traceIds = grown(this.traceIds, (link + 1) * 16);
      this.spanIds = grown(this.spanIds, (link + 1) * 8);
      this.traceStateCodes = grown(this.traceStateCodes, link + 1);
      this.droppedAttributes = grown(this.droppedAttributes, link + 1);
      this.flags = grown(this.flags, link + 1);
    }
    this.traceIds.fill(0, link * 16, link * 16 + 16);
    this.spanIds.fill(0, link * 8, link * 8 + 8);
    this.traceStateCodes[link] = 0;
    this.droppedAttributes[link] = 0;
    this.flags[link] = 0;
    return link;
  }

  vector(rows: number, strings: Interner): ListVector {
    const count = this.offsets[rows];
    return {
      kind: 'list',
      offsets: this.offsets.subarray(0, rows + 1),
      children: {
        trace_id: { kind: 'fixed', width: 16, bytes: this.traceIds.subarray(0, count * 16) },
        span_id: { kind: 'fixed', width: 8, bytes: this.spanIds.subarray(0, count * 8) },
        trace_state: {
          kind: 'text',
          codes: this.traceStateCodes.subarray(0, count),
          dictionary: strings.dictionary(),
        },
        attributes: this.attributes.vector(count),
        dropped_attributes_count: { kind: 'uint32', values: this.droppedAttributes.subarray(0, count) },
        flags: { kind: 'uint32', values: this.flags.subarray(0, count) },
      },
    };
  }
}
