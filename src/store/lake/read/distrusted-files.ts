/** Files that could not be read of late. */

/** A file that could not be read is not tried again for so long: a panic costs a worker. */
const DISTRUST_MS = 60_000;

interface Entry {
  readonly until: number;
  readonly reason: string;
}

export class DistrustedFiles {
  readonly #files = new Map<string, Entry>();
  /** By file and what was asked of it. */
  readonly #questions = new Map<string, Entry>();

  /** `asked`: only who asks the same is kept from the file. */
  add(path: string, reason: string, asked?: string): void {
    const entry = { until: performance.now() + DISTRUST_MS, reason };
    if (asked === undefined) this.#files.set(path, entry);
    else this.#addQuestion(keyOf(path, asked), entry);
  }

  reason(path: string, asked: string): string | undefined {
    return valid(this.#files, path) ?? valid(this.#questions, keyOf(path, asked));
  }

  /** Questions come from outside: those that are over go with each that is added, one in half a minute a worker. */
  #addQuestion(key: string, entry: Entry): void {
    for (const known of this.#questions.keys()) valid(this.#questions, known);
    this.#questions.set(key, entry);
  }
}

function keyOf(path: string, asked: string): string {
  return `${path}\n${asked}`;
}

function valid(entries: Map<string, Entry>, key: string): string | undefined {
  const entry = entries.get(key);
  if (!entry) return undefined;
  if (entry.until > performance.now()) return entry.reason;
  entries.delete(key);
  return undefined;
}
