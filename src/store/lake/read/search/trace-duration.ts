/** How long a trace took, by its first start and last end. */
const MAX_INT64 = (1n << 63n) - 1n;

/** Last end minus first start; more than 292 years, either way, are 292 years. */
export function traceDuration(
  spans: readonly { readonly startTimeUnixNano: bigint; readonly durationNano: bigint }[],
): bigint {
  if (spans.length === 0) return 0n;
  let first = spans[0].startTimeUnixNano;
  let last = 0n;
  for (const { startTimeUnixNano, durationNano } of spans) {
    const end = BigInt.asUintN(64, startTimeUnixNano + durationNano);
    if (startTimeUnixNano < first) first = startTimeUnixNano;
    if (end > last) last = end;
  }
  return durationOf(first, last);
}

/** From a first start to a last end. */
export function durationOf(first: bigint, last: bigint): bigint {
  const duration = last - first;
  if (duration > MAX_INT64) return MAX_INT64;
  return duration < -MAX_INT64 ? -MAX_INT64 : duration;
}
