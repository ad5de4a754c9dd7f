/** Rows of a block as spans: for the winners of a search and the spans of a trace. */
import type { Attribute, Resource, Scope, Span, SpanEvent, SpanLink } from '../../../../span/span.ts';
import { SPANS } from '../../../../span/schema.ts';
import { TYPES_BY_TAG, parseValueText } from '../../../../span/value.ts';
import type { AttributesVector, Block, Vector } from '../../../../span/vector.ts';
import { attributesRange, childOf, columnOf, int64At, promotedValue, uint64At } from './cells.ts';
import { TextCache, hexAt, isZero } from './texts.ts';

interface PromotedHere {
  readonly key: string;
  readonly vector: Vector;
}

/** Reads any row of a block that has all columns of the schema, and perhaps promoted ones. */
export class SpanReader {
  readonly #texts = new TextCache();
  readonly #spanPromoted: PromotedHere[] = [];
  readonly #resourcePromoted: PromotedHere[] = [];

  constructor(readonly block: Block) {
    const own = new Set(SPANS.columns.map((column) => column.name));
    for (const [name, vector] of block.columns) {
      if (own.has(name)) continue;
      if (name.startsWith('span.')) this.#spanPromoted.push({ key: name.slice(5), vector });
      if (name.startsWith('resource.')) this.#resourcePromoted.push({ key: name.slice(9), vector });
    }
  }

  span(row: number): Span {
    const parent = columnOf(this.block, 'parent_span_id', 'fixed').bytes;
    return {
      traceId: this.#hex('trace_id', row, 16),
      spanId: this.#hex('span_id', row, 8),
      parentSpanId: isZero(parent, row * 8, 8) ? '' : hexAt(parent, row * 8, 8),
      traceState: this.#text('trace_state', row),
      name: this.#text('name', row),
      kind: columnOf(this.block, 'kind', 'uint8').values[row],
      startTimeUnixNano: uint64At(columnOf(this.block, 'start_time_unix_nano', 'int64').words, row),
      durationNano: int64At(columnOf(this.block, 'duration_nano', 'int64').words, row),
      statusCode: columnOf(this.block, 'status_code', 'uint8').values[row],
      statusMessage: this.#text('status_message', row),
      flags: this.#uint32('flags', row),
      attributes: this.#withPromoted(this.#spanPromoted, 'span_attributes', row),
      droppedAttributesCount: this.#uint32('dropped_attributes_count', row),
      events: this.#events(row),
      droppedEventsCount: this.#uint32('dropped_events_count', row),
      links: this.#links(row),
      droppedLinksCount: this.#uint32('dropped_links_count', row),
      serviceName: this.#text('service_name', row),
      resource: this.#resource(row),
      scope: this.#scope(row),
    };
  }

  #resource(row: number): Resource {
    return {
      attributes: this.#withPromoted(this.#resourcePromoted, 'resource_attributes', row),
      droppedAttributesCount: this.#uint32('resource_dropped_attributes_count', row),
      schemaUrl: this.#text('resource_schema_url', row),
    };
  }

  #scope(row: number): Scope {
    return {
      name: this.#text('scope_name', row),
      version: this.#text('scope_version', row),
      attributes: this.#list(columnOf(this.block, 'scope_attributes', 'attributes'), row),
      droppedAttributesCount: this.#uint32('scope_dropped_attributes_count', row),
      schemaUrl: this.#text('scope_schema_url', row),
    };
  }

  #events(row: number): SpanEvent[] {
    const list = columnOf(this.block, 'events', 'list');
    const found: SpanEvent[] = [];
    for (let event = list.offsets[row]; event < list.offsets[row + 1]; event++) {
      const { codes, dictionary } = childOf(list, 'name', 'text');
      found.push({
        timeUnixNano: uint64At(childOf(list, 'time_unix_nano', 'int64').words, event),
        name: this.#texts.of(dictionary).orEmpty(codes[event]),
        attributes: this.#list(childOf(list, 'attributes', 'attributes'), event),
        droppedAttributesCount: childOf(list, 'dropped_attributes_count', 'uint32').values[event],
      });
    }
    return found;
  }

  #links(row: number): SpanLink[] {
    const list = columnOf(this.block, 'links', 'list');
    const found: SpanLink[] = [];
    for (let link = list.offsets[row]; link < list.offsets[row + 1]; link++) {
      const { codes, dictionary } = childOf(list, 'trace_state', 'text');
      found.push({
        traceId: hexAt(childOf(list, 'trace_id', 'fixed').bytes, link * 16, 16),
        spanId: hexAt(childOf(list, 'span_id', 'fixed').bytes, link * 8, 8),
        traceState: this.#texts.of(dictionary).orEmpty(codes[link]),
        attributes: this.#list(childOf(list, 'attributes', 'attributes'), link),
        droppedAttributesCount: childOf(list, 'dropped_attributes_count', 'uint32').values[link],
        flags: childOf(list, 'flags', 'uint32').values[link],
      });
    }
    return found;
  }

  #withPromoted(promoted: readonly PromotedHere[], column: string, row: number): Attribute[] {
    const attributes: Attribute[] = [];
    for (const { key, vector } of promoted) {
      const texts = vector.kind === 'text' ? this.#texts.of(vector.dictionary) : undefined;
      const value = promotedValue(vector, texts, row);
      if (value) attributes.push({ key, value });
    }
    attributes.push(...this.#list(columnOf(this.block, column, 'attributes'), row));
    return attributes;
  }

  #list(vector: AttributesVector, row: number): Attribute[] {
    const { pairs, keys, types, values } = vector;
    const { from, to } = attributesRange(vector, row);
    const keyTexts = this.#texts.of(vector.keyDictionary);
    const valueTexts = this.#texts.of(vector.valueDictionary);
    const attributes: Attribute[] = [];
    for (let entry = from; entry < to; entry++) {
      const at = pairs ? pairs[entry] : entry;
      const value = parseValueText(TYPES_BY_TAG[types[at]], valueTexts.get(values[at]));
      attributes.push({ key: keyTexts.get(keys[at]), value });
    }
    return attributes;
  }

  #text(column: string, row: number): string {
    const { codes, dictionary } = columnOf(this.block, column, 'text');
    return this.#texts.of(dictionary).orEmpty(codes[row]);
  }

  #hex(column: string, row: number, width: 8 | 16): string {
    return hexAt(columnOf(this.block, column, 'fixed').bytes, row * width, width);
  }

  #uint32(column: string, row: number): number {
    return columnOf(this.block, column, 'uint32').values[row];
  }
}
