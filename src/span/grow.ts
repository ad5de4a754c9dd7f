/** Typed arrays that grow by doubling. The old array stays as it was for those who still read it. */

type Growable = Uint8Array | Uint32Array | Int32Array;

/** A copy of `array` with room for at least `needed` elements. */
export function grown<T extends Growable>(array: T, needed: number): T {
  const length = Math.max(needed, array.length * 2);
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array);
  return larger;
}
