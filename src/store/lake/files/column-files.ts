/** Files of ours open for reading by columns: what their footers say, kept for the next question. */
import { withFile } from './checked-chunks.ts';
import type { OpenedFile } from './checked-chunks.ts';
import { UnknownLayoutError, readLayout } from './parquet/footer-reader.ts';
import type { ChunkLocation, FileLayout, RowGroupLocation } from './parquet/footer-reader.ts';
import { leafPaths } from './parquet/schema.ts';
import type { Field, Leaf } from './parquet/schema.ts';
import { readTail } from './parquet/tail.ts';
import type { TailBytes } from './parquet/tail.ts';

/** A footer takes 0.1 MB for 60 columns x 8 row groups. */
const MAX_KNOWN_FILES = 64;

export interface LeafOfFile {
  readonly leaf: Leaf;
  /** In how many lists and maps it stands. */
  readonly depth: number;
  /** Among all leaves of the file. */
  readonly index: number;
}

/** A top-level column. */
export interface FieldOfFile {
  readonly field: Field;
  readonly leaves: readonly LeafOfFile[];
  /** Behind a map: the letters of its types. */
  readonly types: FieldOfFile | undefined;
}

export interface ColumnFile {
  readonly path: string;
  readonly tail: TailBytes;
  readonly layout: FileLayout;
  /** By name, in the file's order. */
  readonly fields: ReadonlyMap<string, FieldOfFile>;
}

interface KnownFile {
  readonly identity: string;
  /** Without it another reader must read the file. */
  readonly ours: ColumnFile | undefined;
}

/** Bytes of a file. What is given is good until the next call: whoever keeps some copies them. */
export interface PageBytes {
  read(from: number, count: number): Uint8Array;
}

/** More is read into memory of its own. */
const SCRATCH_BYTES = 1 << 20;

/** One place for the bytes of page after page: fresh memory costs as much as the reading. */
export class PageScratch {
  #bytes = new Uint8Array(0);

  of(file: OpenedFile): PageBytes {
    return {
      read: (from, count) => {
        if (count > SCRATCH_BYTES) return file.read(from, count);
        if (this.#bytes.length === 0) this.#bytes = new Uint8Array(SCRATCH_BYTES);
        return file.readInto(this.#bytes.subarray(0, count), from);
      },
    };
  }
}

export class ColumnFiles {
  /** Least recently used first. */
  readonly #known = new Map<string, KnownFile>();

  /**
   * Opens, uses, closes. Undefined when the file has no checksums or a layout that is not ours. Throws when it can't
   * be read or is damaged.
   */
  use<T>(path: string, work: (file: OpenedFile, known: ColumnFile) => T): T | undefined {
    return withFile(path, (file) => {
      const known = this.of(path, file);
      return known && work(file, known);
    });
  }

  /** What is known of an open file; undefined when it is not one of ours. */
  of(path: string, file: OpenedFile): ColumnFile | undefined {
    const before = this.#known.get(path);
    const known =
      before?.identity === file.identity ? before : { identity: file.identity, ours: readFooter(path, file) };
    this.#known.delete(path);
    this.#known.set(path, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN_FILES) break;
      this.#known.delete(oldest);
    }
    return known.ours;
  }
}

function readFooter(path: string, file: OpenedFile): ColumnFile | undefined {
  const tail = readTail(file.bytes, (from, count) => file.read(from, count));
  if (tail === undefined) return undefined;
  try {
    const layout = readLayout(tail);
    return { path, tail, layout, fields: fieldsOf(layout.fields) };
  } catch (error) {
    if (error instanceof UnknownLayoutError) return undefined;
    throw error;
  }
}

function fieldsOf(all: readonly Field[]): ReadonlyMap<string, FieldOfFile> {
  let index = 0;
  const found = all.map((field): FieldOfFile => {
    const leaves = leafPaths([field]).map(({ leaf }) => ({
      leaf,
      depth: depthIn(field, leaf),
      index: index++,
    }));
    return { field, leaves, types: undefined };
  });
  return new Map(
    found.map((each, i) => [
      each.field.name,
      each.field.kind === 'map' ? { ...each, types: found[i + 1] } : each,
    ]),
  );
}

/** In how many lists and maps of the field the leaf stands. */
function depthIn(field: Field, leaf: Leaf): number {
  if (field.kind === 'leaf') return field === leaf ? 0 : Number.NaN;
  for (const child of field.fields) {
    const depth = depthIn(child, leaf);
    if (!Number.isNaN(depth)) return depth + 1;
  }
  return Number.NaN;
}

/**
 * True when the list or map is empty in every row. Leaves that may be null, or stand in an inner list, don't tell: to
 * have no value is not to have no place.
 */
export function isAlwaysEmpty({ leaves }: FieldOfFile, { rows, chunks }: RowGroupLocation): boolean {
  return leaves.some(({ leaf, depth, index }) => {
    const chunk = chunks[index];
    return depth === 1 && !leaf.optional && chunk.slots === rows && isWithoutValues(chunk);
  });
}

/** True when no slot of the column chunk has a value: then no page of it need be read. */
export function isWithoutValues({ nulls, slots }: ChunkLocation): boolean {
  return nulls !== undefined && nulls === slots && slots > 0;
}
