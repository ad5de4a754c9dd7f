/**
 * Spans as far as the service graph needs them, in flat arrays: those that one part of a file or buffer can't
 * join alone. Plain data once taken, 60 bytes a span: it crosses to the main thread.
 */
import { grown } from '../../../../span/grow.ts';
import { STATUS_ERROR } from '../../../../span/span.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type { Block, FixedVector } from '../../../../span/vector.ts';
import type { TimeRange } from '../../../span-store.ts';
import { columnOf } from '../scan/cells.ts';
import { PeerReader } from './dependencies-peers.ts';
import type { Peer } from './dependencies-peers.ts';
import { narrowToTimes } from '../scan/int64-kernel.ts';
import { Texts } from '../scan/texts.ts';

export const CALL_COLUMNS: readonly string[] = [
  'trace_id',
  'span_id',
  'parent_span_id',
  'service_name',
  'kind',
  'status_code',
  'start_time_unix_nano',
  'duration_nano',
];

/** Kinds of spans. */
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;

/** Words of a row in `ids`: 4 of the trace, 2 of the span, 2 of its parent. */
export const ID_WORDS = 8;
export const SPAN_WORD = 4;
export const PARENT_WORD = 6;
/** Words of a row in `times`: start and duration, low words first. */
export const TIME_WORDS = 4;
export const DURATION_WORD = 2;

export const IS_ERROR = 1;
/** It starts within the question's range; others are there to be found as parents and children. */
export const IN_RANGE = 2;
/** Client or producer: what it lasts is what the call lasts. */
export const IS_CLIENT = 4;
/** Producer or consumer. */
export const IS_MESSAGING = 8;

export interface CallRows {
  readonly count: number;
  readonly ids: Uint32Array;
  readonly times: Uint32Array;
  /** Numbers in `names`. */
  readonly services: Uint32Array;
  /** Numbers in `peers`; -1: none. */
  readonly peerNumbers: Int32Array;
  readonly kinds: Uint8Array;
  readonly flags: Uint8Array;
  readonly names: readonly string[];
  readonly peers: readonly Peer[];
}

export const BYTES_PER_CALL_ROW = 60;

/** Numbers of the texts and peers of many blocks. */
export class CallNames {
  readonly names: string[] = [];
  readonly peers: Peer[] = [];
  readonly #names = new Map<string, number>();
  readonly #peers = new Map<string, number>();

  name(text: string): number {
    let number = this.#names.get(text);
    if (number === undefined) this.#names.set(text, (number = this.names.push(text) - 1));
    return number;
  }

  peer(peer: Peer): number {
    const key = `${peer.connectionType} ${peer.name}`;
    let number = this.#peers.get(key);
    if (number === undefined) this.#peers.set(key, (number = this.peers.push(peer) - 1));
    return number;
  }
}

/** A block seen as calls, by row. */
export class CallBlock {
  readonly traces: Uint32Array;
  readonly spans: Uint32Array;
  readonly parents: Uint32Array;
  readonly starts: Uint32Array;
  readonly durations: Uint32Array;
  readonly kinds: Uint8Array;
  readonly #statuses: Uint8Array;
  readonly #serviceCodes: Uint32Array;
  readonly #services: Int32Array;
  readonly #texts: Texts;
  readonly #peers: PeerReader;
  readonly #inRange: Uint8Array;

  constructor(
    readonly block: Block,
    readonly names: CallNames,
  ) {
    this.traces = wordsOf(columnOf(block, 'trace_id', 'fixed'));
    this.spans = wordsOf(columnOf(block, 'span_id', 'fixed'));
    this.parents = wordsOf(columnOf(block, 'parent_span_id', 'fixed'));
    this.starts = columnOf(block, 'start_time_unix_nano', 'int64').words;
    this.durations = columnOf(block, 'duration_nano', 'int64').words;
    this.kinds = columnOf(block, 'kind', 'uint8').values;
    this.#statuses = columnOf(block, 'status_code', 'uint8').values;
    const { codes, dictionary } = columnOf(block, 'service_name', 'text');
    this.#serviceCodes = codes;
    this.#services = new Int32Array(dictionary.count + 1).fill(-1);
    this.#texts = new Texts(dictionary);
    this.#peers = new PeerReader(block, names);
    this.#inRange = new Uint8Array(block.rows);
  }

