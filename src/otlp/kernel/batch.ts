/**
 * Spans by the kernel: runs of plain spans of one body, gathered to batches of rows and appended to columns.
 * There is one kernel for all bodies of the thread; between two batches another body may have it.
 */
import { DROPPED } from '../../span/attribute-lists.ts';
import type { PairTable } from '../../span/attribute-lists.ts';
import type { SpanColumns } from '../../span/columns.ts';
import { Loss } from '../../span/losses.ts';
import { TYPE_TAGS } from '../../span/value.ts';
import { parsePair } from '../protobuf-values.ts';
import type { Wire } from '../wire.ts';
import { DROPPED_PAIR, kernel, KernelMemory, MISS_KIND, STOPPED } from './kernel.ts';

interface Table {
  address: number;
  /** Of the pairs, when it was made: bytes may mean something else in another. */
  readonly epoch: number;
}

/** By pairs: the address of the table of bytes that were met in them. */
const tables = new WeakMap<PairTable, Table>();
/** For columns that nobody seals. */
const abandoned = new FinalizationRegistry<Table>(release);

const MAX_UINT32 = 0xffffffff;

/** Longer bytes the kernel does not keep; the number of assembly/layout.ts. */
const MAX_KNOWN_BYTES = 1024;

/** Of the record of a miss. */
const MISS_WORDS = 8;

/** Whose window and batch the kernel holds. */
let holder: { readonly pairs: PairTable } | undefined;
let memory: KernelMemory | undefined;

/** Nothing more is decoded into these columns: the memory of the look-ups goes to the next ones. */
export function forgetLookUps(pairs: PairTable): void {
  const table = tables.get(pairs);
  if (table === undefined) return;
  tables.delete(pairs);
  release(table);
  pairs.lookUpBytes = 0;
}

function release(table: Table): void {
  if (table.address !== 0) kernel().freeTable(table.address);
  table.address = 0;
}

function tableOf(pairs: PairTable): number {
  let table = tables.get(pairs);
  if (table?.epoch !== pairs.epoch) {
    forgetLookUps(pairs);
    table = { address: kernel().newTable(), epoch: pairs.epoch };
    tables.set(pairs, table);
    abandoned.register(pairs, table);
  }
  return table.address;
}

export class SpanBatches {
  readonly #kernel = kernel();
  #table = 0;
  /** What stretch of the body stands in the kernel's memory. */
  #windowStart = 0;
  #windowEnd = 0;
  /** Rows appended by all batches so far. */
  rows = 0;

  readonly #turn: { readonly pairs: PairTable };

  constructor(
    private readonly wire: Wire,
    private readonly into: SpanColumns,
  ) {
    this.#turn = { pairs: into.pairs };
  }

  /** False for columns with more keys than the kernel can tell apart, or that cut what it would know again. */
  get isUsable(): boolean {
    const { keys, limits } = this.into.pairs;
    return (
      keys.count < this.#kernel.MAX_KEYS.value / 2 &&
      limits.valueBytes >= MAX_KNOWN_BYTES &&
      limits.nameBytes >= MAX_KNOWN_BYTES
    );
  }

