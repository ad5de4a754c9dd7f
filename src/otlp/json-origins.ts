/** Resources and scopes of OTLP/JSON -> codes. Bytes seen before cost one look-up. */
import type { SpanColumns } from '../span/columns.ts';
import { eachPair } from './json-attributes.ts';
import type { JsonCursor } from './json-cursor.ts';
import { END_OF_OBJECT, Field } from './json-fields.ts';
import { readUint32 } from './json-scalars.ts';
import { readNameCode } from './json-values.ts';
import { serviceNameCode } from './service-name.ts';

/** Tells these raw bytes from those of protobuf in the same table. */
const JSON_MARK = 2;
const HEAD_BYTES = 5;

/** Where an object and its schema URL stand. Their order in the text is free, so both are found first. */
export class OriginRange {
  start = 0;
  end = 0;
  /** With its quotes; empty when it was not sent. */
  urlStart = 0;
  urlEnd = 0;

  /** Takes the value that is next, unread. */
  takeObject(cursor: JsonCursor): void {
    cursor.peek();
    this.start = cursor.pos;
    cursor.leap();
    this.end = cursor.pos;
  }

  takeUrl(cursor: JsonCursor): void {
    cursor.peek();
    this.urlStart = cursor.pos;
    if (!cursor.isNull()) cursor.string('schemaUrl');
    this.urlEnd = cursor.pos;
  }
}

export class JsonOrigins {
  #scratch = new Uint8Array(1024);

  constructor(
    readonly cursor: JsonCursor,
    readonly into: SpanColumns,
  ) {}

  /** Leaves the cursor where it was, like `scope`. */
  resource(range: OriginRange): number {
    const table = this.into.resources;
    const length = this.#fillScratch(range);
    const code = table.raw.intern(this.#scratch, 0, length);
    const known = table.entryPlusOne(code);
    if (known !== 0) return known - 1;
    const back = this.cursor.pos;
    const entry = table.open();
    table.schemaUrlCodes[entry] = this.#url(range);
    this.#fields(range, 'resource', (field) => {
      if (field === Field.attributes) eachPair(this.cursor, this.into.pairs, table.attributes);
      else if (field === Field.droppedAttributesCount) table.droppedAttributes[entry] = this.#count();
      else this.cursor.skip();
    });
    this.cursor.pos = back;
    return table.close(code, serviceNameCode(this.into));
  }

  scope(range: OriginRange): number {
    const table = this.into.scopes;
    const { into } = this;
    const length = this.#fillScratch(range);
    const code = table.raw.intern(this.#scratch, 0, length);
    const known = table.entryPlusOne(code);
    if (known !== 0) return known - 1;
    const back = this.cursor.pos;
    const entry = table.open();
    table.schemaUrlCodes[entry] = this.#url(range);
    this.#fields(range, 'scope', (field) => {
      if (field === Field.name) table.nameCodes[entry] = readNameCode(this.cursor, 'name', into);
      else if (field === Field.version)
        table.versionCodes[entry] = readNameCode(this.cursor, 'version', into);
      else if (field === Field.attributes) eachPair(this.cursor, this.into.pairs, table.attributes);
      else if (field === Field.droppedAttributesCount) table.droppedAttributes[entry] = this.#count();
      else this.cursor.skip();
    });
    this.cursor.pos = back;
    return table.close(code);
  }

  #fillScratch(range: OriginRange): number {
    const object = range.end - range.start;
    const length = HEAD_BYTES + object + range.urlEnd - range.urlStart;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length * 2);
    this.#scratch[0] = JSON_MARK;
    for (let i = 0; i < 4; i++) this.#scratch[1 + i] = object >>> (i * 8);
    this.#scratch.set(this.cursor.buf.subarray(range.start, range.end), HEAD_BYTES);
    this.#scratch.set(this.cursor.buf.subarray(range.urlStart, range.urlEnd), HEAD_BYTES + object);
    return length;
  }

  #fields(range: OriginRange, what: string, read: (field: Field) => void): void {
    if (range.start === range.end) return;
    const { cursor } = this;
    cursor.pos = range.start;
    if (cursor.openObject(what)) {
      for (let isFirst = true; ; isFirst = false) {
        const field = cursor.nextField(isFirst);
        if (field === END_OF_OBJECT) break;
        read(field);
      }
    }
    if (cursor.pos !== range.end) cursor.fail('malformed JSON: brackets do not match', range.start);
  }

  #url(range: OriginRange): number {
    if (range.urlStart === range.urlEnd) return 0;
    this.cursor.pos = range.urlStart;
    return readNameCode(this.cursor, 'schemaUrl', this.into);
  }

  #count(): number {
    return readUint32(this.cursor, 'droppedAttributesCount');
  }
}
