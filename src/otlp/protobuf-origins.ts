/** Resources and scopes of protobuf bytes -> codes. Bytes seen before cost one look-up. */
import { DROPPED } from '../span/attribute-lists.ts';
import type { PairTable } from '../span/attribute-lists.ts';
import type { SpanColumns } from '../span/columns.ts';
import { parsePair } from './protobuf-values.ts';
import { serviceNameCode } from './service-name.ts';
import type { Wire } from './wire.ts';
import { overrun, wrongWireType } from './wire.ts';

/** Tells these raw bytes from those of JSON in the same table. */
const PROTOBUF_MARK = 1;
const HEAD_BYTES = 5;

/** The pair of the KeyValue in `wire.buf[start .. end)`, by its raw bytes when they were met before. */
export function pairOf(wire: Wire, start: number, end: number, pairs: PairTable): number {
  const known = pairs.rawProtobuf.find(wire.buf, start, end);
  if (known >= 0) return known;
  const pair = parsePair(wire, start, end, pairs);
  if (pair !== DROPPED) pairs.rawProtobuf.add(wire.buf, start, end, pair);
  return pair;
}

/** Both messages: their field 1 (Resource, InstrumentationScope), 2 (what they hold) and 3 (schema_url). */
interface Parts {
  /** The bytes of field 1; of a message sent in pieces, the pieces in a row, which merges them. */
  readonly pieces: readonly { readonly start: number; readonly end: number }[];
  readonly schemaStart: number;
  readonly schemaEnd: number;
}

export class ProtobufOrigins {
  #scratch = new Uint8Array(1024);
  #scratchLength = 0;

  constructor(
    readonly wire: Wire,
    readonly into: SpanColumns,
    /** Before one that is new is read: its keys are to be admitted behind those of the spans before it. */
    readonly beforeNew: () => void,
  ) {}

