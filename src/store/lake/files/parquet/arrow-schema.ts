/**
 * The Arrow schema that Arrow's readers find in the footer. It is why texts come back as dictionaries, small
 * integers as small, and maps as maps: Parquet's own types don't tell.
 */
import { Message } from 'apache-arrow/ipc/metadata/message';
import { Field as ArrowField, Schema } from 'apache-arrow/schema';
import {
  Bool,
  Dictionary,
  FixedSizeBinary,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  Struct,
  Uint32,
  Uint8,
  Utf8,
} from 'apache-arrow/type';
import type { DataType } from 'apache-arrow/type';
import type { Field, LeafType } from './schema.ts';

/** The key of the footer's metadata under which Arrow's readers look. */
export const ARROW_SCHEMA_KEY = 'ARROW:schema';

/** Begins an encapsulated message; its length follows. */
const CONTINUATION = 0xffffffff;

/**
 * The schema as an encapsulated IPC message in base64. From the parts of apache-arrow that make one: the
 * whole of it would be 200 KB in each worker.
 */
export function arrowSchemaText(fields: readonly Field[]): string {
  const ids = { next: 0 };
  const schema = new Schema(fields.map((field) => arrowField(field, ids)));
  const message = Message.encode(Message.from(schema));
  const padded = (message.length + 7) & ~7;
  const out = Buffer.alloc(8 + padded);
  out.writeUInt32LE(CONTINUATION, 0);
  out.writeUInt32LE(padded, 4);
  out.set(message, 8);
  return out.toString('base64');
}

function arrowField(field: Field, ids: { next: number }): ArrowField {
  if (field.kind === 'leaf') return new ArrowField(field.name, arrowType(field.type, ids), field.optional);
  const struct = new Struct(field.fields.map((child) => arrowField(child, ids)));
  switch (field.kind) {
    case 'map': {
      const entries = new ArrowField('entries', struct, false);
      return new ArrowField(field.name, new Map_(entries as never, false), false);
    }
    case 'list':
      return new ArrowField(field.name, new List(new ArrowField('element', struct, false)), false);
  }
}

function arrowType(type: LeafType, ids: { next: number }): DataType {
  switch (type) {
    case 'uint8':
      return new Uint8();
    case 'uint32':
      return new Uint32();
    case 'int64':
      return new Int64();
    case 'double':
      return new Float64();
    case 'bool':
      return new Bool();
    case 'id8':
      return new FixedSizeBinary(8);
    case 'id16':
      return new FixedSizeBinary(16);
    case 'text':
      return new Dictionary(new Utf8(), new Int32(), ids.next++, false);
  }
}