  /**
   * Takes the spans of a ScopeSpans from `from` on, as long as they are plain, and answers where it stopped:
   * at `end`, in front of something else, or because `isFull`. They stand in the columns after `flush`.
   */
  take(from: number, end: number, resource: number, scope: number): number {
    if (holder !== this.#turn) this.#hold();
    if (from < this.#windowStart || from >= this.#windowEnd) this.#load(from);
    const toAddress = this.#kernel.BODY.value - this.#windowStart;
    const { walk } = this.#kernel;
    const to = walk(
      this.#table,
      from + toAddress,
      end + toAddress,
      this.#windowEnd + toAddress,
      resource,
      scope,
    );
    const at = to - toAddress;
    if (this.#stopped !== STOPPED.outOfWindow || at === this.#windowStart) return at;
    this.#load(at);
    return this.take(at, end, resource, scope);
  }

  /** The batch takes nothing more before it is flushed. */
  get isFull(): boolean {
    return this.#stopped === STOPPED.batchFull;
  }

  /**
   * True when the attributes of a resource or scope could take the room of a key that stands before them and
   * is still a miss: keys are admitted in the order of their bytes.
   */
  get mayExhaustKeys(): boolean {
    if (holder !== this.#turn) return false;
    const { admittedKeys, limits } = this.into.pairs;
    return admittedKeys + this.#kernel.misses.value + limits.attributes > limits.keys;
  }

  get #stopped(): number {
    return this.#kernel.stopped.value;
  }

  /** Appends what was taken. Throws OtlpDecodeError for an attribute that can't be read. */
  flush(): void {
    if (holder !== this.#turn) return;
    const misses = this.#kernel.misses.value;
    const rows = this.#kernel.rows.value;
    try {
      if (misses > 0) this.#answer(misses);
    } catch (error) {
      this.#giveUp();
      throw error;
    }
    if (rows > 0) {
      this.#kernel.settle();
      const view = this.#view();
      view.rows = rows;
      view.events.count = this.#kernel.events.value;
      this.into.append(view);
      this.rows += rows;
      const { losses } = this.into.pairs;
      const dropped = this.#kernel.droppedAttributes.value;
      if (dropped > 0) losses.add(Loss.key, dropped);
      losses.keep();
    } else if (misses > 0) this.#kernel.settle();
    this.into.pairs.lookUpBytes = this.#kernel.tableBytes(this.#table);
    this.#kernel.begin();
  }

  /** A body that failed: its rows are not wanted, and its table has misses without answers. */
  #giveUp(): void {
    forgetLookUps(this.into.pairs);
    this.#kernel.begin();
    holder = undefined;
  }

  /** Takes the kernel from whoever had it. */
  #hold(): void {
    if (this.#kernel.rows.value > 0) throw new Error('spans of another body were not flushed');
    // What was looked up of a span that was not plain, and of which the body was given up.
    if (holder !== undefined && this.#kernel.misses.value > 0) forgetLookUps(holder.pairs);
    holder = this.#turn;
    this.#kernel.begin();
    const { attributes, events } = this.into.pairs.limits;
    // Infinity would be 0 there.
    this.#kernel.setLimits(Math.min(attributes, MAX_UINT32), Math.min(events, MAX_UINT32));
    this.#table = tableOf(this.into.pairs);
    this.#windowStart = this.#windowEnd = 0;
  }

  #load(from: number): void {
    // Misses tell their bytes by addresses in the window.
    this.flush();
    const { body } = this.#view();
    const bytes = this.wire.buf.subarray(from, from + body.length);
    body.set(bytes);
    this.#windowStart = from;
    this.#windowEnd = from + bytes.length;
  }

  #answer(count: number): void {
    const { pairs, names, strings } = this.into;
    const { buf } = this.wire;
    const { misses, answers } = this.#view();
    const toPosition = this.#windowStart - this.#kernel.BODY.value;
    for (let miss = 0; miss < count; miss++) {
      const at = miss * MISS_WORDS;
      const start = misses[at] + toPosition;
      const end = start + misses[at + 1];
      const isAscii = misses[at + 3] === 1;
      let code: number;
      let key = 0;
      if (misses[at + 2] === MISS_KIND.pair) {
        const text = misses[at + 4];
        code =
          text === 0
            ? parsePair(this.wire, start, end, pairs)
            : this.#textPair(start, text + toPosition, end, isAscii);
        if (code === DROPPED) code = DROPPED_PAIR;
        else key = pairs.pairKeys[code];
      } else {
        const texts = misses[at + 2] === MISS_KIND.name ? names : strings;
        code = texts.internUtf8(buf, start, end, isAscii);
      }
      answers[miss * 2] = code;
      answers[miss * 2 + 1] = key;
    }
  }

  /** The pair of a KeyValue whose key has a length of one byte, and whose value is a string that ends it. */
  #textPair(start: number, text: number, end: number, isAscii: boolean): number {
    const { pairs } = this.into;
    const { buf } = this.wire;
    const key = pairs.keyUtf8(buf, start + 2, start + 2 + buf[start + 1]);
    if (key === DROPPED) return DROPPED;
    return pairs.pair(key, TYPE_TAGS.string, pairs.stringCode(buf, text, end, isAscii));
  }

  #view(): KernelMemory {
    if (memory?.buffer !== this.#kernel.memory.buffer) memory = new KernelMemory(this.#kernel);
    return memory;
  }
}