  /** The code of the resource of the ResourceSpans in `[start .. end)`; REFUSED when its spans are to be rejected. */
  resource(start: number, end: number): number {
    const parts = this.#parts('ResourceSpans', start, end);
    const table = this.into.resources;
    this.#fillScratch(parts);
    const code = table.raw.intern(this.#scratch, 0, this.#scratchLength);
    const known = table.entryPlusOne(code);
    if (known !== 0) return known - 1;
    this.beforeNew();
    const entry = table.open();
    table.schemaUrlCodes[entry] = this.#text(parts.schemaStart, parts.schemaEnd);
    for (const piece of parts.pieces) this.#resourceFields(piece.start, piece.end, entry);
    return table.close(code, serviceNameCode(this.into));
  }

  /** The code of the scope of the ScopeSpans in `[start .. end)`. */
  scope(start: number, end: number): number {
    const parts = this.#parts('ScopeSpans', start, end);
    const table = this.into.scopes;
    this.#fillScratch(parts);
    const code = table.raw.intern(this.#scratch, 0, this.#scratchLength);
    const known = table.entryPlusOne(code);
    if (known !== 0) return known - 1;
    this.beforeNew();
    const entry = table.open();
    table.schemaUrlCodes[entry] = this.#text(parts.schemaStart, parts.schemaEnd);
    for (const piece of parts.pieces) this.#scopeFields(piece.start, piece.end, entry);
    return table.close(code);
  }

  /** How many spans a ResourceSpans has; they are stepped over. */
  spansOf(start: number, end: number): number {
    let spans = 0;
    for (const scope of this.#fieldsTwo(start, end)) {
      for (const _ of this.#fieldsTwo(scope.start, scope.end)) spans++;
    }
    return spans;
  }

  /** Where the repeated field 2 stands: `scope_spans`, `spans`. */
  *#fieldsTwo(start: number, end: number): Generator<{ start: number; end: number }> {
    let pos = start;
    while (pos < end) {
      const tag = this.wire.tagAt(pos);
      if (tag !== 0x12) {
        pos = this.wire.skipField(tag, this.wire.pos, end);
        continue;
      }
      const size = this.wire.sizeAt(this.wire.pos, end);
      const from = this.wire.pos;
      pos = from + size;
      yield { start: from, end: pos };
    }
  }

  /** Checks the fields of the message and finds those that stand once; spans are only stepped over. */
  #parts(message: string, start: number, end: number): Parts {
    const pieces: { start: number; end: number }[] = [];
    let [schemaStart, schemaEnd] = [start, start];
    let pos = start;
    while (pos < end) {
      const tag = this.wire.tagAt(pos);
      pos = this.wire.pos;
      if (tag >>> 3 > 3) {
        pos = this.wire.skipField(tag, pos, end);
        continue;
      }
      if ((tag & 7) !== 2) throw wrongWireType(message, tag, pos);
      const size = this.wire.sizeAt(pos, end);
      const from = this.wire.pos;
      pos = from + size;
      if (tag === 0x0a) pieces.push({ start: from, end: pos });
      else if (tag === 0x1a) [schemaStart, schemaEnd] = [from, pos];
    }
    if (pos > end) throw overrun(end);
    return { pieces, schemaStart, schemaEnd };
  }

  #fillScratch(parts: Parts): void {
    const message = parts.pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0);
    const length = HEAD_BYTES + message + parts.schemaEnd - parts.schemaStart;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length * 2);
    const scratch = this.#scratch;
    scratch[0] = PROTOBUF_MARK;
    for (let i = 0; i < 4; i++) scratch[1 + i] = message >>> (i * 8);
    let at = HEAD_BYTES;
    for (const piece of parts.pieces) {
      scratch.set(this.wire.buf.subarray(piece.start, piece.end), at);
      at += piece.end - piece.start;
    }
    scratch.set(this.wire.buf.subarray(parts.schemaStart, parts.schemaEnd), at);
    this.#scratchLength = length;
  }

  #resourceFields(start: number, end: number, entry: number): void {
    const table = this.into.resources;
    let pos = start;
    while (pos < end) {
      const tag = this.wire.tagAt(pos);
      pos = this.wire.pos;
      if (tag === 0x0a) {
        const size = this.wire.sizeAt(pos, end);
        const from = this.wire.pos;
        pos = from + size;
        if (table.attributes.takes()) {
          table.attributes.push(pairOf(this.wire, from, pos, this.into.pairs));
        }
      } else if (tag === 0x10) {
        table.droppedAttributes[entry] = this.wire.uint32At(pos);
        pos = this.wire.pos;
      } else {
        if (tag >>> 3 <= 2) throw wrongWireType('Resource', tag, pos);
        pos = this.wire.skipField(tag, pos, end);
      }
    }
    if (pos > end) throw overrun(end);
  }

  #scopeFields(start: number, end: number, entry: number): void {
    const table = this.into.scopes;
    let pos = start;
    while (pos < end) {
      const tag = this.wire.tagAt(pos);
      pos = this.wire.pos;
      if ((tag & 7) === 2 && tag >>> 3 <= 3) {
        const size = this.wire.sizeAt(pos, end);
        const from = this.wire.pos;
        pos = from + size;
        if (tag === 0x0a) table.nameCodes[entry] = this.#text(from, pos);
        else if (tag === 0x12) table.versionCodes[entry] = this.#text(from, pos);
        else if (table.attributes.takes()) {
          table.attributes.push(pairOf(this.wire, from, pos, this.into.pairs));
        }
      } else if (tag === 0x20) {
        table.droppedAttributes[entry] = this.wire.uint32At(pos);
        pos = this.wire.pos;
      } else {
        if (tag >>> 3 <= 4) throw wrongWireType('InstrumentationScope', tag, pos);
        pos = this.wire.skipField(tag, pos, end);
      }
    }
    if (pos > end) throw overrun(end);
  }

  #text(start: number, end: number): number {
    return this.into.nameInStrings(this.wire.buf, start, end);
  }
}
