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

/** A query's text: room for a generated list of a thousand trace ids, and parsed within milliseconds. */
export const MAX_QUERY_CHARS = 64 * 1024;

/** Parentheses and prefix operators inside each other, and operators in one query: both bound recursion. */
export const MAX_QUERY_DEPTH = 200;
export const MAX_QUERY_OPERATORS = 2_000;

/** Instructions of a regular expression: 36,000 of them took 3 s over one value of 5,000 characters. */
export const MAX_REGEX_PROGRAM = 10_000;

/** How long the tree of a shown trace stays in memory: a click on a span of it then asks no store. */
export const KEPT_TREES_MS = 60_000;

/** Spans in all trees that are kept: 100,000 spans with their attributes are some 100 MB. */
export const KEPT_TREES_SPANS = 150_000;
