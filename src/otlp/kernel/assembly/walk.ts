/**
 * The hot loop of a protobuf export, in AssemblyScript: spans -> rows in flat arrays, and each attribute,
 * name and text -> the code that its bytes got when they were met first. `kernel.wasm` is compiled from it
 * by `npm run kernel`; a test holds the two together. Meaning and errors are those of protobuf-traces.ts:
 * whatever is not plain here (an odd length, a field twice, a link, wrong bytes) stops the walk in front of
 * its span, which is then walked there.
 *
 * Addresses are of this module's one memory. The host writes bytes of the body to BODY, calls `walk` for
 * runs of spans, gives each miss its code, calls `settle`, and copies the rows.
 */

import {
  MAX_ROWS,
  MAX_EVENTS,
  MAX_ENTRIES,
  MAX_MISSES,
  SPAN_ENTRIES,
  MAX_KNOWN_BYTES,
  MAX_KEYS,
  BODY,
  TRACE_IDS,
  SPAN_IDS,
  PARENT_IDS,
  STARTS,
  DURATIONS,
  FLAGS,
  DROPPED_ATTRIBUTES,
  DROPPED_EVENTS,
  DROPPED_LINKS,
  NAMES,
  TRACE_STATES,
  STATUS_MESSAGES,
  RESOURCES,
  SCOPES,
  ATTRIBUTE_ENDS,
  EVENT_ENDS,
  KINDS,
  STATUS_CODES,
  ENTRIES,
  ENTRY_KEYS,
  EVENT_TIMES,
  EVENT_NAMES,
  EVENT_DROPPED,
  EVENT_ENTRY_ENDS,
  EVENT_ENTRIES,
  EVENT_ENTRY_KEYS,
  MISSES,
  MISS_BYTES,
  ANSWERS,
  STAMPS,
  PAIR,
  NAME,
  TEXT,
  PENDING,
  DROPPED,
} from './layout';
import { misses, forgetMisses, foundKey, lookUp } from './table';
// Why `walk` ended.
const ALL_READ: i32 = 0;
const BATCH_FULL: i32 = 1;
const OUT_OF_WINDOW: i32 = 2;
const NOT_PLAIN: i32 = 3;

export let stopped: i32 = ALL_READ;
export let rows: usize = 0;
export let events: usize = 0;
/** Attributes that `settle` left out, by the host's answer. */
export let droppedAttributes: i32 = 0;
let entries: usize = 0;
let eventEntries: usize = 0;
let stampBase: u32 = 1;
let attributeLimit: usize = SPAN_ENTRIES;
let eventsLimit: usize = SPAN_ENTRIES;

/** A span with more attributes, an event with more, or a span with more events is not plain. */
export function setLimits(attributes: u32, events: u32): void {
  attributeLimit = min<usize>(attributes, SPAN_ENTRIES);
  eventsLimit = min<usize>(events, SPAN_ENTRIES);
}

export function begin(): void {
  rows = 0;
  events = 0;
  forgetMisses();
  entries = 0;
  eventEntries = 0;
}

/**
 * Walks the fields of a ScopeSpans from `at` to `end` as long as they are plain spans, and answers the
 * address that it came to; `stopped` says why.
 */
