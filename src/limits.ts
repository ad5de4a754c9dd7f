/** Every bound of the program, each with its reason. Those that a user may change are in `config.ts`. */

/** OTLP bodies, after decompression too. The Collector's default is 20 MiB; SDK batches are below 4 MiB. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Nesting of an AnyValue: protobuf's own default limit is 100 messages. */
export const MAX_VALUE_DEPTH = 64;

/** A search answers at most this many spans or traces a page: 10,000 spans are about 20 MB of JSON. */
export const MAX_SEARCH_LIMIT = 10_000;
export const DEFAULT_SEARCH_LIMIT = 100;

/** Matching spans shown in a trace summary: Tempo's default `spss`. */
export const MATCHED_SPANS_SHOWN = 3;
