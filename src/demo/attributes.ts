/** Attributes as a scenario writes them: plain values, made into OTLP's typed ones. */
import type { Attribute, AttributeValue } from '../span/span.ts';

export type Plain = string | boolean | number | bigint | readonly string[] | AttributeValue;
export type PlainAttributes = Readonly<Record<string, Plain>>;

/** A number that is a double even when it is whole: 20 euros are 20.0. */
export function double(value: number): AttributeValue {
  return { type: 'double', value };
}

export function toAttributes(plain: PlainAttributes): Attribute[] {
  return Object.entries(plain).map(([key, value]) => ({ key, value: toValue(value) }));
}

function toValue(plain: Plain): AttributeValue {
  if (typeof plain === 'string') return { type: 'string', value: plain };
  if (typeof plain === 'boolean') return { type: 'bool', value: plain };
  if (typeof plain === 'bigint') return { type: 'int', value: plain };
  if (typeof plain === 'number') {
    return Number.isInteger(plain) ? { type: 'int', value: BigInt(plain) } : double(plain);
  }
  return isList(plain) ? { type: 'array', value: plain.map(toValue) } : plain;
}

/** Array.isArray does not narrow a readonly array. */
function isList(value: readonly string[] | AttributeValue): value is readonly string[] {
  return Array.isArray(value);
}
