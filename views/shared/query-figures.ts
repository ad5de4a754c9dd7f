/** TraceQL texts for links: the spans of a service, of an operation, those with a value or with another one. */
import type { FieldExpression } from '../../src/traceql/ast.ts';
import { and, comparison, field, intrinsic } from '../../src/traceql/build.ts';
import { printExpression } from '../../src/traceql/print.ts';
import { missing } from './query-links.ts';

/** A longer address fails in too many proxies. */
const MAX_QUERY_LENGTH = 1500;

export interface SpansOf {
  readonly service: string;
  /** Undefined: all. */
  readonly operation: string | undefined;
  readonly errorsOnly: boolean;
}

/** '' when it would be too long for an address. */
export function figureQuery({ service, operation, errorsOnly }: SpansOf): string {
  return selectorText(
    and(
      service === ''
        ? missing(field('resource', 'service.name'))
        : comparison(field('resource', 'service.name'), '=', service),
      operation === undefined ? null : comparison(intrinsic('span:name'), '=', operation),
      errorsOnly ? comparison(intrinsic('span:status'), '=', { type: 'status', value: 'error' }) : null,
    ),
  );
}

/** `{ condition }`, or '' when it would be too long for an address. */
export function selectorText(condition: FieldExpression | null): string {
  const q = condition === null ? '{}' : `{ ${printExpression(condition)} }`;
  return q.length > MAX_QUERY_LENGTH ? '' : q;
}
