/**
 * The host's side of kernel.wasm: one instance for the thread, its memory as typed arrays. What it means is
 * told in assembly/walk.ts.
 */
import { readFileSync } from 'node:fs';
import type { RowBatch } from '../../span/row-batch.ts';
import kernelPath from './kernel.wasm' with { type: 'file' };

/** Why a walk ended; the numbers of assembly/walk.ts. */
export const STOPPED = { allRead: 0, batchFull: 1, outOfWindow: 2, notPlain: 3 } as const;

/** As many as the longest bytes that the kernel keeps. */
const HASH_KEY_BYTES = 1024;

/** What bytes are looked up as; the numbers of assembly/layout.ts. */
export const MISS_KIND = { pair: 0, name: 1, text: 2 } as const;

/** The answer for an attribute that is not kept. */
export const DROPPED_PAIR = 0x7fffffff;

type AddressName =
  | 'BODY'
  | 'TRACE_IDS'
  | 'SPAN_IDS'
  | 'PARENT_IDS'
  | 'STARTS'
  | 'DURATIONS'
  | 'FLAGS'
  | 'DROPPED_ATTRIBUTES'
  | 'DROPPED_EVENTS'
  | 'DROPPED_LINKS'
  | 'NAMES'
  | 'TRACE_STATES'
  | 'STATUS_MESSAGES'
  | 'RESOURCES'
  | 'SCOPES'
  | 'ATTRIBUTE_ENDS'
  | 'EVENT_ENDS'
  | 'KINDS'
  | 'STATUS_CODES'
  | 'ENTRIES'
  | 'EVENT_TIMES'
  | 'EVENT_NAMES'
  | 'EVENT_DROPPED'
  | 'EVENT_ENTRY_ENDS'
  | 'EVENT_ENTRIES'
  | 'MISSES'
  | 'ANSWERS'
  | 'HASH_KEYS';

type Constant = AddressName | 'MAX_ROWS' | 'MAX_EVENTS' | 'MAX_KEYS' | 'WINDOW' | 'MISS_BYTES';
type Count = 'rows' | 'events' | 'misses' | 'stopped' | 'droppedAttributes';

/** Addresses and sizes are bytes in `memory`. */
export type KernelExports = Readonly<Record<Constant | Count, WebAssembly.Global<'i32'>>> & {
  readonly memory: WebAssembly.Memory;
  readonly begin: () => void;
  readonly setLimits: (attributes: number, events: number) => void;
  readonly walk: (
    table: number,
    from: number,
    end: number,
    windowEnd: number,
    resource: number,
    scope: number,
  ) => number;
  readonly settle: () => void;
  readonly newTable: () => number;
  readonly tableBytes: (table: number) => number;
  readonly freeTable: (table: number) => void;
};

/** The kernel's memory, seen as what stands where. Made anew when the memory has grown. */
export class KernelMemory implements RowBatch {
  readonly buffer: ArrayBuffer;
  rows = 0;
  readonly body: Uint8Array;
  readonly traceIds: Uint8Array;
  readonly spanIds: Uint8Array;
  readonly parentSpanIds: Uint8Array;
  readonly startWords: Uint32Array;
  readonly durationWords: Uint32Array;
  readonly kinds: Uint8Array;
  readonly statusCodes: Uint8Array;
  readonly flags: Uint32Array;
  readonly droppedAttributes: Uint32Array;
  readonly droppedEvents: Uint32Array;
  readonly droppedLinks: Uint32Array;
  readonly nameCodes: Uint32Array;
  readonly traceStateCodes: Uint32Array;
  readonly statusMessageCodes: Uint32Array;
  readonly resourceCodes: Uint32Array;
  readonly scopeCodes: Uint32Array;
  readonly attributes: { readonly ends: Uint32Array; readonly pairs: Uint32Array };
  readonly eventEnds: Uint32Array;
  readonly events: {
    count: number;
    readonly timeWords: Uint32Array;
    readonly nameCodes: Uint32Array;
    readonly droppedAttributes: Uint32Array;
    readonly attributes: { readonly ends: Uint32Array; readonly pairs: Uint32Array };
  };
  /** Eight words a miss: assembly/layout.ts. */
  readonly misses: Uint32Array;
  /** Two words a miss: code and, of a pair, its key's code. */
  readonly answers: Uint32Array;

  constructor(exports: KernelExports) {
    const { buffer } = exports.memory;
    const rows = exports.MAX_ROWS.value;
    const events = exports.MAX_EVENTS.value;
    const bytes = (name: AddressName, length: number) => new Uint8Array(buffer, exports[name].value, length);
    const words = (name: AddressName, length: number) => new Uint32Array(buffer, exports[name].value, length);
    /** Those whose end is wherever the next one begins: only what was written is read. */
    const rest = (name: AddressName) => new Uint32Array(buffer, exports[name].value);
    this.buffer = buffer;
    this.body = bytes('BODY', exports.WINDOW.value);
    this.traceIds = bytes('TRACE_IDS', rows * 16);
    this.spanIds = bytes('SPAN_IDS', rows * 8);
    this.parentSpanIds = bytes('PARENT_IDS', rows * 8);
    this.startWords = words('STARTS', rows * 2);
    this.durationWords = words('DURATIONS', rows * 2);
    this.kinds = bytes('KINDS', rows);
    this.statusCodes = bytes('STATUS_CODES', rows);
    this.flags = words('FLAGS', rows);
    this.droppedAttributes = words('DROPPED_ATTRIBUTES', rows);
    this.droppedEvents = words('DROPPED_EVENTS', rows);
    this.droppedLinks = words('DROPPED_LINKS', rows);
    this.nameCodes = words('NAMES', rows);
    this.traceStateCodes = words('TRACE_STATES', rows);
    this.statusMessageCodes = words('STATUS_MESSAGES', rows);
    this.resourceCodes = words('RESOURCES', rows);
    this.scopeCodes = words('SCOPES', rows);
    this.attributes = { ends: words('ATTRIBUTE_ENDS', rows), pairs: rest('ENTRIES') };
    this.eventEnds = words('EVENT_ENDS', rows);
    this.events = {
      count: 0,
      timeWords: words('EVENT_TIMES', events * 2),
      nameCodes: words('EVENT_NAMES', events),
      droppedAttributes: words('EVENT_DROPPED', events),
      attributes: { ends: words('EVENT_ENTRY_ENDS', events), pairs: rest('EVENT_ENTRIES') },
    };
    this.misses = rest('MISSES');
    this.answers = rest('ANSWERS');
  }
}

let loaded: KernelExports | undefined;

/** Compiles it at the first call: about a millisecond. */
export function kernel(): KernelExports {
  loaded ??= load();
  return loaded;
}

function load(): KernelExports {
  const module = new WebAssembly.Module(readFileSync(kernelPath));
  const { exports } = new WebAssembly.Instance(module);
  const known = exports as unknown as KernelExports;
  crypto.getRandomValues(new Uint8Array(known.memory.buffer, known.HASH_KEYS.value, HASH_KEY_BYTES));
  return known;
}
