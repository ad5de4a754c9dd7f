/**
 * A table of bytes that were met before, each with its code: attributes, names and texts as they came. And the
 * blocks of memory, by powers of two, that tables are made of: what one gives back the next one takes.
 */
import { MAX_KNOWN_BYTES, MISSES, MISS_BYTES, HASH_KEYS, FREE_BLOCKS, HEAP, PAIR, PENDING } from './layout';
let heapTop: usize = HEAP;
/** Look-ups since `begin` whose bytes were not met before. */
export let misses: usize = 0;

export function forgetMisses(): void {
  misses = 0;
}

/** Of the last look-up that found a pair: its key's code. */
export let foundKey: u32 = 0;

// A table: address of its slots, their number minus one, entries, the newest chunk, the bytes used of it, its
// size, and the bytes of all. A slot: hash, and the address of its entry, or 0. Linear probing, at most half
// full. An entry: length and kind and key's code (11, 2 and 16 bits), code, the bytes.
const TABLE_BYTES_LOG2: i32 = 12;
const CHUNK_LOG2: i32 = 16;
const CHUNK_HEAD: u32 = 8;

/** The code of the bytes, or a miss. */
export function lookUp(table: usize, at: usize, size: u32, kind: u32): u32 {
  const hash = hashOf(at, size, kind);
  const slots = load<u32>(table) as usize;
  const mask = load<u32>(table, 4);
  const form = size | (kind << 11);
  let slot = slots + (((hash & mask) as usize) << 3);
  const last = slots + ((mask as usize) << 3);
  for (let entry = load<u32>(slot, 4) as usize; entry != 0; entry = load<u32>(slot, 4) as usize) {
    if (load<u32>(slot) == hash) {
      const about = load<u32>(entry);
      if ((about & 0x1fff) == form && isSame(entry + 8, at, size)) {
        foundKey = about >>> 13;
        return load<u32>(entry, 4);
      }
    }
    slot = slot == last ? slots : slot + 8;
  }
  return miss(table, at, size, kind, hash);
}

function miss(table: usize, at: usize, size: u32, kind: u32, hash: u32): u32 {
  const number = misses++;
  const record = MISSES + number * MISS_BYTES;
  store<u32>(record, at as u32);
  store<u32>(record, size, 4);
  store<u32>(record, kind, 8);
  store<u32>(record, isAscii(at, size) ? 1 : 0, 12);
  const text = kind == PAIR ? textOf(at, size) : 0;
  store<u32>(record, text as u32, 16);
  store<u32>(record, text == 0 ? 0 : ((at + size - text) as u32), 20);
  store<u32>(record, 0, 24);
  foundKey = 0;
  if (size > MAX_KNOWN_BYTES) return PENDING | (number as u32);
  const code = PENDING | (number as u32);
  const entry = keep(table, at, size, size | (kind << 11), code);
  store<u32>(record, entry as u32, 24);
  const count = load<u32>(table, 8) + 1;
  store<u32>(table, count, 8);
  if (count * 2 > load<u32>(table, 4)) growSlots(table);
  place(load<u32>(table), load<u32>(table, 4), hash, entry as u32);
  return code;
}

function isAscii(at: usize, size: u32): bool {
  let bits: u64 = 0;
  let pos = at;
  const end = at + size;
  for (; pos + 8 <= end; pos += 8) bits |= load<u64>(pos);
  for (; pos < end; pos++) bits |= load<u8>(pos) as u64;
  return (bits & 0x8080808080808080) == 0;
}

/** Where the text begins that ends with a KeyValue: a short key, then a string. 0 for any other. */
function textOf(at: usize, size: u32): usize {
  const end = at + size;
  if (size < 6 || load<u8>(at) != 0x0a || load<u8>(at, 1) >= 128) return 0;
  let pos = at + 2 + load<u8>(at, 1);
  if (pos + 4 > end || load<u8>(pos) != 0x12) return 0;
  const value = sizedTo(pos + 1, end);
  if (value == 0 || load<u8>(value) != 0x0a) return 0;
  return sizedTo(value + 1, end);
}

/** The address behind a length of one or two bytes, if what it tells of ends at `end`; else 0. */
function sizedTo(at: usize, end: usize): usize {
  let size: usize = load<u8>(at);
  let from = at + 1;
  if (size >= 128) {
    const second: usize = load<u8>(at, 1);
    if (second >= 128) return 0;
    size = (size & 127) | (second << 7);
    from = at + 2;
  }
  return from + size == end ? from : 0;
}

function place(slots: usize, mask: u32, hash: u32, entry: u32): void {
  let slot = hash & mask;
  while (load<u32>(slots + ((slot as usize) << 3), 4) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + ((slot as usize) << 3), hash);
  store<u32>(slots + ((slot as usize) << 3), entry, 4);
}

