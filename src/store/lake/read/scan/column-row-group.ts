/** A row group of a file as a source of columns: pages are decoded when a kernel asks for their rows, and kept. */
import type { Block, TextDictionary, Vector } from '../../../../span/vector.ts';
import type { OpenRowGroup } from '../../files/column-reader.ts';
import type { ArrayPool } from './column-arrays.ts';
import { kindOfLeaf, wideColumn } from './column-wide.ts';
import type { WideColumn } from './column-wide.ts';
import type { CodedColumn, ColumnSource } from './column-source.ts';

/** Wide vectors are made in steps of this many rows, those of a page. */
export const SCAN_PAGE_ROWS = 16_384;

interface OwnWide extends WideColumn {
  /** By step: whether it was made. */
  readonly made: Uint8Array;
}

export class RowGroupSource implements ColumnSource {
  readonly rows: number;
  readonly #group: OpenRowGroup;
  readonly #names: ReadonlySet<string> | undefined;
  readonly #arrays: ArrayPool;
  readonly #wide = new Map<string, OwnWide>();

  /** `names`: the columns that may be seen, undefined all of the file. */
  constructor(group: OpenRowGroup, names: readonly string[] | undefined, arrays: ArrayPool) {
    this.rows = group.rows;
    this.#group = group;
    this.#arrays = arrays;
    this.#names = names && new Set(names);
  }

  has(name: string): boolean {
    return (this.#names === undefined || this.#names.has(name)) && this.#group.has(name);
  }

  kindOf(name: string): Vector['kind'] | undefined {
    if (!this.has(name)) return undefined;
    const leaf = this.#group.leafType(name);
    return leaf === undefined ? this.#nested(name)?.kind : kindOfLeaf(leaf);
  }

  coded(name: string): CodedColumn | undefined {
    const values = this.has(name) ? this.#group.flat(name)?.values : undefined;
    return values?.kind === 'coded' ? values : undefined;
  }

  narrow(name: string): Uint32Array | undefined {
    const column = this.has(name) ? this.#group.flat(name) : undefined;
    return column?.type === 'int64' && column.values.kind === 'narrow' ? column.values.words : undefined;
  }

  loadKept(name: string, from: number, to: number): number | undefined {
    const column = this.#group.flat(name);
    if (column === undefined) return undefined;
    this.#group.load(name, column, from, to);
    return column.constantIn(from, to);
  }

  vector(name: string): Vector | undefined {
    if (!this.has(name)) return undefined;
    return this.#nested(name) ?? this.#wideOf(name)?.vector;
  }

  block(names: readonly string[]): Block {
    const columns = new Map<string, Vector>();
    for (const name of names) {
      const vector = this.vector(name);
      if (vector !== undefined) columns.set(name, vector);
    }
    return { rows: this.rows, columns };
  }

  load(names: readonly string[], from: number, to: number): void {
    for (const name of names) {
      if (!this.has(name)) continue;
      const column = this.#group.flat(name);
      // A nested one was read whole with its vector.
      if (column === undefined) continue;
      this.#group.load(name, column, from, to);
      const wide = this.#wideOf(name);
      if (wide?.fill === undefined) continue;
      for (let step = Math.floor(from / SCAN_PAGE_ROWS); step * SCAN_PAGE_ROWS < to; step++) {
        if (wide.made[step] === 1) continue;
        const first = step * SCAN_PAGE_ROWS;
        const end = Math.min(this.rows, first + SCAN_PAGE_ROWS);
        this.#group.load(name, column, first, end);
        wide.fill(first, end);
        wide.made[step] = 1;
      }
    }
  }

  mapTexts(name: string, part: 'key' | 'value'): TextDictionary | undefined {
    return this.has(name) ? this.#group.mapTexts(name, part) : undefined;
  }

  bounds(name: string): { min: bigint; max: bigint } | undefined {
    return this.has(name) ? this.#group.bounds(name) : undefined;
  }

  /** Gives back the memory of its vectors: nobody reads them any more. */
  close(): void {
    for (const { memory } of this.#wide.values()) if (memory !== undefined) this.#arrays.give(memory);
    this.#wide.clear();
  }

  #nested(name: string): Vector | undefined {
    return this.#group.nested(name)?.vectors.get(name);
  }

  #wideOf(name: string): OwnWide | undefined {
    const known = this.#wide.get(name);
    if (known !== undefined) return known;
    const column = this.#group.flat(name);
    if (column === undefined) return undefined;
    const made = new Uint8Array(Math.ceil(this.rows / SCAN_PAGE_ROWS));
    const wide = { ...wideColumn(column, this.rows, this.#arrays), made };
    this.#wide.set(name, wide);
    return wide;
  }
}