export function walk(
  table: usize,
  from: usize,
  end: usize,
  windowEnd: usize,
  resource: u32,
  scope: u32,
): usize {
  let at = from;
  while (at < end) {
    if (at + 4 > windowEnd && windowEnd < end) return stop(OUT_OF_WINDOW, at);
    if (load<u8>(at) != 0x12) return stop(NOT_PLAIN, at);
    let size: u32 = load<u8>(at, 1);
    let start = at + 2;
    if (size >= 128) {
      const second: u32 = load<u8>(at, 2);
      size = (size & 127) | ((second & 127) << 7);
      start = at + 3;
      if (second >= 128) {
        const third: u32 = load<u8>(at, 3);
        if (third >= 128) return stop(NOT_PLAIN, at);
        size |= third << 14;
        start = at + 4;
      }
    }
    const next = start + size;
    if (next > end) return stop(NOT_PLAIN, at);
    if (next > windowEnd) return stop(OUT_OF_WINDOW, at);
    if (
      rows == MAX_ROWS ||
      entries + SPAN_ENTRIES > MAX_ENTRIES ||
      eventEntries + SPAN_ENTRIES > MAX_ENTRIES ||
      events + SPAN_ENTRIES > MAX_EVENTS ||
      misses + SPAN_ENTRIES * 4 > MAX_MISSES
    ) {
      return stop(BATCH_FULL, at);
    }
    const entriesBefore = entries;
    const eventsBefore = events;
    const eventEntriesBefore = eventEntries;
    if (!span(table, start, next)) {
      // What was looked up stays a miss: its bytes are in the table and want their code.
      entries = entriesBefore;
      events = eventsBefore;
      eventEntries = eventEntriesBefore;
      return stop(NOT_PLAIN, at);
    }
    store<u32>(RESOURCES + rows * 4, resource);
    store<u32>(SCOPES + rows * 4, scope);
    store<u32>(ATTRIBUTE_ENDS + rows * 4, entries);
    store<u32>(EVENT_ENDS + rows * 4, events);
    rows++;
    at = next;
  }
  return stop(ALL_READ, at);
}

function stop(reason: i32, at: usize): usize {
  stopped = reason;
  return at;
}

/** The Span in `[from .. end)` as row `rows`; false when it is not plain. */
function span(table: usize, from: usize, end: usize): bool {
  const row = rows;
  store<u64>(PARENT_IDS + row * 8, 0);
  store<u32>(FLAGS + row * 4, 0);
  store<u32>(DROPPED_ATTRIBUTES + row * 4, 0);
  store<u32>(DROPPED_EVENTS + row * 4, 0);
  store<u32>(DROPPED_LINKS + row * 4, 0);
  store<u32>(NAMES + row * 4, 0);
  store<u32>(TRACE_STATES + row * 4, 0);
  store<u32>(STATUS_MESSAGES + row * 4, 0);
  store<u8>(KINDS + row, 0);
  store<u8>(STATUS_CODES + row, 0);
  const entryLimit = entries + attributeLimit;
  const eventLimit = events + eventsLimit;
  const eventEntryLimit = eventEntries + SPAN_ENTRIES;
  let hasTraceId = false;
  let hasSpanId = false;
  let hasParent = false;
  let startTime: u64 = 0;
  let endTime: u64 = 0;
  let pos = from;
  while (pos < end) {
    const tag: u32 = load<u8>(pos);
    if ((tag & 7) == 2) {
      let size: u32 = load<u8>(pos, 1);
      pos += 2;
      if (size >= 128) {
        const second: u32 = load<u8>(pos);
        if (second >= 128) return false;
        size = (size & 127) | (second << 7);
        pos++;
      }
      const to = pos + size;
      if (to > end) return false;
      if (tag == 0x4a) {
        if (entries == entryLimit) return false;
        const code = lookUp(table, pos, size, PAIR);
        store<u32>(ENTRIES + entries * 4, code);
        store<u32>(ENTRY_KEYS + entries * 4, foundKey);
        entries++;
      } else if (tag == 0x0a) {
        if (size != 16 || hasTraceId) return false;
        hasTraceId = true;
        const first = load<u64>(pos);
        const second = load<u64>(pos, 8);
        if ((first | second) == 0) return false;
        store<u64>(TRACE_IDS + row * 16, first);
        store<u64>(TRACE_IDS + row * 16, second, 8);
      } else if (tag == 0x12) {
        if (size != 8 || hasSpanId) return false;
        hasSpanId = true;
        const id = load<u64>(pos);
        if (id == 0) return false;
        store<u64>(SPAN_IDS + row * 8, id);
      } else if (tag == 0x22) {
        if (size != 0) {
          if (size != 8 || hasParent) return false;
          hasParent = true;
          store<u64>(PARENT_IDS + row * 8, load<u64>(pos));
        } else if (hasParent) return false;
      } else if (tag == 0x2a) {
        if (size > MAX_KNOWN_BYTES) return false;
        store<u32>(NAMES + row * 4, textCode(table, pos, size, NAME));
      } else if (tag == 0x7a) {
        if (!status(table, pos, to, row)) return false;
      } else if (tag == 0x5a) {
        if (events == eventLimit) return false;
        if (!event(table, pos, to, eventEntryLimit)) return false;
      } else if (tag == 0x1a) {
        if (size > MAX_KNOWN_BYTES) return false;
        store<u32>(TRACE_STATES + row * 4, textCode(table, pos, size, TEXT));
      } else return false;
      pos = to;
    } else if (tag == 0x39) {
      startTime = load<u64>(pos, 1);
      pos += 9;
    } else if (tag == 0x41) {
      endTime = load<u64>(pos, 1);
      pos += 9;
    } else if (tag == 0x30) {
      const kind: u32 = load<u8>(pos, 1);
      if (kind >= 128) return false;
      store<u8>(KINDS + row, kind);
      pos += 2;
    } else if (tag == 0x85) {
      if (load<u8>(pos, 1) != 1) return false;
      store<u32>(FLAGS + row * 4, load<u32>(pos, 2));
      pos += 6;
    } else if (tag == 0x50 || tag == 0x60 || tag == 0x70) {
      const count: u32 = load<u8>(pos, 1);
      if (count >= 128) return false;
      const column = tag == 0x50 ? DROPPED_ATTRIBUTES : tag == 0x60 ? DROPPED_EVENTS : DROPPED_LINKS;
      store<u32>(column + row * 4, count);
      pos += 2;
    } else return false;
  }
  if (pos != end || !hasTraceId || !hasSpanId) return false;
  store<u64>(STARTS + row * 8, startTime);
  store<u64>(DURATIONS + row * 8, endTime - startTime);
  return true;
}

