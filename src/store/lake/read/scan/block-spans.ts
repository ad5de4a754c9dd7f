/** Rows of a block as spans: for the winners of a search and the spans of a trace. */
import type { Attribute, Resource, Scope, Span, SpanEvent, SpanLink } from '../../../../span/span.ts';
import { SPANS } from '../../../../span/schema.ts';
import { TYPES_BY_TAG, parseValueText } from '../../../../span/value.ts';
import type { AttributesVector, Block, Vector } from '../../../../span/vector.ts';
import { attributesRange, childOf, columnOf, int64At, promotedValue, uint64At } from './cells.ts';
import { bufferOf, hexAt, isZero, TextCache } from './texts.ts';
import type { Texts } from './texts.ts';

const OWN = new Set(SPANS.columns.map((column) => column.name));

interface PromotedHere {
  readonly key: string;
  readonly vector: Vector;
  readonly texts: Texts | undefined;
}

interface TextColumn {
  readonly codes: Uint32Array;
  readonly texts: Texts;
}

/** The block's columns, looked up once: by name for each span they took half of the time. */
type SpanColumns = ReturnType<typeof columnsIn>;

function columnsIn(block: Block, cache: TextCache) {
  const text = (name: string): TextColumn => {
    const { codes, dictionary } = columnOf(block, name, 'text');
    return { codes, texts: cache.of(dictionary) };
  };
  const ids = (name: string) => bufferOf(columnOf(block, name, 'fixed').bytes);
  const uint32 = (name: string) => columnOf(block, name, 'uint32').values;
  return {
    traceId: ids('trace_id'),
    spanId: ids('span_id'),
    parentSpanId: ids('parent_span_id'),
    traceState: text('trace_state'),
    name: text('name'),
    kind: columnOf(block, 'kind', 'uint8').values,
    startTimeUnixNano: columnOf(block, 'start_time_unix_nano', 'int64').words,
    durationNano: columnOf(block, 'duration_nano', 'int64').words,
    statusCode: columnOf(block, 'status_code', 'uint8').values,
    statusMessage: text('status_message'),
    flags: uint32('flags'),
    attributes: columnOf(block, 'span_attributes', 'attributes'),
    droppedAttributesCount: uint32('dropped_attributes_count'),
    events: columnOf(block, 'events', 'list'),
    droppedEventsCount: uint32('dropped_events_count'),
    links: columnOf(block, 'links', 'list'),
    droppedLinksCount: uint32('dropped_links_count'),
    serviceName: text('service_name'),
    resourceAttributes: columnOf(block, 'resource_attributes', 'attributes'),
    resourceDroppedAttributesCount: uint32('resource_dropped_attributes_count'),
    resourceSchemaUrl: text('resource_schema_url'),
    scopeName: text('scope_name'),
    scopeVersion: text('scope_version'),
    scopeAttributes: columnOf(block, 'scope_attributes', 'attributes'),
    scopeDroppedAttributesCount: uint32('scope_dropped_attributes_count'),
    scopeSchemaUrl: text('scope_schema_url'),
  };
}

function textAt({ codes, texts }: TextColumn, row: number): string {
  return texts.orEmpty(codes[row]);
}

/** What a trace's tree and its order ask of each span is at hand, the rest is read from the block each time. */
class SpanView implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly durationNano: bigint;
  readonly statusCode: number;
  readonly serviceName: string;

  constructor(
    private readonly reader: SpanReader,
    private readonly columns: SpanColumns,
    private readonly row: number,
  ) {
    this.traceId = reader.traceId(row);
    this.spanId = hexAt(columns.spanId, row * 8, 8);
    this.parentSpanId = reader.parentSpanId(row);
    this.name = textAt(columns.name, row);
    this.kind = columns.kind[row];
    this.startTimeUnixNano = uint64At(columns.startTimeUnixNano, row);
    this.durationNano = int64At(columns.durationNano, row);
    this.statusCode = columns.statusCode[row];
    this.serviceName = textAt(columns.serviceName, row);
  }

  get traceState(): string {
    return this.reader.traceState(this.row);
  }
  get statusMessage(): string {
    return this.reader.statusMessage(this.row);
  }
  get flags(): number {
    return this.columns.flags[this.row];
  }
  get attributes(): readonly Attribute[] {
    return this.reader.attributes(this.row);
  }
  get droppedAttributesCount(): number {
    return this.columns.droppedAttributesCount[this.row];
  }
  get events(): readonly SpanEvent[] {
    return this.reader.events(this.row);
  }
  get droppedEventsCount(): number {
    return this.columns.droppedEventsCount[this.row];
  }
  get links(): readonly SpanLink[] {
    return this.reader.links(this.row);
  }
  get droppedLinksCount(): number {
    return this.columns.droppedLinksCount[this.row];
  }
  get resource(): Resource {
    return this.reader.resource(this.row);
  }
  get scope(): Scope {
    return this.reader.scope(this.row);
  }
}

