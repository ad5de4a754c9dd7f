/**
 * Columns for another thread. Large ones stand in shared memory and are read there in place (span/grow.ts); the
 * others are still searched here, so they can't be transferred and are copied.
 */
import type { SpanColumns } from '../../../span/columns.ts';
import { SPANS } from '../../../span/schema.ts';
import type { Block, Vector } from '../../../span/vector.ts';

/** Copying this much takes 1 to 3 ms; then the loop gets its turn. */
const BYTES_BETWEEN_RESTS = 8 * 1024 * 1024;

export interface CopiedBlock {
  readonly block: Block;
  readonly transfer: readonly ArrayBuffer[];
}

/** The published rows of columns that don't change any more. What vectors share (dictionaries, pair tables) the copies share too. */
export async function copyPublished(columns: SpanColumns): Promise<CopiedBlock> {
  const rows = columns.publishedRows;
  const copier = new Copier();
  const copied = new Map<string, Vector>();
  for (const { name } of SPANS.columns) {
    const vector = columns.block([name], rows).columns.get(name);
    if (vector === undefined) throw new Error(`columns without ${name}`);
    copied.set(name, copier.copy(vector));
    await copier.rest();
  }
  return { block: { rows, columns: copied }, transfer: copier.buffers };
}

class Copier {
  readonly buffers: ArrayBuffer[] = [];
  private readonly views = new Map<ArrayBufferLike, Map<string, ArrayBufferView>>();
  private readonly objects = new Map<object, unknown>();
  private bytesSinceRest = 0;

  copy<T>(value: T): T {
    if (ArrayBuffer.isView(value)) return this.copyView(value) as T;
    if (typeof value !== 'object' || value === null) return value;
    const known = this.objects.get(value);
    if (known !== undefined) return known as T;
    const entries = Object.entries(value).map(([key, field]) => [key, this.copy<unknown>(field)]);
    const copy: unknown = Object.fromEntries(entries);
    this.objects.set(value, copy);
    return copy as T;
  }

  async rest(): Promise<void> {
    if (this.bytesSinceRest < BYTES_BETWEEN_RESTS) return;
    this.bytesSinceRest = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** The same stretch of the same buffer is copied once, whichever view shows it. */
  private copyView(view: ArrayBufferView): ArrayBufferView {
    if (view.buffer instanceof SharedArrayBuffer) return view;
    let known = this.views.get(view.buffer);
    if (known === undefined) this.views.set(view.buffer, (known = new Map()));
    const place = `${view.constructor.name} ${view.byteOffset} ${view.byteLength}`;
    const before = known.get(place);
    if (before !== undefined) return before;
    const copy = (view as Uint8Array).slice();
    known.set(place, copy);
    this.buffers.push(copy.buffer);
    this.bytesSinceRest += copy.byteLength;
    return copy;
  }
}