function status(table: usize, from: usize, end: usize, row: usize): bool {
  let pos = from;
  while (pos < end) {
    const tag: u32 = load<u8>(pos);
    let value: u32 = load<u8>(pos, 1);
    pos += 2;
    if (value >= 128) {
      const second: u32 = load<u8>(pos);
      if (tag != 0x12 || second >= 128) return false;
      value = (value & 127) | (second << 7);
      pos++;
    }
    if (tag == 0x18) store<u8>(STATUS_CODES + row, value);
    else if (tag == 0x12) {
      if (value > MAX_KNOWN_BYTES || pos + value > end) return false;
      store<u32>(STATUS_MESSAGES + row * 4, textCode(table, pos, value, TEXT));
      pos += value;
    } else return false;
  }
  return pos == end;
}

function event(table: usize, from: usize, end: usize, spanLimit: usize): bool {
  store<u64>(EVENT_TIMES + events * 8, 0);
  store<u32>(EVENT_NAMES + events * 4, 0);
  store<u32>(EVENT_DROPPED + events * 4, 0);
  const entryLimit = eventEntries + attributeLimit;
  let pos = from;
  while (pos < end) {
    const tag: u32 = load<u8>(pos);
    if (tag == 0x09) {
      store<u64>(EVENT_TIMES + events * 8, load<u64>(pos, 1));
      pos += 9;
      continue;
    }
    let size: u32 = load<u8>(pos, 1);
    pos += 2;
    if (tag == 0x20) {
      if (size >= 128) return false;
      store<u32>(EVENT_DROPPED + events * 4, size);
      continue;
    }
    if (size >= 128) {
      const second: u32 = load<u8>(pos);
      if (second >= 128) return false;
      size = (size & 127) | (second << 7);
      pos++;
    }
    if (pos + size > end) return false;
    if (tag == 0x1a) {
      if (eventEntries == entryLimit || eventEntries == spanLimit) return false;
      const code = lookUp(table, pos, size, PAIR);
      store<u32>(EVENT_ENTRIES + eventEntries * 4, code);
      store<u32>(EVENT_ENTRY_KEYS + eventEntries * 4, foundKey);
      eventEntries++;
    } else if (tag == 0x12) {
      if (size > MAX_KNOWN_BYTES) return false;
      store<u32>(EVENT_NAMES + events * 4, textCode(table, pos, size, TEXT));
    } else return false;
    pos += size;
  }
  if (pos != end) return false;
  store<u32>(EVENT_ENTRY_ENDS + events * 4, eventEntries);
  events++;
  return true;
}