function growSlots(table: usize): void {
  const before = load<u32>(table) as usize;
  const mask = load<u32>(table, 4);
  const bytes: u32 = (mask + 1) << 3;
  const slots = allocate(log2(bytes * 2));
  memory.fill(slots, 0, bytes * 2);
  for (let at = before, end = before + bytes; at < end; at += 8) {
    if (load<u32>(at, 4) != 0) place(slots, mask * 2 + 1, load<u32>(at), load<u32>(at, 4));
  }
  release(before, log2(bytes));
  store<u32>(table, slots as u32);
  store<u32>(table, mask * 2 + 1, 4);
  store<u32>(table, load<u32>(table, 24) + bytes, 24);
}

/** An entry for bytes, which are copied to the table's chunks; zeros behind them, up to eight. */
function keep(table: usize, at: usize, size: u32, about: u32, code: u32): usize {
  const room = 8 + ((size + 7) & ~7);
  let used = load<u32>(table, 16);
  if (used + room > load<u32>(table, 20)) {
    const chunkLog2 = load<u32>(table, 12) == 0 ? TABLE_BYTES_LOG2 : CHUNK_LOG2;
    const chunk = allocate(chunkLog2);
    store<u32>(chunk, load<u32>(table, 12));
    store<u32>(chunk, chunkLog2, 4);
    store<u32>(table, chunk as u32, 12);
    store<u32>(table, 1 << chunkLog2, 20);
    store<u32>(table, load<u32>(table, 24) + (1 << chunkLog2), 24);
    used = CHUNK_HEAD;
  }
  const entry = (load<u32>(table, 12) as usize) + used;
  store<u64>(entry + room - 8, 0);
  store<u32>(entry, about);
  store<u32>(entry, code, 4);
  memory.copy(entry + 8, at, size);
  store<u32>(table, used + room, 16);
  return entry;
}

/**
 * NH, the universal hash of UMAC: the host puts random words to HASH_KEYS, so that nobody can make bytes that
 * all fall into one slot. A product for eight bytes, and none waits for the one before.
 */
function hashOf(at: usize, size: u32, kind: u32): u32 {
  let hash: u64 = ((size << 2) | kind) as u64;
  let key = HASH_KEYS;
  let pos = at;
  const end = at + size;
  for (; pos + 8 <= end; pos += 8, key += 8) {
    hash += product(load<u64>(pos), key);
  }
  if (pos < end) {
    const unused: u64 = (8 - (end - pos)) << 3;
    hash += product((load<u64>(pos) << unused) >>> unused, key);
  }
  hash = (hash ^ (hash >>> 32)) * 0x9e3779b97f4a7c15;
  return (hash >>> 32) as u32;
}

function product(word: u64, key: usize): u64 {
  const low = (word as u32) + load<u32>(key);
  const high = ((word >>> 32) as u32) + load<u32>(key, 4);
  return (low as u64) * (high as u64);
}

/** Whether bytes that were kept are those at `at`. */
function isSame(kept: usize, at: usize, size: u32): bool {
  let pos: u32 = 0;
  for (; pos + 8 <= size; pos += 8) if (load<u64>(kept + pos) != load<u64>(at + pos)) return false;
  if (pos == size) return true;
  const unused: u64 = (8 - (size - pos)) << 3;
  return load<u64>(kept + pos) == (load<u64>(at + pos) << unused) >>> unused;
}

export function newTable(): usize {
  const table = allocate(TABLE_BYTES_LOG2);
  const slots = allocate(TABLE_BYTES_LOG2);
  memory.fill(slots, 0, 1 << TABLE_BYTES_LOG2);
  memory.fill(table, 0, 32);
  store<u32>(table, slots as u32);
  store<u32>(table, ((1 << TABLE_BYTES_LOG2) >> 3) - 1, 4);
  store<u32>(table, 2 << TABLE_BYTES_LOG2, 24);
  return table;
}

export function tableBytes(table: usize): u32 {
  return load<u32>(table, 24);
}

/** Its memory goes to the next tables. */
export function freeTable(table: usize): void {
  let chunk = load<u32>(table, 12) as usize;
  while (chunk != 0) {
    const next = load<u32>(chunk) as usize;
    release(chunk, load<u32>(chunk, 4));
    chunk = next;
  }
  release(load<u32>(table), log2((load<u32>(table, 4) + 1) << 3));
  release(table, TABLE_BYTES_LOG2);
}

function log2(bytes: u32): i32 {
  return 31 - (clz<u32>(bytes) as i32);
}

function allocate(size: i32): usize {
  const head = FREE_BLOCKS + size * 4;
  const free = load<u32>(head) as usize;
  if (free != 0) {
    store<u32>(head, load<u32>(free));
    return free;
  }
  const block = heapTop;
  const top = block + (1 << size);
  const pages = ((top + 65535) >>> 16) as i32;
  const missing = pages - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) unreachable();
  heapTop = top;
  return block;
}

function release(block: usize, size: i32): void {
  const head = FREE_BLOCKS + size * 4;
  store<u32>(block, load<u32>(head));
  store<u32>(head, block as u32);
}
