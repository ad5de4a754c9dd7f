/** Values of TraceQL as the API writes them, for labels of series and figures of spansets. */
import { formatDurationExact } from '../../span/time.ts';
import type { Static } from '../../traceql/ast.ts';

type Json = Record<string, unknown>;

/**
 * OTLP's AnyValue. Durations are texts as TraceQL writes them, `1.5s`; status and kind are their keywords;
 * nil, which says that there is no such field, is the empty value.
 */
export function staticJson(value: Static): Json {
  switch (value.type) {
    case 'string':
    case 'status':
    case 'kind':
      return { stringValue: value.value };
    case 'int':
      return { intValue: value.value.toString() };
    case 'float':
      return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'bool':
      return { boolValue: value.value };
    case 'duration':
      return { stringValue: formatDurationExact(value.value) };
    case 'nil':
    case 'opaque':
      return {};
  }
}

export function labelsJson(labels: readonly { readonly key: string; readonly value: Static }[]): Json[] {
  return labels.map(({ key, value }) => ({ key, value: staticJson(value) }));
}
