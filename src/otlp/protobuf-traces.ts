/**
 * ExportTraceServiceRequest, protobuf -> SpanColumns. One pass over the bytes: no object a span, no
 * BigInt, no string an attribute. Field numbers are those of proto/; a tag is `field << 3 | wire type`.
 *
 * What the format leaves open: a known field with another wire type is an error; `kind` and a status
 * code that do not fit a byte become 0, other unknown ones stay; of a field sent twice the last counts,
 * except that `status` is merged. A link whose ids have a wrong length keeps zeros in their place.
 */
import type { SpanColumns } from '../span/columns.ts';
import { REFUSED } from '../span/origins.ts';
import { SpanBatches } from './kernel/batch.ts';
import { pairOf, ProtobufOrigins } from './protobuf-origins.ts';
import type { Tally } from './tally.ts';
import { GenAiKeys, idProblem, NOT_GEN_AI, tooManyServices } from './tally.ts';
import { copyId, overrun, Wire, word, wrongWireType } from './wire.ts';

/** Spans between two offers to pause: about 0.3 ms. */
const SPANS_A_STEP = 256;

export class ProtobufTraces {
  readonly #wire: Wire;
  readonly #buf: Uint8Array;
  readonly #origins: ProtobufOrigins;
  readonly #genAi: GenAiKeys;
  /** Takes plain spans; undefined where each span is to be judged. */
  readonly #batches: SpanBatches | undefined;
  /** Rows of the batches that stand in the tally. */
  #countedRows = 0;
  #pos = 0;
  #steps = 0;

  constructor(
    body: Uint8Array,
    readonly into: SpanColumns,
    readonly tally: Tally,
    readonly genAiOnly: boolean,
    /** False for tests, which hold the kernel to what is walked here. */
    withKernel: boolean = !genAiOnly,
  ) {
    this.#wire = new Wire(body);
    this.#buf = body;
    this.#genAi = new GenAiKeys(into);
    this.#origins = new ProtobufOrigins(this.#wire, into, () => this.#flush());
    this.#batches = withKernel ? new SpanBatches(this.#wire, into) : undefined;
  }

  /** Walks all of it. Between two steps the columns hold whole rows only. */
  *walk(): Generator<void> {
    try {
      yield* this.#request(this.#buf.length);
    } finally {
      // After a fault too: an attribute before it may be at fault itself, and is the one to tell of.
      this.#flush();
    }
  }

