/**
 * Spans by number: everything of span n follows from n, so that a checker of millions needs to keep no span,
 * and a span that comes back altered is seen at once. 64 numbers are 8 traces of 8 spans, interleaved, so
 * that requests, generations and files cut through traces.
 */
import type { Span } from '../../src/span/span.ts';

const SPANS_PER_TRACE = 8;
const TRACES_TOGETHER = 8;
const NUMBERS_TOGETHER = SPANS_PER_TRACE * TRACES_TOGETHER;
const DAY_NANO = 86_400_000_000_000n;

/** What all spans of one run of the command have in common. */
export interface SpanFamily {
  /** 8 hex digits in every id: spans of another run in the same folder are strangers. */
  readonly mark: string;
  readonly startUnixNano: bigint;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A bijection of 32 bits: ids that look random come from numbers in a row. */
function mix(n: number): number {
  let mixed = Math.imul(n ^ (n >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export function traceNumber(n: number): number {
  return Math.floor(n / NUMBERS_TOGETHER) * TRACES_TOGETHER + (n % TRACES_TOGETHER);
}

/** All numbers of a trace. */
export function numbersOfTrace(trace: number): number[] {
  const first = Math.floor(trace / TRACES_TOGETHER) * NUMBERS_TOGETHER + (trace % TRACES_TOGETHER);
  return Array.from({ length: SPANS_PER_TRACE }, (_, i) => first + i * TRACES_TOGETHER);
}

export function traceId(family: SpanFamily, trace: number): string {
  return `${family.mark}00000000${hex(mix(trace), 8)}${hex(trace, 8)}`;
}

export function spanId(family: SpanFamily, n: number): string {
  return `${family.mark}${hex(n, 8)}`;
}

/** Undefined for an id that is none of the family's. */
export function numberOf(family: SpanFamily, id: string): number | undefined {
  return id.startsWith(family.mark) ? Number.parseInt(id.slice(family.mark.length), 16) : undefined;
}

/** Every eighth trace began a day before: files of two days come and go together. */
export function startOf(family: SpanFamily, n: number): bigint {
  const day = traceNumber(n) % 8 === 0 ? -DAY_NANO : 0n;
  return family.startUnixNano + day + BigInt(n) * 1_000_003n;
}

export function durationOf(n: number): bigint {
  return BigInt(mix(n) % 1_000_000_000);
}

export function nameOf(n: number): string {
  return `operation ${mix(n) % 40}`;
}

export function serviceOf(round: number): string {
  return `round-${round}`;
}

export function spanOf(family: SpanFamily, n: number, round: number): Span {
  const trace = traceNumber(n);
  const first = numbersOfTrace(trace)[0];
  return {
    traceId: traceId(family, trace),
    spanId: spanId(family, n),
    parentSpanId: n === first ? '' : spanId(family, first),
    traceState: '',
    name: nameOf(n),
    kind: 2,
    startTimeUnixNano: startOf(family, n),
    durationNano: durationOf(n),
    statusCode: n % 50 === 0 ? 2 : 0,
    statusMessage: '',
    flags: 0,
    attributes: [
      { key: 'http.route', value: { type: 'string', value: `/route/${n % 30}` } },
      { key: 'order.number', value: { type: 'int', value: BigInt(n) } },
      ...(n % 9 === 0 ? ([{ key: 'rare.share', value: { type: 'double', value: n / 7 } }] as const) : []),
    ],
    droppedAttributesCount: 0,
    events:
      n % 50 === 0
        ? [
            {
              timeUnixNano: startOf(family, n) + 5n,
              name: 'exception',
              attributes: [{ key: 'exception.message', value: { type: 'string', value: `failure ${n}` } }],
              droppedAttributesCount: 0,
            },
          ]
        : [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: serviceOf(round),
    resource: {
      attributes: [{ key: 'service.name', value: { type: 'string', value: serviceOf(round) } }],
      droppedAttributesCount: 0,
      schemaUrl: '',
    },
    scope: { name: 'crash', version: '1', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  };
}
