/**
 * What lies where in the kernel's memory. What the host reads is exported by index.ts.
 */
/** Rows, attributes and misses of one batch. */
export const MAX_ROWS: usize = 512;
export const MAX_EVENTS: usize = 2048;
export const MAX_ENTRIES: usize = 16384;
export const MAX_MISSES: usize = 8192;
/** Of a span with its events: one that has more is walked by the host. */
export const SPAN_ENTRIES: usize = 128;
/** Longer bytes (prompts, stack traces) seldom repeat, and would stand twice in memory. */
export const MAX_KNOWN_BYTES: u32 = 1024;
/** Key codes below this; the host must not call with a table that has more keys. */
export const MAX_KEYS: usize = 65536;

/** Bytes of the body at once. */
export const WINDOW: usize = 262144;
/** Loads of eight bytes may reach beyond the end. */
export const SLACK: usize = 64;

// What lies where. The first 64 KiB are the compiler's.
export const BODY: usize = 65536;
export const TRACE_IDS: usize = BODY + WINDOW + SLACK;
export const SPAN_IDS: usize = TRACE_IDS + MAX_ROWS * 16;
export const PARENT_IDS: usize = SPAN_IDS + MAX_ROWS * 8;
export const STARTS: usize = PARENT_IDS + MAX_ROWS * 8;
export const DURATIONS: usize = STARTS + MAX_ROWS * 8;
export const FLAGS: usize = DURATIONS + MAX_ROWS * 8;
export const DROPPED_ATTRIBUTES: usize = FLAGS + MAX_ROWS * 4;
export const DROPPED_EVENTS: usize = DROPPED_ATTRIBUTES + MAX_ROWS * 4;
export const DROPPED_LINKS: usize = DROPPED_EVENTS + MAX_ROWS * 4;
export const NAMES: usize = DROPPED_LINKS + MAX_ROWS * 4;
export const TRACE_STATES: usize = NAMES + MAX_ROWS * 4;
export const STATUS_MESSAGES: usize = TRACE_STATES + MAX_ROWS * 4;
export const RESOURCES: usize = STATUS_MESSAGES + MAX_ROWS * 4;
export const SCOPES: usize = RESOURCES + MAX_ROWS * 4;
/** By row: attributes, or events, of all rows up to and with it. */
export const ATTRIBUTE_ENDS: usize = SCOPES + MAX_ROWS * 4;
export const EVENT_ENDS: usize = ATTRIBUTE_ENDS + MAX_ROWS * 4;
export const KINDS: usize = EVENT_ENDS + MAX_ROWS * 4;
export const STATUS_CODES: usize = KINDS + MAX_ROWS;
/** Pair codes of the attributes of spans, one behind the other. */
export const ENTRIES: usize = STATUS_CODES + MAX_ROWS;
export const ENTRY_KEYS: usize = ENTRIES + MAX_ENTRIES * 4;
export const EVENT_TIMES: usize = ENTRY_KEYS + MAX_ENTRIES * 4;
export const EVENT_NAMES: usize = EVENT_TIMES + MAX_EVENTS * 8;
export const EVENT_DROPPED: usize = EVENT_NAMES + MAX_EVENTS * 4;
export const EVENT_ENTRY_ENDS: usize = EVENT_DROPPED + MAX_EVENTS * 4;
export const EVENT_ENTRIES: usize = EVENT_ENTRY_ENDS + MAX_EVENTS * 4;
export const EVENT_ENTRY_KEYS: usize = EVENT_ENTRIES + MAX_ENTRIES * 4;
/**
 * Eight words a miss: address, length, kind, whether all bytes are ASCII; of a pair whose value is a string
 * that text's address and length, else 0; for `settle` the address of the entry, or 0.
 */
export const MISSES: usize = EVENT_ENTRY_KEYS + MAX_ENTRIES * 4;
export const MISS_BYTES: usize = 32;
/** Two words a miss, which the host fills: code and, of a pair, its key's code. */
export const ANSWERS: usize = MISSES + MAX_MISSES * MISS_BYTES;
/** By key: the entry that held it last. */
export const STAMPS: usize = ANSWERS + MAX_MISSES * 8;
/** Random words, as many as the longest bytes that are kept have. */
export const HASH_KEYS: usize = STAMPS + MAX_KEYS * 4;
/** First free block, by power of two. */
export const FREE_BLOCKS: usize = HASH_KEYS + (MAX_KNOWN_BYTES as usize);
export const HEAP: usize = (FREE_BLOCKS + 32 * 4 + 65535) & ~65535;

// Kinds of bytes that are looked up.
export const PAIR: u32 = 0;
export const NAME: u32 = 1;
export const TEXT: u32 = 2;

/** The code of bytes that were not met before: this and the number of the miss. */
export const PENDING: u32 = 0x80000000;
/** The host's answer for an attribute that is not kept: it counts as dropped. */
export const DROPPED: u32 = 0x7fffffff;
