/** Where the kernels find their columns: a block that is there whole, or a row group of which pages are read on demand. */
import type { Block, TextDictionary, Vector } from '../../../../span/vector.ts';
import type { ColumnDictionary } from '../../files/column-flat.ts';
import type { CodeArray } from '../../files/parquet/page-codes.ts';

/** A column as codes of its distinct values. */
export interface CodedColumn {
  readonly codes: CodeArray;
  readonly dictionary: ColumnDictionary;
  /** The code of a null: the dictionary's count. */
  readonly missing: number;
  /** False when no row is null. */
  readonly hasMissing: boolean;
}

export interface ColumnSource {
  readonly rows: number;
  has(name: string): boolean;
  /** The kind of the column's vector; undefined when there is no such column. */
  kindOf(name: string): Vector['kind'] | undefined;
  /** Undefined when the column is not kept as codes. They are to be read behind `loadKept`. */
  coded(name: string): CodedColumn | undefined;
  /** An int64 column without nulls whose values fit into an unsigned word each; to be read behind `loadKept`. */
  narrow(name: string): Uint32Array | undefined;
  /** Sees to it that the codes or words of the rows are there; the code that all of them have, if that is known. */
  loadKept(name: string, from: number, to: number): number | undefined;
  /** To be read behind `load`. */
  vector(name: string): Vector | undefined;
  /** The named columns that there are. To be read behind `load`. */
  block(names: readonly string[]): Block;
  /** Sees to it that the rows of the columns are there. */
  load(names: readonly string[], from: number, to: number): void;
  /**
   * Texts among which are all keys or values of a column of attributes, or of the attributes in a list, if they are
   * known without reading it whole.
   */
  mapTexts(name: string, part: 'key' | 'value'): TextDictionary | undefined;
  /** Least and largest of an int64 column without nulls, signed, if that is known without reading. */
  bounds(name: string): { readonly min: bigint; readonly max: bigint } | undefined;
}

export class BlockSource implements ColumnSource {
  constructor(readonly whole: Block) {}

  get rows(): number {
    return this.whole.rows;
  }

  has(name: string): boolean {
    return this.whole.columns.has(name);
  }

  kindOf(name: string): Vector['kind'] | undefined {
    return this.whole.columns.get(name)?.kind;
  }

  coded(): undefined {
    return undefined;
  }

  narrow(): undefined {
    return undefined;
  }

  loadKept(): undefined {
    return undefined;
  }

  vector(name: string): Vector | undefined {
    return this.whole.columns.get(name);
  }

  block(): Block {
    return this.whole;
  }

  load(): void {}

  mapTexts(): undefined {
    return undefined;
  }

  bounds(): undefined {
    return undefined;
  }
}
