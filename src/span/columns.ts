/**
 * Spans in memory, as columns: what a decoder fills and the store searches until it stands in Parquet.
 * Rows are only appended. Readers see `publishedRows`; what lies behind is not yet durable.
 */
import { AttributeLists, PairTable } from './attribute-lists.ts';
import { EventColumns, LinkColumns } from './children.ts';
import { cutEnd } from './cut.ts';
import { grownShared as grown } from './grow.ts';
import { Interner } from './interner.ts';
import { addDropped, Loss, Losses } from './losses.ts';
import { ResourceTable, ScopeTable } from './origins.ts';
import type { Mark } from './mark.ts';
import type { RowBatch } from './row-batch.ts';
import { SPANS } from './schema.ts';
import { DEFAULT_SPAN_LIMITS } from './span-limits.ts';
import type { SpanLimits } from './span-limits.ts';
import type { Block, TextVector, Uint32Vector, Vector } from './vector.ts';

/**
 * Few: a thousand projects with a span each would take 100 MB with 1,024. And no power of two, so that a buffer that
 * is sealed with a little more than 131,072 rows does not double for the last of them.
 */
const DEFAULT_ROWS = 72;
/** So many rows make it likely that as many come as are expected. Doubling leaves as much garbage as there is in use. */
const MANY_ROWS = DEFAULT_ROWS * 128;
/** Ids 32, times 16, two bytes, flags and counts 16, codes 20, offsets 12. */
const BYTES_PER_ROW = 98;

export class SpanColumns {
  /** The store raises it when the log is on disk. */
  publishedRows = 0;
  /** What the limits took from the rows, and from the resources and scopes that were new. */
  readonly losses = new Losses();
  readonly names: Interner;
  readonly strings: Interner;
  readonly pairs: PairTable;
  readonly resources: ResourceTable;
  readonly scopes: ScopeTable;
  readonly attributes: AttributeLists;
  readonly events: EventColumns;
  readonly links: LinkColumns;

  // One element a row (ids and times several). A decoder writes at the row that `openRow` gives, and
  // reads the fields anew each time: growth replaces the arrays.
  traceIds: Uint8Array;
  spanIds: Uint8Array;
  parentSpanIds: Uint8Array;
  startWords: Uint32Array;
  durationWords: Uint32Array;
  kinds: Uint8Array;
  statusCodes: Uint8Array;
  flags: Uint32Array;
  droppedAttributes: Uint32Array;
  droppedEvents: Uint32Array;
  droppedLinks: Uint32Array;
  nameCodes: Uint32Array;
  traceStateCodes: Uint32Array;
  statusMessageCodes: Uint32Array;
  resourceCodes: Uint32Array;
  scopeCodes: Uint32Array;

  #rows = 0;
  #minHigh = 0xffffffff;
  #minLow = 0xffffffff;
  #maxHigh = 0;
  #maxLow = 0;
  /** Columns of resource and scope, one value a row: filled as far as somebody asked. */
  readonly #gathered = new Map<string, { codes: Uint32Array; rows: number }>();

