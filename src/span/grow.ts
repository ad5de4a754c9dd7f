/** Typed arrays that grow by doubling. The old array stays as it was for those who still read it. */

type Growable = Uint8Array | Uint32Array | Int32Array;

/** A copy of `array` with room for at least `needed` elements. */
export function grown<T extends Growable>(array: T, needed: number): T {
  const length = Math.max(needed, array.length * 2);
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array);
  return larger;
}

/** Smaller ones are copied to other threads in no time, and a shared buffer costs more to make. */
const SHARED_BYTES = 64 * 1024;

/**
 * The same, from SHARED_BYTES on in memory that other threads read in place: what a buffer of spans grows to stands
 * there once, also while it is written to files. As fast to read and to write.
 */
export function grownShared<T extends Growable>(array: T, needed: number): T {
  const length = Math.max(needed, array.length * 2);
  const bytes = length * array.BYTES_PER_ELEMENT;
  if (bytes < SHARED_BYTES) return grown(array, needed);
  const larger = new (array.constructor as new (memory: SharedArrayBuffer) => T)(
    new SharedArrayBuffer(bytes),
  );
  larger.set(array);
  return larger;
}