  *#request(end: number): Generator<void> {
    let pos = 0;
    while (pos < end) {
      const tag = this.#tag(pos);
      if (tag >>> 3 !== 1) {
        pos = this.#wire.skipField(tag, this.#pos, end);
        continue;
      }
      if (tag !== 0x0a) throw wrongWireType('ExportTraceServiceRequest', tag, pos);
      const size = this.#size(this.#pos, end);
      const start = this.#pos;
      yield* this.#resourceSpans(start, start + size);
      pos = start + size;
    }
    if (pos > end) throw overrun(end);
  }

  *#resourceSpans(start: number, end: number): Generator<void> {
    if (this.#batches?.mayExhaustKeys === true) this.#flush();
    const resource = this.#origins.resource(start, end);
    if (resource === REFUSED) {
      this.tally.reject(tooManyServices(this.into.limits), this.#origins.spansOf(start, end));
      return;
    }
    let pos = start;
    while (pos < end) {
      const tag = this.#tag(pos);
      if (tag !== 0x12) {
        pos = this.#wire.skipField(tag, this.#pos, end);
        continue;
      }
      const size = this.#size(this.#pos, end);
      const from = this.#pos;
      yield* this.#scopeSpans(from, from + size, resource);
      pos = from + size;
    }
  }

  *#scopeSpans(start: number, end: number, resource: number): Generator<void> {
    if (this.#batches?.mayExhaustKeys === true) this.#flush();
    const scope = this.#origins.scope(start, end);
    let pos = start;
    while (pos < end) {
      const tag = this.#tag(pos);
      if (tag !== 0x12) {
        pos = this.#wire.skipField(tag, this.#pos, end);
        continue;
      }
      const behindTag = this.#pos;
      if (this.#batches?.isUsable === true) {
        const taken = this.#batches.take(pos, end, resource, scope);
        const { isFull } = this.#batches;
        const isAtSpan = taken === pos;
        pos = taken;
        if (isFull || isAtSpan) this.#flush();
        if (isFull) yield;
        if (isFull || !isAtSpan) continue;
      } else this.#flush();
      const size = this.#size(behindTag, end);
      const from = this.#pos;
      pos = from + size;
      this.#span(from, pos, resource, scope);
      if (++this.#steps % SPANS_A_STEP === 0) yield;
    }
  }

  /** Rows stand in the order of their spans: what the kernel took comes before what is walked here. */
  #flush(): void {
    if (this.#batches === undefined) return;
    this.#batches.flush();
    this.tally.accepted += this.#batches.rows - this.#countedRows;
    this.#countedRows = this.#batches.rows;
  }

  #span(start: number, end: number, resource: number, scope: number): void {
    const columns = this.into;
    const buf = this.#buf;
    const row = columns.openRow();
    columns.resourceCodes[row] = resource;
    columns.scopeCodes[row] = scope;
    let [traceIdBytes, traceIdBits, spanIdBytes, spanIdBits, parentIdBytes] = [0, 0, 0, 0, 0];
    let [startLow, startHigh, endLow, endHigh] = [0, 0, 0, 0];
    let pos = start;
    while (pos < end) {
      let tag = buf[pos++];
      if (tag >= 128) {
        tag = this.#tag(pos - 1);
        pos = this.#pos;
      }
      if ((tag & 7) === 2) {
        let size = buf[pos++];
        if (!(size < 128 && pos + size <= end)) {
          size = this.#size(pos - 1, end);
          pos = this.#pos;
        }
        const to = pos + size;
        switch (tag) {
          case 0x4a:
            if (columns.attributes.takes()) columns.attributes.push(this.#pair(pos, to));
            break;
          case 0x0a:
            traceIdBytes = size;
            traceIdBits = copyId(buf, pos, size, columns.traceIds, row, 16);
            break;
          case 0x12:
            spanIdBytes = size;
            spanIdBits = copyId(buf, pos, size, columns.spanIds, row, 8);
            break;
          case 0x22:
            parentIdBytes = size;
            copyId(buf, pos, size, columns.parentSpanIds, row, 8);
            break;
          case 0x2a:
            columns.nameCodes[row] = columns.names.internUtf8(buf, pos, to);
            break;
          case 0x1a:
            columns.traceStateCodes[row] = columns.strings.internUtf8(buf, pos, to);
            break;
          case 0x5a:
            if (columns.events.takes(row)) this.#event(pos, to);
            break;
          case 0x6a:
            if (columns.links.takes(row)) this.#link(pos, to);
            break;
          case 0x7a:
            this.#status(pos, to, row);
            break;
          default:
            if (tag < 8 || isKnownSpanField(tag)) throw wrongWireType('Span', tag, pos);
        }
        pos = to;
        continue;
      }
      switch (tag) {
        case 0x39:
          if (pos + 8 > end) throw overrun(end);
          startLow = word(buf, pos);
          startHigh = word(buf, pos + 4);
          pos += 8;
          break;
        case 0x41:
          if (pos + 8 > end) throw overrun(end);
          endLow = word(buf, pos);
          endHigh = word(buf, pos + 4);
          pos += 8;
          break;
        case 0x30: {
          const kind = this.#varint(pos);
          columns.kinds[row] = kind > 255 ? 0 : kind;
          pos = this.#pos;
          break;
        }
        case 0x50:
          columns.droppedAttributes[row] = this.#varint(pos);
          pos = this.#pos;
          break;
        case 0x60:
          columns.droppedEvents[row] = this.#varint(pos);
          pos = this.#pos;
          break;
        case 0x70:
          columns.droppedLinks[row] = this.#varint(pos);
          pos = this.#pos;
          break;
        case 0x85:
          if (pos + 4 > end) throw overrun(end);
          columns.flags[row] = word(buf, pos);
          pos += 4;
          break;
        default:
          if (tag < 8 || isKnownSpanField(tag)) throw wrongWireType('Span', tag, pos);
          pos = this.#wire.skipField(tag, pos, end);
      }
    }
    if (pos > end) throw overrun(end);
    columns.startWords[row * 2] = startLow;
    columns.startWords[row * 2 + 1] = startHigh;
    columns.durationWords[row * 2] = endLow - startLow;
    columns.durationWords[row * 2 + 1] = endHigh - startHigh - (endLow < startLow ? 1 : 0);
    this.#finish(idProblem(traceIdBytes, traceIdBits, spanIdBytes, spanIdBits, parentIdBytes));
  }

  #finish(problem: string): void {
    const refused = problem === '' && this.genAiOnly && !this.#genAi.isGenAi() ? NOT_GEN_AI : problem;
    if (refused !== '') {
      this.tally.reject(refused);
      this.into.losses.discard();
      return;
    }
    this.into.closeRow();
    this.tally.accepted++;
  }

  #event(start: number, end: number): void {
    const { events } = this.into;
    const buf = this.#buf;
    const event = events.open();
    let pos = start;
    while (pos < end) {
      const tag = this.#tag(pos);
      pos = this.#pos;
      switch (tag) {
        case 0x09:
          if (pos + 8 > end) throw overrun(end);
          events.timeWords[event * 2] = word(buf, pos);
          events.timeWords[event * 2 + 1] = word(buf, pos + 4);
          pos += 8;
          break;
        case 0x12: {
          const to = this.#endOf(pos, end);
          events.nameCodes[event] = this.into.nameInStrings(buf, this.#pos, to);
          pos = to;
          break;
        }
        case 0x1a: {
          const to = this.#endOf(pos, end);
          if (events.attributes.takes()) events.attributes.push(this.#pair(this.#pos, to));
          pos = to;
          break;
        }
        case 0x20:
          events.droppedAttributes[event] = this.#varint(pos);
          pos = this.#pos;
          break;
        default:
          if (tag >>> 3 <= 4) throw wrongWireType('Event', tag, pos);
          pos = this.#wire.skipField(tag, pos, end);
      }
    }
    if (pos > end) throw overrun(end);
    events.close();
  }

  #link(start: number, end: number): void {
    const { links, strings } = this.into;
    const buf = this.#buf;
    const link = links.open();
    let pos = start;
    while (pos < end) {
      const tag = this.#tag(pos);
      pos = this.#pos;
      if ((tag & 7) === 2 && tag >>> 3 <= 4) {
        const to = this.#endOf(pos, end);
        pos = this.#pos;
        if (tag === 0x0a) copyId(buf, pos, to - pos, links.traceIds, link, 16);
        else if (tag === 0x12) copyId(buf, pos, to - pos, links.spanIds, link, 8);
        else if (tag === 0x1a) links.traceStateCodes[link] = strings.internUtf8(buf, pos, to);
        else if (links.attributes.takes()) links.attributes.push(this.#pair(pos, to));
        pos = to;
      } else if (tag === 0x28) {
        links.droppedAttributes[link] = this.#varint(pos);
        pos = this.#pos;
      } else if (tag === 0x35) {
        if (pos + 4 > end) throw overrun(end);
        links.flags[link] = word(buf, pos);
        pos += 4;
      } else {
        if (tag >>> 3 <= 6) throw wrongWireType('Link', tag, pos);
        pos = this.#wire.skipField(tag, pos, end);
      }
    }
    if (pos > end) throw overrun(end);
    links.close();
  }

  #status(start: number, end: number, row: number): void {
    const columns = this.into;
    let pos = start;
    while (pos < end) {
      const tag = this.#tag(pos);
      pos = this.#pos;
      if (tag === 0x12) {
        const to = this.#endOf(pos, end);
        columns.statusMessageCodes[row] = columns.strings.internUtf8(this.#buf, this.#pos, to);
        pos = to;
      } else if (tag === 0x18) {
        const code = this.#varint(pos);
        columns.statusCodes[row] = code > 255 ? 0 : code;
        pos = this.#pos;
      } else {
        if (tag >>> 3 === 2 || tag >>> 3 === 3) throw wrongWireType('Status', tag, pos);
        pos = this.#wire.skipField(tag, pos, end);
      }
    }
    if (pos > end) throw overrun(end);
  }

  #pair(start: number, end: number): number {
    const pairs = this.into.pairs;
    return pairOf(this.#wire, start, end, pairs);
  }

  /** Each of these leaves `#pos` behind what it read; one byte is the common case. */
  #tag(pos: number): number {
    const byte = this.#buf[pos];
    if (byte < 128 && byte >= 8) {
      this.#pos = pos + 1;
      return byte;
    }
    const tag = this.#wire.tagAt(pos);
    this.#pos = this.#wire.pos;
    return tag;
  }

  #size(pos: number, end: number): number {
    const byte = this.#buf[pos];
    if (byte < 128 && pos + 1 + byte <= end) {
      this.#pos = pos + 1;
      return byte;
    }
    const size = this.#wire.sizeAt(pos, end);
    this.#pos = this.#wire.pos;
    return size;
  }

  #endOf(pos: number, end: number): number {
    const size = this.#size(pos, end);
    return this.#pos + size;
  }

  #varint(pos: number): number {
    const value = this.#wire.uint32At(pos);
    this.#pos = this.#wire.pos;
    return value;
  }
}

function isKnownSpanField(tag: number): boolean {
  return tag >>> 3 <= 16;
}
