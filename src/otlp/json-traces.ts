/**
 * ExportTraceServiceRequest, OTLP/JSON -> SpanColumns. One pass over the bytes into the same builders as
 * protobuf, and the same decisions (protobuf-traces.ts). Ids are hex of any case; an id that is no hex
 * counts as one of a wrong length. The name of an enum's member that nobody knows is an error.
 */
import type { SpanColumns } from '../span/columns.ts';
import type { Mark } from '../span/mark.ts';
import { REFUSED } from '../span/origins.ts';
import { eachPair } from './json-attributes.ts';
import { JsonCursor } from './json-cursor.ts';
import { END_OF_OBJECT, Field, KIND_NAMES, STATUS_NAMES } from './json-fields.ts';
import type { FieldPlace } from './json-guesses.ts';
import { FIRST_FIELD, Level } from './json-guesses.ts';
import { JsonOrigins, OriginRange } from './json-origins.ts';
import type { IdReading } from './json-scalars.ts';
import { readEnum, readId, readUint32, readUint64 } from './json-scalars.ts';
import { readNameCode, readTextCode } from './json-values.ts';
import type { Tally } from './tally.ts';
import { GenAiKeys, idProblem, NOT_GEN_AI, tooManyServices } from './tally.ts';

/** Spans between two offers to pause: about 1 ms. */
const SPANS_A_STEP = 256;

export class JsonTraces {
  readonly #cursor: JsonCursor;
  readonly #origins: JsonOrigins;
  readonly #genAi: GenAiKeys;
  readonly #traceId: IdReading = { bytes: 0, bits: 0 };
  readonly #spanId: IdReading = { bytes: 0, bits: 0 };
  readonly #parentId: IdReading = { bytes: 0, bits: 0 };
  readonly #linkId: IdReading = { bytes: 0, bits: 0 };
  /** Start and end of the open span, each low word first. */
  readonly #times = new Uint32Array(4);
  #steps = 0;

  constructor(
    body: Uint8Array,
    readonly into: SpanColumns,
    readonly tally: Tally,
    readonly genAiOnly: boolean,
  ) {
    this.#cursor = new JsonCursor(body);
    this.#origins = new JsonOrigins(this.#cursor, into);
    this.#genAi = new GenAiKeys(into);
  }

  /** Walks all of it. Between two steps the columns hold whole rows, whose origin may be set later. */
  *walk(): Generator<void> {
    const cursor = this.#cursor;
    if (cursor.peek() !== 0x7b) cursor.fail('the body is not a JSON object');
    cursor.pos++;
    for (let isFirst = true; ; isFirst = false) {
      const field = cursor.nextField(isFirst);
      if (field === END_OF_OBJECT) break;
      if (field !== Field.resourceSpans) cursor.skip();
      else if (cursor.openArray('resourceSpans')) {
        for (let first = true; cursor.nextElement(first); first = false) yield* this.#resourceSpans();
      }
    }
    if (cursor.peek() !== -1) cursor.fail('malformed JSON: something follows the object');
  }

