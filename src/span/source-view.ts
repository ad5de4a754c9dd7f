/**
 * The bytes that are being read, as words: one view serves thousands of look-ups, since decoding is
 * synchronous between two of them.
 */
let viewed: Uint8Array = new Uint8Array(0);
let view: DataView = new DataView(viewed.buffer);

export function viewOf(source: Uint8Array): DataView {
  if (source !== viewed) {
    view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    viewed = source;
  }
  return view;
}

/** Lets go of the last source: a body may be large. */
export function releaseSource(): void {
  viewed = new Uint8Array(0);
  view = new DataView(viewed.buffer);
}
