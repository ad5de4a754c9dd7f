/**
 * Traffic without end from a few requests: each is sent again and again with ids and times of its own, written
 * into a copy of its bytes. Encoding costs the sender 4 us a span, this 0.1, and sender and server share two cores.
 */
import protobuf from 'protobufjs/minimal.js';
import { requests, SPANS_PER_REQUEST, START_UNIX_NANO } from './traffic.ts';

/** Where in a request the bytes stand that make its spans differ from those of the next. */
interface Places {
  /**
   * First byte of each trace id. Its first four are the stamp; the next but four change with it, so that the half by
   * which traces are found differs as that of random ids; the others stay.
   */
  readonly traceIds: readonly number[];
  /** First byte of each span id and parent's id. The first four change with the stamp, the others stay. */
  readonly spanIds: readonly number[];
  /** Starts and ends, 8 bytes each. */
  readonly times: readonly number[];
}

export class Stamps {
  readonly #templates: readonly { readonly bytes: Uint8Array; readonly places: Places }[];

  /** @param templates how many requests are encoded; another one has other operations, users, durations */
  constructor(templates: number, seed = 7) {
    const bodies = requests(templates * SPANS_PER_REQUEST, { seed, startUnixNano: START_UNIX_NANO });
    this.#templates = Array.from(bodies, (bytes) => ({ bytes, places: placesOf(bytes) }));
  }

  /**
   * Request `stamp`, of 32 bits, with its first span at `startUnixNano`. Trace ids begin with the stamp as 8
   * hex digits; the last 8 of a span id tell spans of a request apart.
   */
  request(stamp: number, startUnixNano: bigint): Uint8Array {
    const { bytes, places } = this.#templates[stamp % this.#templates.length];
    // The encoder hands out a Buffer, whose slice() would be a view of the template.
    const copy = new Uint8Array(bytes);
    const view = new DataView(copy.buffer);
    for (const at of places.traceIds) view.setUint32(at, stamp);
    const mixed = mixedOf(stamp);
    for (const at of places.traceIds) view.setUint32(at + 8, (view.getUint32(at + 8) ^ mixed) >>> 0);
    for (const at of places.spanIds) view.setUint32(at, (view.getUint32(at) ^ mixed) >>> 0);
    // The templates' own traffic goes on from one to the next; each begins its request here.
    const first = view.getBigUint64(places.times[0], true);
    const shift = BigInt.asUintN(64, startUnixNano - first);
    const [low, high] = [Number(shift & 0xffffffffn), Number(shift >> 32n)];
    for (const at of places.times) {
      const sum = view.getUint32(at, true) + low;
      view.setUint32(at, sum >>> 0, true);
      view.setUint32(at + 4, (view.getUint32(at + 4, true) + high + (sum > 0xffffffff ? 1 : 0)) >>> 0, true);
    }
    return copy;
  }

  /** Requests of the same template differ in their stamps and times alone. */
  templateOf(stamp: number): number {
    return stamp % this.#templates.length;
  }

  /** The last 8 hex digits of each span id of request `stamp`. */
  spanIdEnds(stamp: number): string[] {
    const { bytes, places } = this.#templates[stamp % this.#templates.length];
    return places.spanIds.flatMap((at) =>
      // Tag 2 is the span's own id, tag 4 its parent's.
      bytes[at - 2] === 0x12 ? [Buffer.from(bytes.subarray(at + 4, at + 8)).toString('hex')] : [],
    );
  }

  /** A trace of request `stamp`, 32 hex digits. */
  traceId(stamp: number): string {
    const { bytes, places } = this.#templates[stamp % this.#templates.length];
    const id = Buffer.from(bytes.slice(places.traceIds[0], places.traceIds[0] + 16));
    id.writeUint32BE(stamp, 0);
    id.writeUint32BE((id.readUint32BE(8) ^ mixedOf(stamp)) >>> 0, 8);
    return id.toString('hex');
  }
}

function mixedOf(stamp: number): number {
  return Math.imul(stamp + 1, 0x9e3779b1) >>> 0;
}

/** Walks ExportTraceServiceRequest > ResourceSpans > ScopeSpans > Span. */
function placesOf(bytes: Uint8Array): Places {
  const reader = protobuf.Reader.create(bytes);
  const places = { traceIds: [] as number[], spanIds: [] as number[], times: [] as number[] };
  within(reader, bytes.length, 1, (resourceEnd) =>
    within(reader, resourceEnd, 2, (scopeEnd) =>
      within(reader, scopeEnd, 2, (spanEnd) => {
        while (reader.pos < spanEnd) {
          const tag = reader.uint32();
          if (tag === 0x0a) places.traceIds.push(reader.pos + 1);
          if (tag === 0x12 || tag === 0x22) places.spanIds.push(reader.pos + 1);
          if (tag === 0x39 || tag === 0x41) places.times.push(reader.pos);
          reader.skipType(tag & 7);
        }
      }),
    ),
  );
  return places;
}

/** Calls `enter` with the end of each message that stands as field `field` before `end`. */
function within(reader: protobuf.Reader, end: number, field: number, enter: (end: number) => void): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 !== field) {
      reader.skipType(tag & 7);
      continue;
    }
    const length = reader.uint32();
    enter(reader.pos + length);
  }
}
