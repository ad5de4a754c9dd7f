/** What failed in a span, and which failures are the same one: by type, message without its figures, top frame. */
import type { Attribute, Span } from '../span/span.ts';
import { STATUS_ERROR } from '../span/span.ts';
import { valueText } from '../span/value.ts';
import { frameText, topFrame } from './stack-frames.ts';

/** One span that failed or recorded an exception. */
export interface Occurrence {
  readonly groupId: string;
  /** `status`: no exception was recorded, the span's status alone says that it failed. */
  readonly kind: 'exception' | 'status';
  readonly type: string;
  /** As sent, cut. */
  readonly message: string;
  /** The message with what differs each time replaced. */
  readonly pattern: string;
  /** '' without a stack trace. */
  readonly frame: string;
  readonly stackTrace: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly serviceName: string;
  /** '' where the resource tells none. */
  readonly version: string;
  readonly operation: string;
  readonly startUnixNano: bigint;
  readonly durationNano: bigint;
  /** False for an exception that was handled: the span ended well. */
  readonly isError: boolean;
}

/** A longer one holds a document; its beginning tells the kind. */
const MAX_MESSAGE = 1_000;
const MAX_STACK = 32_768;
const MAX_NAME = 300;
/** Messages and stacks repeat: to look at each once saves nine tenths of the time. */
const MAX_REMEMBERED = 2_000;

/** Remembers what it has worked out for one scan; throw it away after. */
export class OccurrenceReader {
  readonly #patterns = new Map<string, string>();
  readonly #frames = new Map<string, string>();

  /** Undefined for a span that neither failed nor recorded an exception. */
  read(span: Span): Occurrence | undefined {
    // The last one is what ended it; those before were tried again.
    const event = span.events.findLast(({ name }) => name === 'exception');
    const isError = span.statusCode === STATUS_ERROR;
    if (event === undefined && !isError) return undefined;
    const common = {
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      serviceName: span.serviceName,
      version: textOf(span.resource.attributes, 'service.version').slice(0, MAX_NAME),
      operation: span.name.slice(0, MAX_NAME),
      startUnixNano: span.startTimeUnixNano,
      durationNano: span.durationNano,
      isError,
    };
    if (event === undefined) {
      const message = span.statusMessage.slice(0, MAX_MESSAGE);
      const pattern = this.#pattern(message);
      const type = textOf(span.attributes, 'error.type').slice(0, MAX_NAME);
      const groupId = idOf('status', span.serviceName, common.operation, type, pattern);
      return { ...common, groupId, kind: 'status', type, message, pattern, frame: '', stackTrace: '' };
    }
    const type = textOf(event.attributes, 'exception.type').slice(0, MAX_NAME);
    const message = textOf(event.attributes, 'exception.message').slice(0, MAX_MESSAGE);
    const stackTrace = textOf(event.attributes, 'exception.stacktrace').slice(0, MAX_STACK);
    const pattern = this.#pattern(message);
    const frame = this.#frame(stackTrace);
    const groupId = idOf('exception', type, pattern, frame);
    return { ...common, groupId, kind: 'exception', type, message, pattern, frame, stackTrace };
  }

  #pattern(message: string): string {
    return remembered(this.#patterns, message, normaliseMessage);
  }

  #frame(stackTrace: string): string {
    return remembered(this.#frames, stackTrace, (text) => {
      const top = text === '' ? undefined : topFrame(text);
      return top === undefined ? '' : frameText(top).slice(0, MAX_NAME);
    });
  }
}

function remembered(known: Map<string, string>, text: string, work: (text: string) => string): string {
  let answer = known.get(text);
  if (answer === undefined) {
    answer = work(text);
    if (known.size < MAX_REMEMBERED) known.set(text, answer);
  }
  return answer;
}

function idOf(...parts: readonly string[]): string {
  return Bun.hash.xxHash3(JSON.stringify(parts)).toString(16).padStart(16, '0');
}

function textOf(attributes: readonly Attribute[], key: string): string {
  const found = attributes.find((attribute) => attribute.key === key);
  return found === undefined ? '' : valueText(found.value);
}

/** The first that fits takes the place, so that a UUID is no row of numbers. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<uuid>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b/g, '<email>'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '<address>'],
  [/\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b/g, '<time>'],
  [/\[?\b[0-9a-f]{1,4}(?:::?[0-9a-f]{1,4}){2,7}\b(?:\]:\d+|\])?/gi, '<address>'],
  [/(["'`])(?=[^"'`\n]{0,200}\d)[^"'`\n]{1,200}\1/g, '<id>'],
  [/\b0x[0-9a-f]+\b|@[0-9a-f]{5,16}\b/gi, '<hex>'],
  [/\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, '<hex>'],
  // With a unit a figure stays one; other digits beside letters make an id.
  [/\b\d+(?:[.,]\d+)*(?=(?:[num]?s|[kmgt]i?b|min|[hdb]|st|nd|rd|th|px|x|%)?(?:\W|$))/gi, '<n>'],
  [/\b(?:[a-z]+[-_])*\d+[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*\b/gi, '<id>'],
  [/\d+/g, '<n>'],
];

/** `order 4711 of u-3cp` and `order 12 of u-8dt` are the same message: `order <n> of <id>`. */
export function normaliseMessage(message: string): string {
  let text = message.slice(0, MAX_MESSAGE);
  for (const [pattern, replacement] of REPLACEMENTS) text = text.replace(pattern, replacement);
  return text.replace(/\s+/g, ' ').trim();
}

/** A regular expression, as TraceQL has them, for messages of a pattern; the end is left open where it would get long. */
export function patternRegex(pattern: string): string {
  const kept = pattern.slice(0, 200);
  const parts = kept.split(/<(?:uuid|time|email|address|id|hex|n)>/).map(escaped);
  const open = pattern.length > kept.length || pattern.length >= MAX_MESSAGE - 100;
  return `\\s*${parts.join('.*')}${open ? '.*' : '\\s*'}`;
}

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/ /g, '\\s+');
}