  *#resourceSpans(): Generator<void> {
    const cursor = this.#cursor;
    const mark = this.into.mark();
    const range = new OriginRange();
    if (!cursor.openObject('an element of resourceSpans')) return;
    for (let field: FieldPlace = FIRST_FIELD; ;) {
      field = cursor.fieldBehind(field, Level.resourceSpans);
      if (field === END_OF_OBJECT) break;
      if (field === Field.resource) range.takeObject(cursor);
      else if (field === Field.schemaUrl) range.takeUrl(cursor);
      else if (field !== Field.scopeSpans) cursor.skip();
      else if (cursor.openArray('scopeSpans')) {
        for (let first = true; cursor.nextElement(first); first = false) yield* this.#scopeSpans();
      }
    }
    this.#closeResource(this.#origins.resource(range), mark);
  }

  /** The rows since `mark` are of that resource: it may come behind them. */
  #closeResource(resource: number, mark: Mark): void {
    const { into, tally } = this;
    if (resource !== REFUSED) {
      into.resourceCodes.fill(resource, mark.rows, into.rows);
      return;
    }
    const spans = into.rows - mark.rows;
    into.truncate(mark);
    tally.accepted -= spans;
    tally.reject(tooManyServices(into.limits), spans);
  }

  *#scopeSpans(): Generator<void> {
    const cursor = this.#cursor;
    const firstRow = this.into.rows;
    const range = new OriginRange();
    if (!cursor.openObject('an element of scopeSpans')) return;
    for (let field: FieldPlace = FIRST_FIELD; ;) {
      field = cursor.fieldBehind(field, Level.scopeSpans);
      if (field === END_OF_OBJECT) break;
      if (field === Field.scope) range.takeObject(cursor);
      else if (field === Field.schemaUrl) range.takeUrl(cursor);
      else if (field !== Field.spans) cursor.skip();
      else if (cursor.openArray('spans')) yield* this.#spans();
    }
    this.into.scopeCodes.fill(this.#origins.scope(range), firstRow, this.into.rows);
  }

  *#spans(): Generator<void> {
    for (let isFirst = true; this.#cursor.nextElement(isFirst); isFirst = false) {
      this.#span();
      if (++this.#steps % SPANS_A_STEP === 0) yield;
    }
  }

  #span(): void {
    const columns = this.into;
    const cursor = this.#cursor;
    const row = columns.openRow();
    columns.resourceCodes[row] = 0;
    columns.scopeCodes[row] = 0;
    const times = this.#times;
    this.#traceId.bytes = this.#spanId.bytes = this.#parentId.bytes = 0;
    times[0] = times[1] = times[2] = times[3] = 0;
    if (cursor.openObject('a span')) {
      for (let field: FieldPlace = FIRST_FIELD; ;) {
        field = cursor.fieldBehind(field, Level.span);
        if (field === END_OF_OBJECT) break;
        this.#spanField(field, row);
      }
    }
    columns.startWords[row * 2] = times[0];
    columns.startWords[row * 2 + 1] = times[1];
    columns.durationWords[row * 2] = times[2] - times[0];
    columns.durationWords[row * 2 + 1] = times[3] - times[1] - (times[2] < times[0] ? 1 : 0);
    this.#finish();
  }

  #finish(): void {
    const trace = this.#traceId;
    const span = this.#spanId;
    let problem = idProblem(trace.bytes, trace.bits, span.bytes, span.bits, this.#parentId.bytes);
    if (problem === '' && this.genAiOnly && !this.#genAi.isGenAi()) problem = NOT_GEN_AI;
    if (problem !== '') {
      this.tally.reject(problem);
      return;
    }
    this.into.closeRow();
    this.tally.accepted++;
  }

  #spanField(field: Field, row: number): void {
    const columns = this.into;
    const cursor = this.#cursor;
    switch (field) {
      case Field.traceId:
        return readId(cursor, 'traceId', columns.traceIds, row, 16, this.#traceId);
      case Field.spanId:
        return readId(cursor, 'spanId', columns.spanIds, row, 8, this.#spanId);
      case Field.parentSpanId:
        return readId(cursor, 'parentSpanId', columns.parentSpanIds, row, 8, this.#parentId);
      case Field.traceState:
        columns.traceStateCodes[row] = readTextCode(cursor, 'traceState', columns.strings);
        return;
      case Field.name:
        columns.nameCodes[row] = readTextCode(cursor, 'name', columns.names);
        return;
      case Field.kind:
        columns.kinds[row] = readEnum(cursor, 'kind', KIND_NAMES);
        return;
      case Field.startTimeUnixNano:
        return readUint64(cursor, 'startTimeUnixNano', this.#times, 0);
      case Field.endTimeUnixNano:
        return readUint64(cursor, 'endTimeUnixNano', this.#times, 2);
      case Field.attributes:
        return eachPair(cursor, columns.pairs, columns.attributes);
      case Field.droppedAttributesCount:
        columns.droppedAttributes[row] = readUint32(cursor, 'droppedAttributesCount');
        return;
      case Field.events:
        return this.#children('events', () => this.#event(row));
      case Field.droppedEventsCount:
        columns.droppedEvents[row] = readUint32(cursor, 'droppedEventsCount');
        return;
      case Field.links:
        return this.#children('links', () => this.#link(row));
      case Field.droppedLinksCount:
        columns.droppedLinks[row] = readUint32(cursor, 'droppedLinksCount');
        return;
      case Field.status:
        return this.#status(row);
      case Field.flags:
        columns.flags[row] = readUint32(cursor, 'flags');
        return;
      default:
        cursor.skip();
    }
  }

  #children(what: string, read: () => void): void {
    if (!this.#cursor.openArray(what)) return;
    for (let isFirst = true; this.#cursor.nextElement(isFirst); isFirst = false) read();
  }

  #event(row: number): void {
    const cursor = this.#cursor;
    const { events, pairs } = this.into;
    if (!events.takes(row)) return cursor.leap();
    const event = events.open();
    if (cursor.openObject('an event')) {
      for (let field: FieldPlace = FIRST_FIELD; ;) {
        field = cursor.fieldBehind(field, Level.event);
        if (field === END_OF_OBJECT) break;
        if (field === Field.timeUnixNano) readUint64(cursor, 'timeUnixNano', events.timeWords, event * 2);
        else if (field === Field.name) events.nameCodes[event] = readNameCode(cursor, 'name', this.into);
        else if (field === Field.attributes) eachPair(cursor, pairs, events.attributes);
        else if (field === Field.droppedAttributesCount) {
          events.droppedAttributes[event] = readUint32(cursor, 'droppedAttributesCount');
        } else cursor.skip();
      }
    }
    events.close();
  }

  #link(row: number): void {
    const cursor = this.#cursor;
    const { links, strings, pairs } = this.into;
    if (!links.takes(row)) return cursor.leap();
    const link = links.open();
    if (cursor.openObject('a link')) {
      for (let field: FieldPlace = FIRST_FIELD; ;) {
        field = cursor.fieldBehind(field, Level.link);
        if (field === END_OF_OBJECT) break;
        if (field === Field.traceId) readId(cursor, 'traceId', links.traceIds, link, 16, this.#linkId);
        else if (field === Field.spanId) readId(cursor, 'spanId', links.spanIds, link, 8, this.#linkId);
        else if (field === Field.traceState) {
          links.traceStateCodes[link] = readTextCode(cursor, 'traceState', strings);
        } else if (field === Field.attributes) eachPair(cursor, pairs, links.attributes);
        else if (field === Field.droppedAttributesCount) {
          links.droppedAttributes[link] = readUint32(cursor, 'droppedAttributesCount');
        } else if (field === Field.flags) links.flags[link] = readUint32(cursor, 'flags');
        else cursor.skip();
      }
    }
    links.close();
  }

  #status(row: number): void {
    const cursor = this.#cursor;
    const columns = this.into;
    if (!cursor.openObject('status')) return;
    for (let field: FieldPlace = FIRST_FIELD; ;) {
      field = cursor.fieldBehind(field, Level.status);
      if (field === END_OF_OBJECT) return;
      if (field === Field.message) {
        columns.statusMessageCodes[row] = readTextCode(cursor, 'message', columns.strings);
      } else if (field === Field.code) columns.statusCodes[row] = readEnum(cursor, 'code', STATUS_NAMES);
      else cursor.skip();
    }
  }
}
