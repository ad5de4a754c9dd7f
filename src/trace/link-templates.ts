/**
 * Links out of a span, to logs or dashboards elsewhere: an address with places that the span fills, as
 * `https://logs.example/search?trace=${traceId}&host=${resource.host.name}`. Filled values are percent-encoded,
 * so that a span can't choose where its link leads.
 */
import type { Attribute, Span } from '../span/span.ts';
import { valueText } from '../span/value.ts';

export interface LinkTemplate {
  readonly name: string;
  readonly url: string;
}

export interface FilledLink {
  readonly name: string;
  readonly href: string;
}

const PLACE = /\$\{([^{}]*)\}/g;
const NANO_PER_MS = 1_000_000n;
/** Longer addresses fail in browsers and proxies. */
const MAX_HREF_CHARS = 8_000;

type Fill = (span: Span) => string | undefined;

const FIELDS: ReadonlyMap<string, Fill> = new Map<string, Fill>([
  ['traceId', (span) => span.traceId],
  ['spanId', (span) => span.spanId],
  ['service', (span) => span.serviceName],
  ['name', (span) => span.name],
  ['startMs', (span) => String(span.startTimeUnixNano / NANO_PER_MS)],
  ['endMs', (span) => String((span.startTimeUnixNano + span.durationNano) / NANO_PER_MS)],
  ['startNano', (span) => String(span.startTimeUnixNano)],
  ['endNano', (span) => String(span.startTimeUnixNano + span.durationNano)],
]);

/** For the words beside the form. */
export const LINK_FIELDS: readonly string[] = [...FIELDS.keys()];

/** What is wrong with an address as a template, in words for who wrote it; '' when nothing is. */
export function templateProblem(url: string): string {
  const filled = url.replaceAll(PLACE, 'x');
  if (!/^https?:\/\//i.test(url)) return 'the address begins with https:// or http://';
  // A place in the host would let a span choose the server.
  const host = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
  if (host.includes('${')) return 'the host can’t have places to fill';
  if (!URL.canParse(filled)) return 'that is not an address';
  for (const [, place] of url.matchAll(PLACE)) {
    if (fillOf(place) === undefined)
      return `\${${place}} is not known: see the list of what can be filled in`;
  }
  return '';
}

/** Undefined where the span lacks something that the template asks for. */
export function fillTemplate({ name, url }: LinkTemplate, span: Span): FilledLink | undefined {
  if (templateProblem(url) !== '') return undefined;
  let isWhole = true;
  const href = url.replaceAll(PLACE, (_, place: string) => {
    const value = fillOf(place)?.(span) ?? '';
    if (value === '') isWhole = false;
    return encode(value);
  });
  return isWhole && href.length <= MAX_HREF_CHARS ? { name, href } : undefined;
}

/** Those of the templates that the span can fill, in their order. */
export function fillTemplates(templates: readonly LinkTemplate[], span: Span): readonly FilledLink[] {
  return templates.flatMap((template) => fillTemplate(template, span) ?? []);
}

/** A lone surrogate has no encoding. */
function encode(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

function fillOf(place: string): Fill | undefined {
  const field = FIELDS.get(place);
  if (field !== undefined) return field;
  const [, scope, key] = /^(span|resource)\.(.+)$/s.exec(place) ?? [];
  if (scope === undefined) return undefined;
  return (span) => attributeText(scope === 'span' ? span.attributes : span.resource.attributes, key);
}

function attributeText(attributes: readonly Attribute[], key: string): string | undefined {
  const found = attributes.find((attribute) => attribute.key === key);
  return found === undefined ? undefined : valueText(found.value);
}
