/** What figures of ingest mean, in words: a verdict on a sender, what to look at, and what to do about it. Pure. */
import type { CountName, Counts, LastRequest, SenderReport } from '../src/store/ingest-health.ts';
import { formatAgo, formatCount, formatPercent, formatTime, plural } from './format.ts';

export type Tone = 'good' | 'warn' | 'error' | 'none';

export interface Verdict {
  readonly tone: Tone;
  readonly text: string;
}

const NANO_PER_MS = 1_000_000n;
/** In a verdict: what is more stands below. */
const NAMED_THINGS = 3;

export function ago(unixMs: number, now: bigint): string {
  return formatAgo(BigInt(Math.round(unixMs)) * NANO_PER_MS, now);
}

export function timeText(unixMs: number): string {
  return formatTime(BigInt(Math.round(unixMs)) * NANO_PER_MS, 0);
}

export function verdictOf(sender: SenderReport, now: bigint): Verdict {
  const { state, fiveMinutes } = sender;
  switch (state) {
    case 'never':
      return { tone: 'none', text: 'Nothing yet: this token was never used to send' };
    case 'quiet':
      return { tone: 'none', text: quietText(sender, now) };
    case 'refusing':
      return { tone: 'error', text: refusingText(fiveMinutes) };
    case 'receiving': {
      const things = noticed(sender).filter((one) => isPressing(one, sender.hour));
      const text = receivingText(fiveMinutes);
      if (things.length === 0) return { tone: 'good', text };
      return {
        tone: 'warn',
        text: `${text}. In the last hour: ${listText(things.map(({ label }) => label))}`,
      };
    }
  }
}

/** What costs nothing, as long as it is the exception. */
const MILD: ReadonlyMap<CountName, CountName> = new Map([
  ['spansWithoutService', 'acceptedSpans'],
  ['lateSpans', 'acceptedSpans'],
  ['futureSpans', 'acceptedSpans'],
  ['orphanSpans', 'sampledSpans'],
  ['duplicateRequests', 'requests'],
]);
const MILD_SHARE = 0.01;

/** True for what belongs into the verdict. */
export function isPressing({ count, hour }: Pick<Noticed, 'count' | 'hour'>, counts: Counts): boolean {
  const of = MILD.get(count);
  return hour > (of === undefined ? 0 : MILD_SHARE * counts[of]);
}

