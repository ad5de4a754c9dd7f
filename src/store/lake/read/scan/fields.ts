/** The columns in which a block keeps the fields of a TraceQL expression. */
import { fieldsOf } from '../../../../traceql/analyse.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { AttributeField, FieldExpression, IntrinsicField } from '../../../../traceql/ast.ts';

/** What is known of the file whose columns are asked for; a buffer has nothing promoted. */
export interface ColumnsAvailable {
  /** Names of the promoted columns, as `span.http.route`. */
  readonly promoted: ReadonlySet<string>;
  /** Every `scope key` that a span carries; undefined when that is not known whole. */
  readonly keys: ReadonlySet<string> | undefined;
}

/** The columns that a scan needs to evaluate the field. Fields of other spans of the trace need none here. */
export function columnsOfField(field: Field, available: ColumnsAvailable): string[] {
  if (field.parent) return [];
  return field.kind === 'attribute' ? columnsOfAttribute(field, available) : columnsOfIntrinsic(field);
}

function columnsOfAttribute(field: AttributeField, available: ColumnsAvailable): string[] {
  switch (field.scope) {
    case 'span':
      return promotable('span', field.key, available);
    case 'resource':
      return promotable('resource', field.key, available);
    case 'any':
      return [...promotable('span', field.key, available), ...promotable('resource', field.key, available)];
    case 'event':
      return ['events'];
    case 'link':
      return ['links'];
    case 'instrumentation':
      return lacks('instrumentation', field.key, available) ? [] : ['scope_attributes'];
  }
}

/** A key is promoted with all its values or not at all (write/promote.ts), so the map has none of it then. */
function promotable(scope: 'span' | 'resource', key: string, available: ColumnsAvailable): string[] {
  const own = `${scope}.${key}`;
  if (available.promoted.has(own)) return [own];
  return lacks(scope, key, available) ? [] : [`${scope}_attributes`];
}

/** To the kernels, a column that was not read has no value in any row. */
function lacks(scope: string, key: string, { keys }: ColumnsAvailable): boolean {
  return keys !== undefined && !keys.has(`${scope} ${key}`);
}

function columnsOfIntrinsic(field: IntrinsicField): string[] {
  switch (field.name) {
    case 'span:id':
      return ['span_id'];
    case 'span:parentID':
    case 'span:parent':
      return ['parent_span_id'];
    case 'span:name':
      return ['name'];
    case 'span:kind':
      return ['kind'];
    case 'span:status':
      return ['status_code'];
    case 'span:statusMessage':
      return ['status_message'];
    case 'span:duration':
      return ['duration_nano'];
    case 'trace:id':
      return ['trace_id'];
    case 'event:name':
      return ['events'];
    case 'event:timeSinceStart':
      return ['events', 'start_time_unix_nano'];
    case 'link:traceID':
    case 'link:spanID':
      return ['links'];
    case 'instrumentation:name':
      return ['scope_name'];
    case 'instrumentation:version':
      return ['scope_version'];
    case 'span:childCount':
    case 'trace:duration':
    case 'trace:rootName':
    case 'trace:rootService':
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      return [];
  }
}

export function columnsOfCondition(condition: FieldExpression | null, available: ColumnsAvailable): string[] {
  if (!condition) return [];
  return [...new Set(fieldsOf(condition).flatMap((field) => columnsOfField(field, available)))];
}
