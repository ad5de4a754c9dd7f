/** For tests that count: how many, in the checks of every change and in the long form of `npm run crash`. */

/** `SPANLAKE_TEST_READS=1000000` for `scaled('reads', ...)`; else what the checks can afford. */
export function scaled(name: string, usually: number): number {
  const text = Bun.env[`SPANLAKE_TEST_${name.toUpperCase()}`];
  if (text === undefined) return usually;
  const wanted = Number(text);
  if (!Number.isSafeInteger(wanted) || wanted < 1)
    throw new Error(`${name}: ${text} is no whole number above 0`);
  return wanted;
}