/** `Values cut, late spans and 2 more`. */
function listText(labels: readonly string[]): string {
  const shown = labels
    .slice(0, NAMED_THINGS)
    .map((label) => `${label.charAt(0).toLowerCase()}${label.slice(1)}`);
  const more = labels.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function quietText({ lastRequest, lastTakenMs, lastRefusedMs }: SenderReport, now: bigint): string {
  if (lastRequest === undefined) return 'Nothing in the last 5 minutes';
  const last = `Nothing since ${timeText(lastRequest.atMs)}, ${ago(lastRequest.atMs, now)}`;
  if (lastRefusedMs <= lastTakenMs) return last;
  const taken =
    lastTakenMs === 0 ? 'none ever was taken' : `the last one taken came ${ago(lastTakenMs, now)}`;
  return `${last}; that request was refused, ${taken}`;
}

function receivingText({ acceptedSpans, requests, duplicateRequests }: Counts): string {
  if (acceptedSpans > 0) return `Receiving: ${plural(acceptedSpans, 'span')} in the last 5 minutes`;
  return duplicateRequests === requests
    ? `Receiving nothing new: ${plural(requests, 'request')} in the last 5 minutes came before`
    : `Receiving no spans: ${plural(requests, 'request')} in the last 5 minutes had none`;
}

function refusingText(counts: Counts): string {
  const { acceptedSpans, rejectedSpans, requests, refusedRequests } = counts;
  const parts: string[] = [];
  if (rejectedSpans > 0) parts.push(shareText(rejectedSpans, acceptedSpans, 'span'));
  if (refusedRequests > 0) parts.push(shareText(refusedRequests, requests, 'request'));
  return `Refusing ${parts.join(', and ')} in the last 5 minutes`;
}

/** `12 % of spans (30 of 250)`, or `all of 30 spans`. */
function shareText(refused: number, taken: number, noun: string): string {
  const all = refused + taken;
  if (taken === 0) return refused === 1 ? `the only ${noun}` : `all of ${plural(refused, noun)}`;
  return `${formatPercent(refused / all)} of ${noun}s (${formatCount(refused)} of ${formatCount(all)})`;
}

export interface Noticed {
  readonly count: CountName;
  readonly label: string;
  readonly hint: string;
  readonly hour: number;
  readonly day: number;
  readonly total: number;
}

interface Kind {
  readonly count: CountName;
  readonly label: string;
  readonly hint: string;
}

const KINDS: readonly Kind[] = [
  {
    count: 'rejectedSpans',
    label: 'Spans rejected',
    hint: 'Their requests were taken without them, and SDKs do not send them again. The reasons are below.',
  },
  {
    count: 'refusedRequests',
    label: 'Requests refused',
    hint: 'SDKs send again after 429 and 503, and drop the spans after any other answer. The reasons are below.',
  },
  {
    count: 'droppedAttributes',
    label: 'Attributes dropped',
    hint:
      'A span had more than --max-attributes, or the project more different keys than --max-keys. ' +
      'Ids belong into values, not into keys.',
  },
  {
    count: 'droppedEvents',
    label: 'Events dropped',
    hint: 'A span had more than --max-events: record them as spans, or log them.',
  },
  {
    count: 'droppedLinks',
    label: 'Links dropped',
    hint: 'A span had more than --max-links: a batch may be linked in parts.',
  },
  {
    count: 'cutValues',
    label: 'Values cut',
    hint:
      'Texts longer than --max-value, which you may raise, or set OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT at the sender, ' +
      'so that so much is not sent at all.',
  },
  {
    count: 'spansWithoutService',
    label: 'Spans without service.name',
    hint: 'Set OTEL_SERVICE_NAME, or service.name in OTEL_RESOURCE_ATTRIBUTES: they are found under no service.',
  },
  {
    count: 'lateSpans',
    label: 'Late spans',
    hint: 'They ended over an hour before they came: the sender’s clock is behind, or it sends what is old, as a backfill does.',
  },
  {
    count: 'futureSpans',
    label: 'Future spans',
    hint: 'They start over 10 minutes after they came: the sender’s clock is ahead, or this server’s behind. Check NTP on both.',
  },
  {
    count: 'orphanSpans',
    label: 'Orphan spans, of a sample',
    hint:
      'Their parent never came. A service on the way does not send here, samples otherwise, ' +
      'or does not hand on the traceparent header.',
  },
  {
    count: 'duplicateRequests',
    label: 'Requests that came again',
    hint:
      'Taken once. The sender got no answer in time: raise OTEL_EXPORTER_OTLP_TIMEOUT, ' +
      'or look for a second exporter that sends the same.',
  },
];

/** What happened in the last day, or ever; most pressing first. */
export function noticed({ hour, day, total }: SenderReport): readonly Noticed[] {
  return KINDS.map(({ count, label, hint }) => ({
    count,
    label,
    hint,
    hour: hour[count],
    day: day[count],
    total: total[count],
  })).filter((one) => one.total > 0);
}

/** Above it a share of orphans is worth a word of its own. */
const ORPHANS_WORTH_TELLING = 0.001;

/** '' when there is nothing to tell. */
export function orphanText({ orphanShare, day }: SenderReport): string {
  if (orphanShare === undefined || orphanShare < ORPHANS_WORTH_TELLING) return '';
  return `About ${formatPercent(orphanShare)} of spans are orphans, by ${plural(day.sampledSpans, 'span')} of sampled traces`;
}

/** What to do about a reason, by its beginning or a word in it; '' where the reason says it itself. */
const REASON_HINTS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/^400/, 'The body is no OTLP: compare OTEL_EXPORTER_OTLP_PROTOCOL, and look at proxies on the way.'],
  [/^401/, 'Set OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer TOKEN" with an ingest token.'],
  [/^403/, 'Sending wants a token of scope ingest: spanlake token create --scope ingest.'],
  [/^408/, 'The upload stood still: look at the network, and at proxies on the way.'],
  [/^413/, 'Send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE), or raise --max-body.'],
  [/^415/, 'Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf; compression gzip, zstd, deflate or none.'],
  [
    /^(429|503)/,
    'Senders try again by themselves. If it lasts, the disk or this machine is too slow or too full.',
  ],
  [/gRPC goes to/, 'Send gRPC to its own port, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.'],
  [
    /\b(trace|span) id\b/,
    'The ids are made wrong: no SDK makes such ones, so look at what builds spans by hand.',
  ],
  [/gen-AI/, 'Send other spans to /i/v1/traces.'],
  [/service\.name/, 'service.name must not hold ids or addresses; --max-services raises the bound.'],
];

export function reasonHint(reason: string): string {
  return REASON_HINTS.find(([pattern]) => pattern.test(reason))?.[1] ?? '';
}

const TRANSPORTS = { http: 'OTLP/HTTP', grpc: 'OTLP/gRPC' } as const;

/** `OTLP/HTTP, protobuf, gzip`. */
export function wayText({ transport, format, encoding }: LastRequest): string {
  const parts: string[] = [TRANSPORTS[transport]];
  if (transport === 'http') parts.push(format === 'json' ? 'JSON' : 'protobuf');
  if (encoding !== 'identity') parts.push(encoding);
  else if (transport === 'http') parts.push('not compressed');
  return parts.join(', ');
}
