/**
 * Spans in memory, as columns: what a decoder fills and the store searches until it stands in Parquet.
 * Rows are only appended. Readers see `publishedRows`; what lies behind is not yet durable.
 */
import { AttributeLists, PairTable } from './attribute-lists.ts';
import { EventColumns, LinkColumns } from './children.ts';
import { grown } from './grow.ts';
import { Interner } from './interner.ts';
import { ResourceTable, ScopeTable } from './origins.ts';
import { SPANS } from './schema.ts';
import type { Block, TextVector, Uint32Vector, Vector } from './vector.ts';

const DEFAULT_ROWS = 1024;
/** Ids 32, times 16, two bytes, flags and counts 16, codes 20, offsets 12. */
const BYTES_PER_ROW = 98;

/** Where the columns stood: rows behind it can be undone. */
export interface Mark {
  readonly rows: number;
  readonly minHigh: number;
  readonly minLow: number;
  readonly maxHigh: number;
  readonly maxLow: number;
}

export class SpanColumns {
  /** The store raises it when the log is on disk. */
  publishedRows = 0;
  readonly names = new Interner();
  readonly strings = new Interner();
  readonly pairs = new PairTable();
  readonly resources = new ResourceTable(this.pairs);
  readonly scopes = new ScopeTable(this.pairs);
  readonly attributes = new AttributeLists(this.pairs);
  readonly events = new EventColumns(this.pairs);
  readonly links = new LinkColumns(this.pairs);

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

  constructor(initialRows: number = DEFAULT_ROWS) {
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
    return row;
  }

  /** The open row is complete. */
  closeRow(): void {
    const row = this.#rows;
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
    this.attributes.close();
    this.events.closeRow(row);
    this.links.closeRow(row);
    this.#rows = row + 1;
  }

  mark(): Mark {
    return {
      rows: this.#rows,
      minHigh: this.#minHigh,
      minLow: this.#minLow,
      maxHigh: this.#maxHigh,
      maxLow: this.#maxLow,
    };
  }

  /** Undoes the rows appended since `mark`, which are not published. Dictionaries keep what they learned. */
  truncate(mark: Mark): void {
    if (mark.rows < this.publishedRows) {
      throw new Error(`row ${mark.rows} lies before the ${this.publishedRows} published rows`);
    }
    this.#rows = mark.rows;
    this.#minHigh = mark.minHigh;
    this.#minLow = mark.minLow;
    this.#maxHigh = mark.maxHigh;
    this.#maxLow = mark.maxLow;
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
    if (!column) this.#gathered.set(name, (column = { codes: new Uint32Array(rows), rows: 0 }));
    if (column.codes.length < rows) column.codes = grown(column.codes, rows);
    const codes = column.codes;
    for (let row = column.rows; row < rows; row++) codes[row] = table[index[row]];
    column.rows = Math.max(column.rows, rows);
    return codes.subarray(0, rows);
  }

  #grow(): void {
    const rows = this.kinds.length * 2;
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
