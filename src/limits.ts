/** Every bound of the program, each with its reason. Those that a user may change are in `config.ts`. */

/** OTLP bodies, after decompression too. The Collector's default is 20 MiB; SDK batches are below 4 MiB. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Bytes of all OTLP requests in progress, received and decompressed, unless --max-ingest-memory says otherwise. A
 * project that sends alone has a half of it: hundreds of usual batches, or one body of the largest size.
 */
export const MAX_INGEST_BYTES = 160 * 1024 * 1024;

/** However little they are told to be, a largest body fits that grows from its own size, besides what others send. */
export const LEAST_INGEST_BODIES = 2.5;

/** Nesting of an AnyValue: protobuf's own default limit is 100 messages. */
export const MAX_VALUE_DEPTH = 64;

/**
 * Of one attribute key: the longest that OpenTelemetry's conventions name is below 100 bytes. An attribute with
 * a longer one is dropped.
 */
export const MAX_KEY_BYTES = 1024;

/** Of names of spans, events, scopes and services, and of schema URLs; the rest is cut off. They are shown in lists. */
export const MAX_NAME_BYTES = 4096;

/** A span is late that ended so long before it came: exporters send within seconds, and try again for minutes. */
export const LATE_AFTER_MS = 3_600_000;

/** A span is of the future that starts so long after it came: clocks are seconds apart, not this. */
export const FUTURE_AFTER_MS = 600_000;

/** Of each 32 traces, the spans of one are looked at for parents that never came; of one request at most so many. */
export const FAMILY_TRACES_MASK = 31;
export const MAX_FAMILY_SPANS = 4_096;

/** SDKs told apart in one request, and characters of each text about one. */
export const MAX_SDKS = 16;
export const MAX_SDK_CHARS = 64;

/** A search answers at most this many spans or traces a page: 10,000 spans are about 20 MB of JSON. */
export const MAX_SEARCH_LIMIT = 10_000;
export const DEFAULT_SEARCH_LIMIT = 100;

/** Live tails open at once, of all projects: each asks one question a second. A forgotten one ends. */
export const MAX_TAILS = 16;
export const MAX_TAIL_MS = 30 * 60_000;
/** Rows in the page of a live tail, and new ones a second: more than that nobody reads. */
export const SHOWN_TAIL_ROWS = 200;
export const TAIL_EVENT_ROWS = 40;

/** Of one project: a list that is read through. */
export const MAX_SAVED_SEARCHES = 200;

/** Unless --query-timeout says otherwise: below the 30 s after which browsers and Grafana commonly give up. */
export const QUERY_TIMEOUT_MS = 20_000;

/**
 * What one question may keep on the main thread besides its answer: candidates, extents, groups. Several at
 * once and the buffers must stay below the 768 MiB that a server is given.
 */
export const MAX_QUESTION_BYTES = 192 * 1024 * 1024;

/**
 * Questions in progress at once that count over many spans, and those that search: each holds up to
 * MAX_QUESTION_BYTES, and some MB of answers of workers. Two would keep two workers busy; one more is there for who
 * waits behind two slow ones. A trace by its id never waits.
 */
export const COUNTS_AT_ONCE = 3;
export const SEARCHES_AT_ONCE = 4;
/** Of values while somebody types: they don't wait behind a dashboard. */
export const COMPLETIONS_AT_ONCE = 2;

/** Matching spans shown in a trace summary: Tempo's default `spss`. */
export const MATCHED_SPANS_SHOWN = 3;

/** A query's text: room for a generated list of a thousand trace ids, and parsed within milliseconds. */
export const MAX_QUERY_CHARS = 64 * 1024;

/** Parentheses and prefix operators inside each other, and operators in one query: both bound recursion. */
export const MAX_QUERY_DEPTH = 200;
export const MAX_QUERY_OPERATORS = 2_000;

/** Selectors and pipeline stages of one query: each costs a mask over rows or a pass over spansets. */
export const MAX_QUERY_SELECTORS = 64;
export const MAX_QUERY_STAGES = 64;

/** Fields in `by (...)` of a metrics query: Tempo has 5, and more than this nobody reads. */
export const MAX_GROUP_FIELDS = 10;

/** Quantiles of one metrics query, each a series; fields of `select()`, each a column; hints. */
export const MAX_QUANTILES = 20;
export const MAX_SELECT_FIELDS = 100;
export const MAX_HINTS = 20;

/** Values of an attribute that `compare()` shows: Tempo's bound. */
export const MAX_COMPARE_VALUES = 1_000;

/** Instructions of a regular expression: 36,000 of them took 3 s over one value of 5,000 characters. */
export const MAX_REGEX_PROGRAM = 10_000;

/** Characters of regular expressions in one query, as `regexCost` counts them: 8,192 compile within 30 ms. */
export const MAX_REGEX_COST = 8_192;

/** How long the tree of a shown trace stays in memory: a click on a span of it then asks no store. */
export const KEPT_TREES_MS = 60_000;

/** Spans in all trees that are kept: 100,000 spans with their attributes are some 100 MB. */
export const KEPT_TREES_SPANS = 150_000;

/**
 * Decoded columns that each reader worker keeps: with two workers the columns of `service, status, duration` of 10M
 * spans (100 MB) stay, so that what is asked twice is not decoded twice, and the server stays below 768 MiB.
 */
export const SCAN_CACHE_BYTES = 88 * 1024 * 1024;

/** While files are merged, which takes 130 MB itself for some seconds or minutes. */
export const SCAN_CACHE_BYTES_BESIDE_MERGE = 16 * 1024 * 1024;