  /** `expectedRows`: of which room is made at once as soon as there are many; more or fewer may come. */
  constructor(
    initialRows: number = DEFAULT_ROWS,
    readonly limits: SpanLimits = DEFAULT_SPAN_LIMITS,
    private readonly expectedRows: number = 0,
  ) {
    this.names = new Interner(limits.nameBytes, () => this.losses.add(Loss.name));
    this.strings = new Interner(limits.valueBytes, () => this.losses.add(Loss.text));
    this.pairs = new PairTable(limits, this.losses);
    this.resources = new ResourceTable(this.pairs);
    this.scopes = new ScopeTable(this.pairs);
    this.attributes = new AttributeLists(this.pairs);
    this.events = new EventColumns(this.pairs);
    this.links = new LinkColumns(this.pairs);
    const rows = Math.max(1, initialRows);
    this.traceIds = new Uint8Array(rows * 16);
    this.spanIds = new Uint8Array(rows * 8);
    this.parentSpanIds = new Uint8Array(rows * 8);
    this.startWords = new Uint32Array(rows * 2);
    this.durationWords = new Uint32Array(rows * 2);
    this.kinds = new Uint8Array(rows);
    this.statusCodes = new Uint8Array(rows);
    this.flags = new Uint32Array(rows);
    this.droppedAttributes = new Uint32Array(rows);
    this.droppedEvents = new Uint32Array(rows);
    this.droppedLinks = new Uint32Array(rows);
    this.nameCodes = new Uint32Array(rows);
    this.traceStateCodes = new Uint32Array(rows);
    this.statusMessageCodes = new Uint32Array(rows);
    this.resourceCodes = new Uint32Array(rows);
    this.scopeCodes = new Uint32Array(rows);
    // Code 0 is the empty text in both, so that a field that was not sent needs no look-up.
    this.names.internText('');
    this.strings.internText('');
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes in use, dictionaries and their hash tables included: about what a flush would free. */
  get byteLength(): number {
    const texts = this.names.byteLength + this.strings.byteLength + this.pairs.byteLength;
    const origins = this.resources.byteLength + this.scopes.byteLength;
    const children = this.events.byteLength + this.links.byteLength;
    return this.#rows * BYTES_PER_ROW + this.attributes.byteLength + texts + origins + children;
  }

  /** The earliest start of all appended rows; meaningless without rows. */
  get minStart(): bigint {
    return (BigInt(this.#minHigh) << 32n) | BigInt(this.#minLow);
  }

  get maxStart(): bigint {
    return (BigInt(this.#maxHigh) << 32n) | BigInt(this.#maxLow);
  }

  /** The code in `strings` of a name in `source[start .. end)`: of an event, a scope, a schema. */
  nameInStrings(source: Uint8Array, start: number, end: number): number {
    const to = cutEnd(source, start, end, this.limits.nameBytes);
    if (to < end) this.losses.add(Loss.name);
    return this.strings.internUtf8(source, start, to);
  }

  /** The row to fill next, with nothing set. Call again to begin anew with a row that was not closed. */
  openRow(): number {
    const row = this.#rows;
    if (row === this.kinds.length) this.#grow();
    this.parentSpanIds.fill(0, row * 8, row * 8 + 8);
    this.startWords[row * 2] = 0;
    this.startWords[row * 2 + 1] = 0;
    this.durationWords[row * 2] = 0;
    this.durationWords[row * 2 + 1] = 0;
    this.kinds[row] = 0;
    this.statusCodes[row] = 0;
    this.flags[row] = 0;
    this.droppedAttributes[row] = 0;
    this.droppedEvents[row] = 0;
    this.droppedLinks[row] = 0;
    this.nameCodes[row] = 0;
    this.traceStateCodes[row] = 0;
    this.statusMessageCodes[row] = 0;
    this.attributes.truncate(row);
    this.events.truncate(row);
    this.links.truncate(row);
    this.losses.discard();
    return row;
  }

  /** The open row is complete. */
  closeRow(): void {
    const row = this.#rows;
    this.#widenTimes(row);
    this.#addDropped(row);
    this.attributes.close();
    this.events.closeRow(row);
    this.links.closeRow(row);
    this.#rows = row + 1;
  }

  #addDropped(row: number): void {
    const { attributes, events, links } = this;
    if (attributes.dropped > 0) {
      this.droppedAttributes[row] = addDropped(this.droppedAttributes[row], attributes.dropped);
    }
    if (events.dropped > 0) this.droppedEvents[row] = addDropped(this.droppedEvents[row], events.dropped);
    if (links.dropped > 0) this.droppedLinks[row] = addDropped(this.droppedLinks[row], links.dropped);
    this.losses.keep();
  }

  #widenTimes(row: number): void {
    const low = this.startWords[row * 2];
    const high = this.startWords[row * 2 + 1];
    if (high < this.#minHigh || (high === this.#minHigh && low < this.#minLow)) {
      this.#minHigh = high;
      this.#minLow = low;
    }
    if (high > this.#maxHigh || (high === this.#maxHigh && low > this.#maxLow)) {
      this.#maxHigh = high;
      this.#maxLow = low;
    }
  }

  /** Appends rows that were made elsewhere; no row may be open. */
  append(batch: RowBatch): void {
    const { rows } = batch;
    const row = this.#rows;
    // What a row that was given up left behind.
    this.attributes.truncate(row);
    this.events.truncate(row);
    this.links.truncate(row);
    while (row + rows > this.kinds.length) this.#grow();
    this.traceIds.set(batch.traceIds.subarray(0, rows * 16), row * 16);
    this.spanIds.set(batch.spanIds.subarray(0, rows * 8), row * 8);
    this.parentSpanIds.set(batch.parentSpanIds.subarray(0, rows * 8), row * 8);
    this.startWords.set(batch.startWords.subarray(0, rows * 2), row * 2);
    this.durationWords.set(batch.durationWords.subarray(0, rows * 2), row * 2);
    this.kinds.set(batch.kinds.subarray(0, rows), row);
    this.statusCodes.set(batch.statusCodes.subarray(0, rows), row);
    this.flags.set(batch.flags.subarray(0, rows), row);
    this.droppedAttributes.set(batch.droppedAttributes.subarray(0, rows), row);
    this.droppedEvents.set(batch.droppedEvents.subarray(0, rows), row);
    this.droppedLinks.set(batch.droppedLinks.subarray(0, rows), row);
    this.nameCodes.set(batch.nameCodes.subarray(0, rows), row);
    this.traceStateCodes.set(batch.traceStateCodes.subarray(0, rows), row);
    this.statusMessageCodes.set(batch.statusMessageCodes.subarray(0, rows), row);
    this.resourceCodes.set(batch.resourceCodes.subarray(0, rows), row);
    this.scopeCodes.set(batch.scopeCodes.subarray(0, rows), row);
    this.attributes.append(batch.attributes, rows);
    this.events.append(row, rows, batch.eventEnds, batch.events);
    this.links.appendNone(row, rows);
    for (let added = row; added < row + rows; added++) this.#widenTimes(added);
    this.losses.keep();
    this.#rows = row + rows;
  }

  mark(): Mark {
    return {
      rows: this.#rows,
      minHigh: this.#minHigh,
      minLow: this.#minLow,
      maxHigh: this.#maxHigh,
      maxLow: this.#maxLow,
      keys: this.pairs.admittedKeys,
      services: this.resources.services.size,
      resources: this.resources.count,
      scopes: this.scopes.count,
      losses: this.losses.counts,
    };
  }

  /**
   * Undoes the rows appended since `mark`, which are not published. Dictionaries keep what they learned; what
   * counts against limits does not, so that the log, which has no rows that were undone, is replayed the same.
   */
  truncate(mark: Mark): void {
    if (mark.rows < this.publishedRows) {
      throw new Error(`row ${mark.rows} lies before the ${this.publishedRows} published rows`);
    }
    this.#rows = mark.rows;
    this.#minHigh = mark.minHigh;
    this.#minLow = mark.minLow;
    this.#maxHigh = mark.maxHigh;
    this.#maxLow = mark.maxLow;
    this.losses.restore(mark.losses);
    const fewerKeys = this.pairs.takeBackKeys(mark.keys);
    if (this.resources.takeBackServices(mark.services) || fewerKeys) {
      this.resources.forget(mark.resources);
      this.scopes.forget(mark.scopes);
    }
    this.attributes.truncate(mark.rows);
    this.events.truncate(mark.rows);
    this.links.truncate(mark.rows);
    for (const column of this.#gathered.values()) column.rows = Math.min(column.rows, mark.rows);
  }

  /**
   * Views of the first `rows` rows of the named columns (default all). They stay as they are while rows
   * are appended. Copying a view to another thread copies the whole array behind it, spare room included.
   */
  block(names: readonly string[] = ALL_NAMES, rows: number = this.publishedRows): Block {
    const columns = new Map<string, Vector>();
    for (const name of names) columns.set(name, this.#column(name, rows));
    return { rows, columns };
  }

  #column(name: string, rows: number): Vector {
    switch (name) {
      case 'trace_id':
        return { kind: 'fixed', width: 16, bytes: this.traceIds.subarray(0, rows * 16) };
      case 'span_id':
        return { kind: 'fixed', width: 8, bytes: this.spanIds.subarray(0, rows * 8) };
      case 'parent_span_id':
        return { kind: 'fixed', width: 8, bytes: this.parentSpanIds.subarray(0, rows * 8) };
      case 'trace_state':
        return this.#text(this.traceStateCodes.subarray(0, rows));
      case 'name':
        return {
          kind: 'text',
          codes: this.nameCodes.subarray(0, rows),
          dictionary: this.names.dictionary(),
        };
      case 'kind':
        return { kind: 'uint8', values: this.kinds.subarray(0, rows) };
      case 'start_time_unix_nano':
        return { kind: 'int64', words: this.startWords.subarray(0, rows * 2) };
      case 'duration_nano':
        return { kind: 'int64', words: this.durationWords.subarray(0, rows * 2) };
      case 'status_code':
        return { kind: 'uint8', values: this.statusCodes.subarray(0, rows) };
      case 'status_message':
        return this.#text(this.statusMessageCodes.subarray(0, rows));
      case 'flags':
        return { kind: 'uint32', values: this.flags.subarray(0, rows) };
      case 'dropped_attributes_count':
        return { kind: 'uint32', values: this.droppedAttributes.subarray(0, rows) };
      case 'dropped_events_count':
        return { kind: 'uint32', values: this.droppedEvents.subarray(0, rows) };
      case 'dropped_links_count':
        return { kind: 'uint32', values: this.droppedLinks.subarray(0, rows) };
      case 'span_attributes':
        return this.attributes.vector(rows);
      case 'events':
        return this.events.vector(rows, this.strings);
      case 'links':
        return this.links.vector(rows, this.strings);
      default:
        return this.#originColumn(name, rows);
    }
  }

  #originColumn(name: string, rows: number): Vector {
    const { resources, scopes, resourceCodes, scopeCodes } = this;
    switch (name) {
      case 'service_name':
        return this.#text(this.#gather(name, rows, resources.serviceNameCodes, resourceCodes));
      case 'resource_attributes':
        return resources.attributes.vector(resources.count, resourceCodes.subarray(0, rows));
      case 'resource_dropped_attributes_count':
        return uint32(this.#gather(name, rows, resources.droppedAttributes, resourceCodes));
      case 'resource_schema_url':
        return this.#text(this.#gather(name, rows, resources.schemaUrlCodes, resourceCodes));
      case 'scope_name':
        return this.#text(this.#gather(name, rows, scopes.nameCodes, scopeCodes));
      case 'scope_version':
        return this.#text(this.#gather(name, rows, scopes.versionCodes, scopeCodes));
      case 'scope_attributes':
        return scopes.attributes.vector(scopes.count, scopeCodes.subarray(0, rows));
      case 'scope_dropped_attributes_count':
        return uint32(this.#gather(name, rows, scopes.droppedAttributes, scopeCodes));
      case 'scope_schema_url':
        return this.#text(this.#gather(name, rows, scopes.schemaUrlCodes, scopeCodes));
      default:
        throw new Error(`spans have no column ${name}`);
    }
  }

  #text(codes: Uint32Array): TextVector {
    return { kind: 'text', codes, dictionary: this.strings.dictionary() };
  }

  /** `table[index[row]]` of every row, computed once a row. */
  #gather(name: string, rows: number, table: Uint32Array, index: Uint32Array): Uint32Array {
    let column = this.#gathered.get(name);
    if (!column) this.#gathered.set(name, (column = { codes: grown(new Uint32Array(0), rows), rows: 0 }));
    if (column.codes.length < rows) column.codes = grown(column.codes, rows);
    const codes = column.codes;
    for (let row = column.rows; row < rows; row++) codes[row] = table[index[row]];
    column.rows = Math.max(column.rows, rows);
    return codes.subarray(0, rows);
  }

  #grow(): void {
    const doubled = this.kinds.length * 2;
    const rows = doubled < MANY_ROWS ? doubled : Math.max(doubled, this.expectedRows);
    if (rows > doubled) {
      this.attributes.reserve(rows);
      this.events.reserve(rows);
      this.links.reserve(rows);
    }
    this.traceIds = grown(this.traceIds, rows * 16);
    this.spanIds = grown(this.spanIds, rows * 8);
    this.parentSpanIds = grown(this.parentSpanIds, rows * 8);
    this.startWords = grown(this.startWords, rows * 2);
    this.durationWords = grown(this.durationWords, rows * 2);
    this.kinds = grown(this.kinds, rows);
    this.statusCodes = grown(this.statusCodes, rows);
    this.flags = grown(this.flags, rows);
    this.droppedAttributes = grown(this.droppedAttributes, rows);
    this.droppedEvents = grown(this.droppedEvents, rows);
    this.droppedLinks = grown(this.droppedLinks, rows);
    this.nameCodes = grown(this.nameCodes, rows);
    this.traceStateCodes = grown(this.traceStateCodes, rows);
    this.statusMessageCodes = grown(this.statusMessageCodes, rows);
    this.resourceCodes = grown(this.resourceCodes, rows);
    this.scopeCodes = grown(this.scopeCodes, rows);
  }
}

const ALL_NAMES: readonly string[] = SPANS.columns.map((column) => column.name);

function uint32(values: Uint32Array): Uint32Vector {
  return { kind: 'uint32', values };
}