/** Reads any row of a block that has all columns of the schema, and perhaps promoted ones. */
export class SpanReader {
  readonly #texts = new TextCache();
  readonly #spanPromoted: PromotedHere[] = [];
  readonly #resourcePromoted: PromotedHere[] = [];

  readonly #columns: SpanColumns;
  #lastTraceRow = -1;
  #lastTraceId = '';

  constructor(block: Block) {
    this.#columns = columnsIn(block, this.#texts);
    for (const [name, vector] of block.columns) {
      if (OWN.has(name)) continue;
      const texts = vector.kind === 'text' ? this.#texts.of(vector.dictionary) : undefined;
      if (name.startsWith('span.')) this.#spanPromoted.push({ key: name.slice(5), vector, texts });
      if (name.startsWith('resource.')) this.#resourcePromoted.push({ key: name.slice(9), vector, texts });
    }
  }

  span(row: number): Span {
    const columns = this.#columns;
    return {
      traceId: this.traceId(row),
      spanId: hexAt(columns.spanId, row * 8, 8),
      parentSpanId: this.parentSpanId(row),
      traceState: this.traceState(row),
      name: textAt(columns.name, row),
      kind: columns.kind[row],
      startTimeUnixNano: uint64At(columns.startTimeUnixNano, row),
      durationNano: int64At(columns.durationNano, row),
      statusCode: columns.statusCode[row],
      statusMessage: this.statusMessage(row),
      flags: columns.flags[row],
      attributes: this.attributes(row),
      droppedAttributesCount: columns.droppedAttributesCount[row],
      events: this.events(row),
      droppedEventsCount: columns.droppedEventsCount[row],
      links: this.links(row),
      droppedLinksCount: columns.droppedLinksCount[row],
      serviceName: textAt(columns.serviceName, row),
      resource: this.resource(row),
      scope: this.scope(row),
    };
  }

  /** The same span, of which most is read when somebody asks for it: the block stays in memory as long. */
  view(row: number): Span {
    return new SpanView(this, this.#columns, row);
  }

  /** Rows of one trace stand together: its id is written once. */
  traceId(row: number): string {
    const { traceId: bytes } = this.#columns;
    const known = this.#lastTraceRow;
    for (let i = 0; i < 16; i++) {
      if (known >= 0 && bytes[row * 16 + i] === bytes[known * 16 + i]) continue;
      this.#lastTraceRow = row;
      this.#lastTraceId = hexAt(bytes, row * 16, 16);
      break;
    }
    return this.#lastTraceId;
  }

  parentSpanId(row: number): string {
    const { parentSpanId: bytes } = this.#columns;
    return isZero(bytes, row * 8, 8) ? '' : hexAt(bytes, row * 8, 8);
  }

  traceState(row: number): string {
    return textAt(this.#columns.traceState, row);
  }

  statusMessage(row: number): string {
    return textAt(this.#columns.statusMessage, row);
  }

  attributes(row: number): Attribute[] {
    return this.#withPromoted(this.#spanPromoted, this.#columns.attributes, row);
  }

  resource(row: number): Resource {
    const columns = this.#columns;
    return {
      attributes: this.#withPromoted(this.#resourcePromoted, columns.resourceAttributes, row),
      droppedAttributesCount: columns.resourceDroppedAttributesCount[row],
      schemaUrl: textAt(columns.resourceSchemaUrl, row),
    };
  }

  scope(row: number): Scope {
    const columns = this.#columns;
    return {
      name: textAt(columns.scopeName, row),
      version: textAt(columns.scopeVersion, row),
      attributes: this.#list(columns.scopeAttributes, row),
      droppedAttributesCount: columns.scopeDroppedAttributesCount[row],
      schemaUrl: textAt(columns.scopeSchemaUrl, row),
    };
  }

  events(row: number): SpanEvent[] {
    const list = this.#columns.events;
    const found: SpanEvent[] = [];
    if (list.offsets[row] === list.offsets[row + 1]) return found;
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

  links(row: number): SpanLink[] {
    const list = this.#columns.links;
    const found: SpanLink[] = [];
    if (list.offsets[row] === list.offsets[row + 1]) return found;
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

  #withPromoted(promoted: readonly PromotedHere[], rest: AttributesVector, row: number): Attribute[] {
    const attributes = this.#list(rest, row);
    if (promoted.length === 0) return attributes;
    const first: Attribute[] = [];
    for (const { key, vector, texts } of promoted) {
      const value = promotedValue(vector, texts, row);
      if (value) first.push({ key, value });
    }
    for (const attribute of attributes) first.push(attribute);
    return first;
  }

  #list(vector: AttributesVector, row: number): Attribute[] {
    const { pairs, keys, types, values } = vector;
    const { from, to } = attributesRange(vector, row);
    if (from === to) return [];
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
}
