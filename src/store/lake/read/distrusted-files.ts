/** Files that could not be read of late. */

/** A file that could not be read is not tried again for so long: a panic costs a worker. */
const DISTRUST_MS = 60_000;

export class DistrustedFiles {
  readonly #until = new Map<string, { readonly time: number; readonly reason: string }>();

  add(path: string, reason: string): void {
    this.#until.set(path, { time: performance.now() + DISTRUST_MS, reason });
  }

  reason(path: string): string | undefined {
    const entry = this.#until.get(path);
    if (!entry) return undefined;
    if (entry.time > performance.now()) return entry.reason;
    this.#until.delete(path);
    return undefined;
  }
}