/** Code 0 is the empty text. */
function textCode(table: usize, at: usize, size: u32, kind: u32): u32 {
  return size == 0 ? 0 : lookUp(table, at, size, kind);
}

/**
 * Puts the host's answers where the misses stand, and leaves one attribute of each key: the last one, at the
 * first one's place. Afterwards the columns are complete.
 */
export function settle(): void {
  for (let i: usize = 0; i < misses; i++) {
    const entry = load<u32>(MISSES + i * MISS_BYTES, 24) as usize;
    if (entry == 0) continue;
    store<u32>(entry, (load<u32>(entry) & 0x1fff) | (load<u32>(ANSWERS + i * 8, 4) << 13));
    store<u32>(entry, load<u32>(ANSWERS + i * 8), 4);
  }
  droppedAttributes = 0;
  if (misses > 0) {
    answerAll(NAMES, rows);
    answerAll(TRACE_STATES, rows);
    answerAll(STATUS_MESSAGES, rows);
    answerAll(EVENT_NAMES, events);
  }
  entries = settleLists(ATTRIBUTE_ENDS, rows, ENTRIES, ENTRY_KEYS, DROPPED_ATTRIBUTES);
  eventEntries = settleLists(EVENT_ENTRY_ENDS, events, EVENT_ENTRIES, EVENT_ENTRY_KEYS, EVENT_DROPPED);
}

function answerAll(codes: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const code = load<u32>(codes + i * 4);
    if (code >= PENDING) store<u32>(codes + i * 4, load<u32>(ANSWERS + ((code & 0x7fffffff) as usize) * 8));
  }
}

/** Answers how many entries are left. */
function settleLists(ends: usize, count: usize, codes: usize, keys: usize, droppedCounts: usize): usize {
  if (stampBase > 0x70000000) {
    memory.fill(STAMPS, 0, MAX_KEYS * 4);
    stampBase = 1;
  }
  let from: usize = 0;
  let to: usize = 0;
  for (let list: usize = 0; list < count; list++) {
    const first = stampBase + (to as u32);
    const end = load<u32>(ends + list * 4) as usize;
    for (; from < end; from++) {
      let code = load<u32>(codes + from * 4);
      let key = load<u32>(keys + from * 4);
      if (code >= PENDING) {
        const answer = ANSWERS + ((code & 0x7fffffff) as usize) * 8;
        code = load<u32>(answer);
        key = load<u32>(answer, 4);
      }
      if (code == DROPPED) {
        droppedAttributes++;
        store<u32>(droppedCounts + list * 4, load<u32>(droppedCounts + list * 4) + 1);
        continue;
      }
      const stamp = load<u32>(STAMPS + (key as usize) * 4);
      if (stamp >= first) {
        store<u32>(codes + ((stamp - stampBase) as usize) * 4, code);
        continue;
      }
      store<u32>(STAMPS + (key as usize) * 4, stampBase + (to as u32));
      store<u32>(codes + to * 4, code);
      to++;
    }
    store<u32>(ends + list * 4, to as u32);
  }
  stampBase += to as u32;
  return to;
}
