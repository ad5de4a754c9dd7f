/** Comparisons as ranges of 64-bit integers, for kernels that compare words. */
import type { ComparisonOperator, Static } from './ast.ts';
import { MAX_INT, MIN_INT } from './keywords.ts';

/** Both ends belong to it; `min <= max`. */
export interface Int64Range {
  readonly min: bigint;
  readonly max: bigint;
}

/**
 * The signed 64-bit integers for which `value operator literal` is true, in ascending ranges, at most two.
 * The value is an int or a duration: with a literal that is no number nothing matches.
 */
export function int64Bounds(operator: ComparisonOperator, literal: Static): readonly Int64Range[] {
  switch (literal.type) {
    case 'int':
    case 'duration':
      return around(operator, literal.value, literal.value);
    case 'float':
      return floatBounds(operator, literal.value);
    case 'string':
    case 'bool':
    case 'status':
    case 'kind':
    case 'nil':
    case 'opaque':
      return [];
  }
}

function floatBounds(operator: ComparisonOperator, value: number): readonly Int64Range[] {
  if (Number.isNaN(value)) return operator === '!=' ? range(MIN_INT, MAX_INT) : [];
  // Beyond every 64-bit integer; BigInt() would refuse the infinities.
  if (value >= 2 ** 63) return around(operator, MAX_INT, MAX_INT + 1n);
  if (value < -(2 ** 63)) return around(operator, MIN_INT - 1n, MIN_INT);
  return around(operator, BigInt(Math.floor(value)), BigInt(Math.ceil(value)));
}

/** `floor` and `ceiling` are the same for a whole number, else its neighbours, which it lies between. */
function around(operator: ComparisonOperator, floor: bigint, ceiling: bigint): readonly Int64Range[] {
  const whole = floor === ceiling;
  switch (operator) {
    case '=':
      return whole ? range(floor, floor) : [];
    case '!=':
      return whole ? [...range(MIN_INT, floor - 1n), ...range(floor + 1n, MAX_INT)] : range(MIN_INT, MAX_INT);
    case '>':
      return range(floor + 1n, MAX_INT);
    case '>=':
      return range(ceiling, MAX_INT);
    case '<':
      return range(MIN_INT, ceiling - 1n);
    case '<=':
      return range(MIN_INT, floor);
    case '=~':
    case '!~':
      return [];
  }
}

function range(min: bigint, max: bigint): readonly Int64Range[] {
  const clamped = { min: min < MIN_INT ? MIN_INT : min, max: max > MAX_INT ? MAX_INT : max };
  return clamped.min > clamped.max ? [] : [clamped];
}
