/** What the rows of one request tell about its sender: one pass over them, some nanoseconds a span. */
import {
  FAMILY_TRACES_MASK,
  FUTURE_AFTER_MS,
  LATE_AFTER_MS,
  MAX_FAMILY_SPANS,
  MAX_NAME_BYTES,
  MAX_SDK_CHARS,
  MAX_SDKS,
} from '../limits.ts';
import type { SpanColumns } from '../span/columns.ts';
import type { Mark } from '../span/mark.ts';
import type { Findings } from '../span/findings.ts';
import { Loss, lossesSince } from '../span/losses.ts';
import type { LossCounts } from '../span/losses.ts';
import type { ResourceTable } from '../span/origins.ts';
import type { SpanLimits } from '../span/span-limits.ts';
import { TYPE_TAGS } from '../span/value.ts';
import type { Tally } from './tally.ts';

/** In `Findings.family`. */
const WORDS_A_SPAN = 8;

/** About the rows behind `mark`, which came at `receivedAtMs`, Unix milliseconds. */
export function findingsSince(
  columns: SpanColumns,
  mark: Mark,
  tally: Tally,
  receivedAtMs: number,
): Findings {
  const losses = lossesSince(mark.losses, columns.losses.counts);
  return {
    rejections: tally.rejections,
    droppedAttributes: losses[Loss.attribute] + losses[Loss.key],
    droppedEvents: losses[Loss.event],
    droppedLinks: losses[Loss.link],
    cutValues: losses[Loss.text] + losses[Loss.name],
    ...rowFindings(columns, mark.rows, receivedAtMs),
  };
}

type RowFindings = Pick<Findings, 'withoutService' | 'late' | 'future' | 'sdks' | 'family'>;

function rowFindings(columns: SpanColumns, firstRow: number, receivedAtMs: number): RowFindings {
  const { rows, startWords, durationWords, resourceCodes, traceIds } = columns;
  const { serviceNameCodes } = columns.resources;
  const lateBefore = nanoWords(receivedAtMs - LATE_AFTER_MS);
  const futureAfter = nanoWords(receivedAtMs + FUTURE_AFTER_MS);
  const resources = new Set<number>();
  const family: number[] = [];
  let [withoutService, late, future] = [0, 0, 0];
  let resource = -1;
  let hasService = true;
  for (let row = firstRow; row < rows; row++) {
    if (resourceCodes[row] !== resource) {
      resource = resourceCodes[row];
      hasService = serviceNameCodes[resource] !== 0;
      resources.add(resource);
    }
    if (!hasService) withoutService++;
    // Words of 4.3 s tell most times; the low words are looked at where those leave it open.
    const startHigh = startWords[row * 2 + 1];
    const mightBeLate = ((startHigh + durationWords[row * 2 + 1]) | 0) <= lateBefore.high;
    if (mightBeLate && endsBefore(columns, row, lateBefore)) late++;
    if (startHigh >= futureAfter.high && startsAfter(columns, row, futureAfter)) future++;
    // The last byte is random in all known kinds of trace ids; the first ones may be a time.
    if ((traceIds[row * 16 + 15] & FAMILY_TRACES_MASK) === 0) family.push(row);
  }
  return {
    withoutService,
    late,
    future,
    sdks: sdksOf(columns, resources),
    family: idsOf(columns, family.slice(0, MAX_FAMILY_SPANS)),
  };
}

interface Words {
  readonly high: number;
  readonly low: number;
}

/** Nanoseconds since the epoch. */
function nanoWords(unixMs: number): Words {
  const nanos = BigInt(Math.max(0, Math.floor(unixMs))) * 1_000_000n;
  return { high: Number((nanos >> 32n) & 0x7fffffffn), low: Number(nanos & 0xffffffffn) };
}

/** By the end as it was sent: a duration is the difference modulo 2^64. */
function endsBefore({ startWords, durationWords }: SpanColumns, row: number, time: Words): boolean {
  const low = startWords[row * 2] + durationWords[row * 2];
  const carry = low > 0xffffffff ? 1 : 0;
  const high = (startWords[row * 2 + 1] + durationWords[row * 2 + 1] + carry) >>> 0;
  return high < time.high || (high === time.high && low >>> 0 < time.low);
}

