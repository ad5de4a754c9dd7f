/**
 * Rows that were made elsewhere, to be appended to `SpanColumns` as they are. Codes are those of the columns'
 * own tables. Only the first `rows` and `events` elements count (ids and times: as many times their width).
 */
export interface RowBatch {
  readonly rows: number;
  readonly traceIds: Uint8Array;
  readonly spanIds: Uint8Array;
  readonly parentSpanIds: Uint8Array;
  /** Two words each, low word first. */
  readonly startWords: Uint32Array;
  readonly durationWords: Uint32Array;
  readonly kinds: Uint8Array;
  readonly statusCodes: Uint8Array;
  readonly flags: Uint32Array;
  readonly droppedAttributes: Uint32Array;
  readonly droppedEvents: Uint32Array;
  readonly droppedLinks: Uint32Array;
  readonly nameCodes: Uint32Array;
  readonly traceStateCodes: Uint32Array;
  readonly statusMessageCodes: Uint32Array;
  readonly resourceCodes: Uint32Array;
  readonly scopeCodes: Uint32Array;
  /** Row r has the attributes up to `attributes.ends[r]`, and the events up to `eventEnds[r]`. */
  readonly attributes: PairLists;
  readonly eventEnds: Uint32Array;
  readonly events: EventBatch;
}

export interface EventBatch {
  readonly count: number;
  readonly timeWords: Uint32Array;
  readonly nameCodes: Uint32Array;
  readonly droppedAttributes: Uint32Array;
  readonly attributes: PairLists;
}

/** Pair codes of many lists, one behind the other; list l ends at `ends[l]`. No list has a key twice. */
export interface PairLists {
  readonly ends: Uint32Array;
  readonly pairs: Uint32Array;
}
