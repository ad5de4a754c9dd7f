/** The token filters beside the files: headers kept in memory up to a bound, filters asked where they lie. */
import { join } from 'node:path';
import { withFile } from '../../files/checked-chunks.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { tokenIndexPath } from '../../files/names.ts';
import { readTokenHeader, rowGroupMayHave } from '../../files/token-index.ts';
import type { TokenIndexHeader } from '../../files/token-index.ts';
import { anyToken, isMet } from './token-need.ts';
import type { TokenNeed } from './token-need.ts';

/** A header has 4 bytes for some 2,000 spans: 16 MiB are those of more than a billion. */
const MAX_CACHED_BYTES = 16 * 1024 * 1024;

/** Overhead of a header in memory beside its checksums. */
const HEADER_OVERHEAD_BYTES = 1024;

/** A damaged file is tried again, and told again, after so long: it may have been made anew. */
const DISTRUST_MS = 10 * 60_000;

export interface TokenFiltersOptions {
  readonly dataDir: string;
  report(message: string): void;
}

export class TokenFilters {
  readonly #options: TokenFiltersOptions;
  /** Least recently used first. */
  readonly #headers = new Map<string, TokenIndexHeader>();
  /** Damaged ones, and when they are tried again. */
  readonly #distrustedUntil = new Map<string, number>();
  #bytes = 0;

  constructor(options: TokenFiltersOptions) {
    this.#options = options;
  }

  /** Those of the row groups that may hold what is needed. All, when the filters can't be read. */
  rowGroups(file: FileEntry, rowGroups: readonly number[], need: TokenNeed): readonly number[] {
    if (!isWorthAsking(file, need)) return rowGroups;
    const path = join(this.#options.dataDir, tokenIndexPath(file.path));
    if ((this.#distrustedUntil.get(path) ?? 0) > performance.now()) return rowGroups;
    try {
      return withFile(path, (opened) => {
        const header = this.#header(path, () =>
          readTokenHeader(
            opened,
            file.rowGroups.map(({ rows }) => rows),
          ),
        );
        return rowGroups.filter((group) =>
          isMet(need, (token) => rowGroupMayHave(opened, header, group, token)),
        );
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#distrust(path);
      this.#options.report(`${tokenIndexPath(file.path)} is not used, searches read more: ${reason}`);
      return rowGroups;
    }
  }

  #header(path: string, read: () => TokenIndexHeader): TokenIndexHeader {
    const known = this.#headers.get(path);
    if (known !== undefined) {
      this.#headers.delete(path);
      this.#headers.set(path, known);
      return known;
    }
    const header = read();
    this.#keep(path, header);
    return header;
  }

  #keep(path: string, header: TokenIndexHeader): void {
    this.#bytes += HEADER_OVERHEAD_BYTES + header.bytes;
    this.#headers.set(path, header);
    // Files that went are never asked for again: they are the oldest here.
    for (const [oldest, { bytes }] of this.#headers) {
      if (this.#bytes <= MAX_CACHED_BYTES || oldest === path) break;
      this.#headers.delete(oldest);
      this.#bytes -= HEADER_OVERHEAD_BYTES + bytes;
    }
  }

  #distrust(path: string): void {
    const known = this.#headers.get(path);
    if (known) this.#bytes -= HEADER_OVERHEAD_BYTES + known.bytes;
    this.#headers.delete(path);
    const now = performance.now();
    for (const [each, until] of this.#distrustedUntil) if (until <= now) this.#distrustedUntil.delete(each);
    this.#distrustedUntil.set(path, now + DISTRUST_MS);
  }
}

/** A key that more spans have than this many a row group is in nearly all of them: its filter is not asked. */
const COMMON_SPANS_A_ROW_GROUP = 8;

/** Equalities always; keys alone where they are rare enough that a row group may lack them. */
function isWorthAsking(file: FileEntry, need: TokenNeed): boolean {
  if (file.tokenIndexBytes === 0) return false;
  return anyToken(need, ({ token, scope, key }) => {
    if (!token.isPresence) return true;
    const known = file.attributeKeys.find((each) => each.key === key && each.scope === scope);
    return (known?.spanCount ?? 0) < file.rowGroups.length * COMMON_SPANS_A_ROW_GROUP;
  });
}
