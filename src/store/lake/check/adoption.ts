/**
 * Which Parquet files that no catalog lists are spans that count. Pure: told from names, footers and the log.
 * A rewrite's footer names its inputs, so that a file and what was made of it are never both counted.
 */

/** A Parquet file that can be read. */
export interface FoundFile {
  readonly path: string;
  readonly level: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Paths, from its footer; none for a file as flushed. */
  readonly inputs: readonly string[];
}

export interface AdoptionQuestion {
  /** Sound files that the catalog lists. */
  readonly listed: readonly FoundFile[];
  /** Sound files that it does not, garbage of rewrites included. */
  readonly found: readonly FoundFile[];
  /** Every path that the catalog lists, of missing and damaged files too. */
  readonly listedPaths: ReadonlySet<string>;
  /** What the catalog knows as garbage: removed, replaced, or written by a rewrite that it did not see end. */
  readonly garbage: ReadonlySet<string>;
  /** Of the catalog, 0 for a lost one. */
  readonly flushedThrough: number;
  /** Sequences of sound frames in the log. */
  readonly logged: readonly number[];
}

export interface Adoption {
  readonly adopt: readonly FoundFile[];
  readonly setAside: readonly { readonly path: string; readonly reason: string }[];
  /** Listed paths, present or not, whose spans stand in an adopted or listed rewrite. */
  readonly replaced: readonly string[];
  /** The log counts for nothing up to here. */
  readonly flushedThrough: number;
}

export function planAdoption(question: AdoptionQuestion): Adoption {
  const { listed, found, garbage, listedPaths } = question;
  const present = new Map([...listed, ...found].map((file) => [file.path, file]));
  const isListed = new Set(listed.map(({ path }) => path));
  const setAside: { path: string; reason: string }[] = [];
  const aside = (file: FoundFile, reason: string) => {
    setAside.push({ path: file.path, reason });
    present.delete(file.path);
  };
  // A rewrite that the catalog did not see end was committed later if its inputs went.
  for (const file of found) {
    if (!garbage.has(file.path)) continue;
    const begun = file.inputs.length > 0 && file.inputs.every((path) => listedPaths.has(path));
    const ended = begun && !file.inputs.every((path) => isListed.has(path));
    if (!ended) aside(file, begun ? 'is of a rewrite that was not committed' : 'was removed or replaced');
  }
  const inputs = new Set([...present.values()].flatMap((file) => file.inputs));
  for (const file of found) {
    if (present.has(file.path) && inputs.has(file.path)) aside(file, 'its spans stand in a file made of it');
  }
  const committed = committedThrough(question, [...present.values()]);
  for (const file of found) {
    if (!present.has(file.path) || file.level > 0 || file.lastSequence <= committed) continue;
    aside(file, 'its spans are in the log');
  }
  return {
    adopt: found.filter(({ path }) => present.has(path)),
    setAside,
    replaced: [...listedPaths].filter((path) => inputs.has(path)),
    flushedThrough: committed,
  };
}

/**
 * Flushes are committed in order and drop their log afterwards. So a flushed file without a frame in the log
 * was committed, and so was all before it; and only committed files are rewritten.
 */
function committedThrough({ flushedThrough, logged }: AdoptionQuestion, files: readonly FoundFile[]): number {
  let committed = flushedThrough;
  for (const { level, firstSequence, lastSequence } of files) {
    const inLog = logged.some((sequence) => sequence >= firstSequence && sequence <= lastSequence);
    if (level > 0 || !inLog) committed = Math.max(committed, lastSequence);
  }
  return committed;
}
