/**
 * Reads Arrow's C data interface out of the memory of parquet-wasm. Reading a row group this way costs
 * 0.4 ms per 1M x 5 columns, by way of IPC 28 ms. Everything here is a view: it detaches when the wasm
 * memory grows, so use it before the next call into wasm, or copy.
 */

/** One Arrow array with its type. `buffers` are addresses in the wasm memory, 0 for an absent one. */
export interface ArrowArray {
  readonly name: string;
  /** Format string of the C data interface, as `l` (int64) or `w:16`. */
  readonly format: string;
  readonly length: number;
  /** 0 when nothing is null; otherwise there may be nulls. */
  readonly nullCount: number;
  readonly offset: number;
  readonly buffers: readonly number[];
  readonly children: readonly ArrowArray[];
  readonly dictionary: ArrowArray | undefined;
}

/** Offsets of struct ArrowSchema, 32-bit pointers, 64-bit integers aligned to 8. */
const SCHEMA = { format: 0, name: 4, childCount: 24, children: 32, dictionary: 36 };
const ARRAY = {
  length: 0,
  nullCount: 8,
  offset: 16,
  bufferCount: 24,
  childCount: 32,
  buffers: 40,
  children: 44,
  dictionary: 48,
};

/** Deeper nesting than any schema of ours has: a damaged struct must not recurse for ever. */
const MAX_DEPTH = 8;
const MAX_CHILDREN = 4096;

const decoder = new TextDecoder();

export function readArrowArray(memory: ArrayBufferLike, array: number, schema: number): ArrowArray {
  return readArray(new DataView(memory), array, schema, 0);
}

function readArray(view: DataView, array: number, schema: number, depth: number): ArrowArray {
  const childCount = word(view, array + ARRAY.childCount);
  const bufferCount = word(view, array + ARRAY.bufferCount);
  if (depth > MAX_DEPTH || childCount > MAX_CHILDREN || bufferCount > 3) {
    throw new Error(`Arrow array nests ${depth} deep with ${childCount} children, ${bufferCount} buffers`);
  }
  if (childCount !== word(view, schema + SCHEMA.childCount)) {
    throw new Error('Arrow array and schema disagree on their children');
  }
  const childArrays = word(view, array + ARRAY.children);
  const childSchemas = word(view, schema + SCHEMA.children);
  const children: ArrowArray[] = [];
  for (let child = 0; child < childCount; child++) {
    const at = child * 4;
    children.push(readArray(view, word(view, childArrays + at), word(view, childSchemas + at), depth + 1));
  }
  const bufferPointers = word(view, array + ARRAY.buffers);
  const buffers: number[] = [];
  for (let buffer = 0; buffer < bufferCount; buffer++) buffers.push(word(view, bufferPointers + buffer * 4));
  const dictionary = word(view, array + ARRAY.dictionary);
  return {
    name: text(view, word(view, schema + SCHEMA.name)),
    format: text(view, word(view, schema + SCHEMA.format)),
    length: word(view, array + ARRAY.length),
    nullCount: word(view, array + ARRAY.nullCount),
    offset: word(view, array + ARRAY.offset),
    buffers,
    children,
    dictionary:
      dictionary === 0
        ? undefined
        : readArray(view, dictionary, word(view, schema + SCHEMA.dictionary), depth + 1),
  };
}

/** The low word of a 64-bit integer, or a pointer: nothing in a 32-bit memory is longer. */
function word(view: DataView, address: number): number {
  return view.getUint32(address, true);
}

function text(view: DataView, address: number): string {
  if (address === 0) return '';
  let end = address;
  while (view.getUint8(end) !== 0) end++;
  return decoder.decode(new Uint8Array(view.buffer, address, end - address));
}
