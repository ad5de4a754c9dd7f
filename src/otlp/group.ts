/** Spans as an export request orders them: by resource, and within it by scope. */
import type { Attribute, Resource, Scope, Span } from '../span/span.ts';
import { valueText } from '../span/value.ts';

export interface ScopeGroup {
  readonly scope: Scope;
  readonly spans: Span[];
}

export interface ResourceGroup {
  readonly resource: Resource;
  readonly scopes: ScopeGroup[];
}

/** Groups come in the order of their first span; equal resources and scopes are one, whichever object. */
export function groupSpans(spans: readonly Span[]): ResourceGroup[] {
  const resources = new Map<string, { group: ResourceGroup; scopes: Map<string, ScopeGroup> }>();
  const keys = new Map<Resource | Scope, string>();
  const keyOf = <T extends Resource | Scope>(origin: T, build: (origin: T) => string): string => {
    const known = keys.get(origin);
    if (known !== undefined) return known;
    const key = build(origin);
    keys.set(origin, key);
    return key;
  };
  for (const span of spans) {
    const resourceKey = keyOf(span.resource, resourceText);
    let entry = resources.get(resourceKey);
    if (!entry) {
      entry = { group: { resource: span.resource, scopes: [] }, scopes: new Map() };
      resources.set(resourceKey, entry);
    }
    const scopeKey = keyOf(span.scope, scopeText);
    let scope = entry.scopes.get(scopeKey);
    if (!scope) {
      scope = { scope: span.scope, spans: [] };
      entry.scopes.set(scopeKey, scope);
      entry.group.scopes.push(scope);
    }
    scope.spans.push(span);
  }
  return [...resources.values()].map((entry) => entry.group);
}

function resourceText(resource: Resource): string {
  return JSON.stringify([
    resource.schemaUrl,
    resource.droppedAttributesCount,
    attributesText(resource.attributes),
  ]);
}

function scopeText(scope: Scope): string {
  const { name, version, schemaUrl, droppedAttributesCount, attributes } = scope;
  return JSON.stringify([name, version, schemaUrl, droppedAttributesCount, attributesText(attributes)]);
}

function attributesText(attributes: readonly Attribute[]): string[][] {
  return attributes.map(({ key, value }) => [key, value.type, valueText(value)]);
}
