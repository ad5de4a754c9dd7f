/** One leaf of one row group: its dictionary page and data pages, compressed where that pays. */
import { ByteWriter } from './bytes.ts';
import { TextCoder } from './dictionary.ts';
import { ENCODINGS, encodersOf } from './encodings.ts';
import type { ValueEncoder } from './encodings.ts';
import type { LevelPage } from './levels.ts';
import type { PageLocation } from './offset-index.ts';
import { writePageHeader } from './page-header.ts';
import type { PageHeader } from './page-header.ts';
import type { Leaf } from './schema.ts';
import type { LeafColumn } from './shred.ts';
import { boundsOf } from './statistics.ts';
import type { ChunkStatistics } from './statistics.ts';
import type { LeafValues } from './values.ts';

/** By the numbers of the Parquet specification. */
export const CODECS = { none: 0, zstd: 6 } as const;

/**
 * Readers step over pages by their headers, so that a point read decodes one page of each column, however large the
 * row group. A page costs 30 bytes and a call of zstd.
 */
const PAGE_ROWS = 16_384;
/** Pages of long texts have fewer rows. */
const PAGE_BYTES = 1 << 20;
/** Less is left as it is: a call of zstd costs 3 us. */
const MIN_COMPRESSED_BYTES = 64;
/** Random ids don't shrink: then neither writer nor readers shall try. */
const WORTHWHILE = 0.99;
/** Row groups of a file are alike: all encodings of a leaf are tried in one of so many. */
const TRIED_EVERY = 8;
/** zstd's, of data pages of some size: on codes level 3 takes three times as long, and its result is larger. */
const DATA_LEVEL = 1;
const SMALL_BYTES = 12_288;

/** What the footer says of a column chunk. Offsets are from the file's begin. */
export interface ChunkMetadata {
  readonly encodings: readonly number[];
  readonly codec: (typeof CODECS)[keyof typeof CODECS];
  /** Nulls and empty lists count. */
  readonly slots: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly dictionaryOffset: number | undefined;
  /** Data pages, at least one. */
  readonly pages: readonly PageLocation[];
  readonly statistics: ChunkStatistics;
}

/** Where bytes go, one behind the other. */
export interface ChunkSink {
  readonly position: number;
  write(bytes: Uint8Array): void;
}

/** The bytes of a page, as they are and, where it was tried, compressed. */
interface Body {
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly packed: Uint8Array | undefined;
}

/** An encoder with what was made to find out how well it does. */
interface Trial {
  readonly encoder: ValueEncoder;
  readonly dictionary: Body | undefined;
  readonly rowsPerPage: number;
  readonly firstPage: Body;
  readonly size: number;
}

/** Which encoder was best for a leaf, and for how many row groups that is taken for granted. */
interface Known {
  readonly way: ValueEncoder['way'];
  left: number;
}

export class ChunkEncoder {
  readonly #coder = new TextCoder();
  readonly #out = new ByteWriter();
  readonly #header = new ByteWriter();
  readonly #best = new Map<Leaf, Known>();

  /** `level`: zstd's, of dictionaries and of texts without one. */
  constructor(private readonly level: number) {}