function startsAfter({ startWords }: SpanColumns, row: number, time: Words): boolean {
  const high = startWords[row * 2 + 1];
  return high > time.high || (high === time.high && startWords[row * 2] > time.low);
}

/** Trace id, span id and parent id of each row, as words in the order of the machine. */
function idsOf({ traceIds, spanIds, parentSpanIds }: SpanColumns, rows: readonly number[]): Uint32Array {
  const words = new Uint32Array(rows.length * WORDS_A_SPAN);
  const bytes = new Uint8Array(words.buffer);
  rows.forEach((row, i) => {
    const at = i * WORDS_A_SPAN * 4;
    bytes.set(traceIds.subarray(row * 16, row * 16 + 16), at);
    bytes.set(spanIds.subarray(row * 8, row * 8 + 8), at + 16);
    bytes.set(parentSpanIds.subarray(row * 8, row * 8 + 8), at + 24);
  });
  return words;
}

/** By resource: what sent it, '' for a resource that does not say. */
const sdkTexts = new WeakMap<ResourceTable, string[]>();

function sdksOf(columns: SpanColumns, resources: ReadonlySet<number>): string[] {
  let texts = sdkTexts.get(columns.resources);
  if (texts === undefined) sdkTexts.set(columns.resources, (texts = []));
  const sdks = new Set<string>();
  for (const resource of resources) {
    const sdk = (texts[resource] ??= sdkOf(columns, resource));
    if (sdk !== '') sdks.add(sdk);
    if (sdks.size === MAX_SDKS) break;
  }
  return [...sdks];
}

/** `opentelemetry nodejs 2.12.1`, as far as the resource tells. */
function sdkOf({ pairs, resources }: SpanColumns, resource: number): string {
  const { attributes } = resources;
  const parts = ['', '', ''];
  for (let entry = attributes.offsets[resource]; entry < attributes.offsets[resource + 1]; entry++) {
    const pair = attributes.pairs[entry];
    const part = SDK_KEYS.indexOf(pairs.keys.text(pairs.pairKeys[pair]));
    if (part < 0 || pairs.pairTypes[pair] !== TYPE_TAGS.string) continue;
    parts[part] = pairs.values.text(pairs.pairValues[pair]).slice(0, MAX_SDK_CHARS).toWellFormed();
  }
  return parts.filter((part) => part !== '').join(' ');
}

const SDK_KEYS = ['telemetry.sdk.name', 'telemetry.sdk.language', 'telemetry.sdk.version'];

/** What was taken from accepted spans, in words that a sender's log may show; '' when nothing was. */
export function lossMessage(losses: LossCounts, limits: SpanLimits): string {
  const words: string[] = [];
  const say = (cause: Loss, one: string, many: string, rest: string) => {
    const count = losses[cause];
    if (count > 0) words.push(`${grouped(count)} ${count === 1 ? one : many} ${rest}`);
  };
  const { attributes, events, links, keys, valueBytes } = limits;
  say(
    Loss.attribute,
    'attribute',
    'attributes',
    `beyond ${grouped(attributes)} a span dropped (--max-attributes)`,
  );
  say(
    Loss.key,
    'attribute',
    'attributes',
    `dropped with a key that is too long, or new behind ${grouped(keys)} others of late (--max-keys)`,
  );
  say(Loss.event, 'event', 'events', `beyond ${grouped(events)} a span dropped (--max-events)`);
  say(Loss.link, 'link', 'links', `beyond ${grouped(links)} a span dropped (--max-links)`);
  say(Loss.text, 'text', 'texts', `cut to ${grouped(valueBytes)} bytes (--max-value)`);
  say(Loss.name, 'name', 'names', `cut to ${grouped(MAX_NAME_BYTES)} bytes`);
  return words.join(', ');
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
