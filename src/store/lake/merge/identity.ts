/** The columns by which a row is known as one delivered again, as words that can be compared. */
import type { TableSchema } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import { wordsOf } from './sinks.ts';

/** `width` words a row. */
export interface WordColumn {
  readonly words: Uint32Array | Uint8Array;
  readonly width: number;
}

/** The time first, so that rows in the order of their identity are in the order of their time. */
export function identityColumns(schema: TableSchema): string[] {
  const { timeColumn, identityColumns: names } = schema;
  // Rows are compared only with those of the same time.
  if (!names.includes(timeColumn))
    throw new Error(`${schema.name}: ${timeColumn} is not part of the identity`);
  return [timeColumn, ...names.filter((name) => name !== timeColumn)];
}

/** A view: it lives as long as the block. */
export function wordColumn(block: Block, name: string): WordColumn {
  const vector = block.columns.get(name);
  switch (vector?.kind) {
    case 'int64':
      return { words: vector.words, width: 2 };
    case 'uint32':
    case 'uint8':
      return { words: vector.values, width: 1 };
    case 'fixed':
      return { words: wordsOf(vector.bytes), width: vector.width / 4 };
    case 'attributes':
    case 'bool':
    case 'float64':
    case 'list':
    case 'text':
    case undefined:
      throw new Error(`${name}: a ${vector?.kind ?? 'missing'} column can't tell rows apart`);
  }
}