  /** Leaves are told apart as objects: those of a file come again in each of its row groups. */
  write(leaf: Leaf, column: LeafColumn, sink: ChunkSink): ChunkMetadata {
    const { levels, values } = column;
    const { encoders, distinctTexts } = encodersOf(leaf.type, values, this.#coder);
    const { encoder, dictionary, firstPage, rowsPerPage } = this.#trialOf(leaf, encoders, column);
    const isPacked = isWorthwhile([firstPage, ...(dictionary ? [dictionary] : [])]);
    const start = sink.position;
    let uncompressedBytes = 0;
    const put = ({ raw, packed }: Body, kind: PageHeader['kind'], slots: number, encoding: number) => {
      const level = kind === 'dictionary' ? this.level : this.#levelOf(encoder, values, raw);
      const stored = isPacked ? (packed ?? compressed(raw, level)) : raw;
      uncompressedBytes += this.#page(sink, { kind, slots, encoding, rawBytes: raw.length }, stored);
      uncompressedBytes += raw.length;
    };
    if (dictionary !== undefined) {
      put(dictionary, 'dictionary', encoder.dictionary?.count ?? 0, ENCODINGS.plain);
    }
    const pages: PageLocation[] = [];
    for (const [i, page] of levels.pages(rowsPerPage).entries()) {
      const body = i === 0 ? firstPage : { raw: this.#encode(encoder, page), packed: undefined };
      const offset = sink.position;
      put(body, 'data', page.slots, encoder.encoding);
      pages.push({ offset, bytes: sink.position - offset, firstRow: i * rowsPerPage });
    }
    const bounds = boundsOf(leaf.type, values, distinctTexts);
    return {
      encodings: [...new Set([...(dictionary ? [ENCODINGS.plain] : []), ENCODINGS.rle, encoder.encoding])],
      codec: isPacked ? CODECS.zstd : CODECS.none,
      slots: levels.slots,
      uncompressedBytes,
      compressedBytes: sink.position - start,
      dictionaryOffset: dictionary === undefined ? undefined : start,
      pages,
      statistics: { nulls: levels.slots - levels.values, bounds },
    };
  }

  #trialOf(leaf: Leaf, encoders: readonly ValueEncoder[], column: LeafColumn): Trial {
    if (encoders.length === 1) return this.#smallest(encoders, column);
    const known = this.#best.get(leaf);
    const again = encoders.find(({ way }) => way === known?.way);
    if (known !== undefined && known.left > 0 && again !== undefined) {
      known.left--;
      return this.#smallest([again], column);
    }
    const trial = this.#smallest(encoders, column);
    this.#best.set(leaf, { way: trial.encoder.way, left: TRIED_EVERY - 1 });
    return trial;
  }

  /** The encoder that is smallest on the first page, its dictionary counted in proportion. */
  #smallest(encoders: readonly ValueEncoder[], column: LeafColumn): Trial {
    let dictionary: { readonly of: ValueEncoder['dictionary']; readonly body: Body } | undefined;
    let best: Trial | undefined;
    for (const encoder of encoders) {
      if (encoder.dictionary !== undefined && dictionary?.of !== encoder.dictionary) {
        this.#out.clear();
        encoder.dictionary.write(this.#out);
        dictionary = { of: encoder.dictionary, body: tried(this.#out.copy(), this.level) };
      }
      const own = encoder.dictionary === undefined ? undefined : dictionary?.body;
      const rowsPerPage = rowsPerPageOf(encoder, column);
      const page = column.levels.pages(rowsPerPage)[0];
      this.#encode(encoder, page);
      const raw = this.#out.copy();
      const firstPage = tried(raw, this.#levelOf(encoder, column.values, raw));
      const share = page.rows / column.levels.rows;
      const size = packedBytes(firstPage) / share + (own === undefined ? 0 : packedBytes(own));
      const trial = { encoder, dictionary: own, rowsPerPage, firstPage, size };
      if (best === undefined || trial.size < best.size) best = trial;
    }
    if (best === undefined) throw new Error('a column without an encoding');
    return best;
  }

  /** Until the next page. */
  #encode(encoder: ValueEncoder, page: LevelPage): Uint8Array<ArrayBuffer> {
    this.#out.clear();
    this.#out.raw(page.bytes);
    encoder.write(this.#out, page.from, page.to);
    return this.#out.view();
  }

  #levelOf(encoder: ValueEncoder, values: LeafValues, { length }: Uint8Array): number {
    const isText = values.kind === 'text' && encoder.dictionary === undefined;
    return isText || length <= SMALL_BYTES ? this.level : DATA_LEVEL;
  }

  /** The bytes of the header. */
  #page(sink: ChunkSink, header: PageHeader, stored: Uint8Array): number {
    this.#header.clear();
    writePageHeader(this.#header, header, stored);
    sink.write(this.#header.view());
    sink.write(stored);
    return this.#header.length;
  }
}

function tried(raw: Uint8Array<ArrayBuffer>, level: number): Body {
  return { raw, packed: raw.length >= MIN_COMPRESSED_BYTES ? compressed(raw, level) : undefined };
}

/** Bun's call takes two thirds of the time of node:zlib's. */
function compressed(raw: Uint8Array<ArrayBuffer>, level: number): Uint8Array {
  return Bun.zstdCompressSync(raw, { level });
}

function packedBytes({ raw, packed }: Body): number {
  return packed?.length ?? raw.length;
}

/** A constant column is one page; so is one without any value. */
function rowsPerPageOf(encoder: ValueEncoder, { levels }: LeafColumn): number {
  if (encoder.dictionary?.count === 1 || levels.values === 0) return levels.rows;
  const bytesPerRow = ((encoder.meanBytes ?? 8) * levels.values) / levels.rows;
  return Math.min(PAGE_ROWS, Math.max(1, Math.floor(PAGE_BYTES / bytesPerRow)));
}

function isWorthwhile(bodies: readonly Body[]): boolean {
  let raw = 0;
  let packed = 0;
  for (const body of bodies) {
    raw += body.raw.length;
    packed += packedBytes(body);
  }
  return packed < raw * WORTHWHILE;
}
