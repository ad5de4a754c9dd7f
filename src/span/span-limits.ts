/**
 * How much of one span is kept, and how many different names a project may bring: what keeps one sender's
 * mistake from costing everybody. What lies beyond is dropped and counted, never silently.
 */
import { MAX_NAME_BYTES } from '../limits.ts';

export interface SpanLimits {
  /** Of a span, event, link, resource or scope each; further ones count as dropped attributes. */
  readonly attributes: number;
  /** Of a span; further ones count as dropped events. */
  readonly events: number;
  /** Of a span; further ones count as dropped links. */
  readonly links: number;
  /** Of a text: attribute value, status message, trace state. The rest is cut off behind a whole character. */
  readonly valueBytes: number;
  /** Of a name: of a span, event, scope or service, and a schema URL. */
  readonly nameBytes: number;
  /** Different attribute keys of a project in one buffer; attributes with further ones are dropped. */
  readonly keys: number;
  /** Different service names of a project in one buffer; spans of further ones are rejected. */
  readonly services: number;
}

export const DEFAULT_SPAN_LIMITS: SpanLimits = {
  attributes: 1_000,
  events: 1_000,
  links: 1_000,
  valueBytes: 256 * 1024,
  nameBytes: MAX_NAME_BYTES,
  keys: 10_000,
  services: 10_000,
};

/** For spans that some other limits let in before. */
export const NO_SPAN_LIMITS: SpanLimits = {
  attributes: Infinity,
  events: Infinity,
  links: Infinity,
  valueBytes: Infinity,
  nameBytes: Infinity,
  keys: Infinity,
  services: Infinity,
};