  /** For the rows that are looked at next. */
  mark(range: TimeRange, from: number, to: number): void {
    this.#inRange.fill(1, from, to);
    narrowToTimes(this.starts, range.startUnixNano, range.endUnixNano, this.#inRange, from, to);
  }

  /** Its number in `names`. */
  service(row: number): number {
    const code = this.#serviceCodes[row];
    const slot = code === NULL_CODE ? this.#services.length - 1 : code;
    const known = this.#services[slot];
    if (known >= 0) return known;
    return (this.#services[slot] = this.names.name(this.#texts.orEmpty(code)));
  }

  flags(row: number): number {
    const kind = this.kinds[row];
    const isProducer = kind === PRODUCER;
    return (
      (this.#statuses[row] === STATUS_ERROR ? IS_ERROR : 0) |
      (this.#inRange[row] === 1 ? IN_RANGE : 0) |
      (isProducer || kind === CLIENT ? IS_CLIENT : 0) |
      (isProducer || kind === CONSUMER ? IS_MESSAGING : 0)
    );
  }

  /** Its number in `peers`, -1 where there is none; only clients and producers have one. */
  peer(row: number): number {
    return this.#peers.peer(row);
  }
}

/** A view where the bytes lie on a word's boundary, as they do where pages are still to be filled; else a copy. */
function wordsOf({ bytes }: FixedVector): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
}

export class CallRowsBuilder implements CallRows {
  count = 0;
  ids = new Uint32Array(64 * ID_WORDS);
  times = new Uint32Array(64 * TIME_WORDS);
  services = new Uint32Array(64);
  peerNumbers = new Int32Array(64);
  kinds = new Uint8Array(64);
  flags = new Uint8Array(64);

  constructor(readonly callNames: CallNames) {}

  get names(): readonly string[] {
    return this.callNames.names;
  }

  get peers(): readonly Peer[] {
    return this.callNames.peers;
  }

  push(block: CallBlock, row: number): void {
    if (this.count === this.services.length) this.#grow();
    const at = this.count++;
    const { ids, times } = this;
    for (let word = 0; word < 4; word++) ids[at * ID_WORDS + word] = block.traces[row * 4 + word];
    for (let word = 0; word < 2; word++) {
      ids[at * ID_WORDS + SPAN_WORD + word] = block.spans[row * 2 + word];
      ids[at * ID_WORDS + PARENT_WORD + word] = block.parents[row * 2 + word];
      times[at * TIME_WORDS + word] = block.starts[row * 2 + word];
      times[at * TIME_WORDS + DURATION_WORD + word] = block.durations[row * 2 + word];
    }
    const flags = block.flags(row);
    this.services[at] = block.service(row);
    this.peerNumbers[at] = (flags & IS_CLIENT) === 0 ? -1 : block.peer(row);
    this.kinds[at] = block.kinds[row];
    this.flags[at] = flags;
  }

  /** Rows of another thread, or of other names. */
  append(rows: CallRows): void {
    const names = rows.names.map((name) => this.callNames.name(name));
    const peers = rows.peers.map((peer) => this.callNames.peer(peer));
    while (this.count + rows.count > this.services.length) this.#grow();
    const at = this.count;
    this.ids.set(rows.ids.subarray(0, rows.count * ID_WORDS), at * ID_WORDS);
    this.times.set(rows.times.subarray(0, rows.count * TIME_WORDS), at * TIME_WORDS);
    this.kinds.set(rows.kinds.subarray(0, rows.count), at);
    this.flags.set(rows.flags.subarray(0, rows.count), at);
    for (let row = 0; row < rows.count; row++) {
      const peer = rows.peerNumbers[row];
      this.services[at + row] = names[rows.services[row]];
      this.peerNumbers[at + row] = peer < 0 ? -1 : peers[peer];
    }
    this.count += rows.count;
  }

  /** As plain data. */
  take(): CallRows {
    const { count, names, peers } = this;
    return {
      count,
      ids: this.ids.slice(0, count * ID_WORDS),
      times: this.times.slice(0, count * TIME_WORDS),
      services: this.services.slice(0, count),
      peerNumbers: this.peerNumbers.slice(0, count),
      kinds: this.kinds.slice(0, count),
      flags: this.flags.slice(0, count),
      names,
      peers,
    };
  }

  #grow(): void {
    const rows = this.services.length * 2;
    this.ids = grown(this.ids, rows * ID_WORDS);
    this.times = grown(this.times, rows * TIME_WORDS);
    this.services = grown(this.services, rows);
    this.peerNumbers = grown(this.peerNumbers, rows);
    this.kinds = grown(this.kinds, rows);
    this.flags = grown(this.flags, rows);
  }
}

/** A span that is of no service takes no part. */
export const NO_SERVICE = '';

export function hasParent({ ids }: CallRows, row: number): boolean {
  const at = row * ID_WORDS + PARENT_WORD;
  return (ids[at] | ids[at + 1]) !== 0;
}
