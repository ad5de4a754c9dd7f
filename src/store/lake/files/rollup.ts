/**
 * The rollup of a file: counts, errors and durations of its rows by series (service, span name, kind), over
 * the whole file and by steps of time, so that figures over hours need no row. It counts as a scan of the
 * rows does, into the buckets of `read/statistics/histogram.ts`: the figures are the same ones. It stands in the catalog
 * (catalog-rollups.ts). Made by `write/rollup-builder.ts`.
 *
 * Layout: "SLRU", a byte of version, CRC-32 (little endian) of all that follows; then as varints the sizes of
 * two sections, each compressed with zstd and then plain; then the sections.
 *
 * Totals: rows; minutes a step, 0 without steps; count of services, their names; count of span names, these;
 * count of series; for each, ordered by service, name and kind: number of its service, of its name, its kind,
 * bytes of its cell, its cell. Steps: for each series in that order the count of its cells and bytes of them;
 * each cell with the number of its step less that of the cell before it. Steps are numbered from the epoch. A
 * text is its length and UTF-8. The steps' section is empty where every series stands in one step: then the
 * totals are the cells, and behind each total stands the number of its step.
 *
 * A cell: count, errors, zeros (durations of zero and below), the longest duration (high word zigzag, low
 * word), twice the count of its buckets, and 1 more where they stand close together. Those that do: number of
 * the first, how many numbers, the count of each, 0 for a bucket that is none. Others: for each bucket twice
 * the difference of its number to that before, and 1 more where a count follows: of two and more, less 2.
 */
import { crc32 } from 'node:zlib';
import type { Histogram } from '../read/statistics/histogram.ts';

export const ROLLUP_MAGIC = new TextEncoder().encode('SLRU');
export const ROLLUP_VERSION = 1;
/** Magic, version and checksum. */
export const ROLLUP_PREFIX_BYTES = 9;

export const NANOS_PER_MINUTE = 60_000_000_000n;

/** Plain bytes of a section: ten times what the builder's bounds allow. */
const MAX_SECTION_BYTES = 64 * 1024 * 1024;

export interface RollupSeries {
  /** '' for a span without: of a resource that has no service name, or none that is a string. */
  readonly service: string;
  readonly name: string;
  readonly kind: number;
}

/** The rows of one series that start within one step. */
export interface RollupCell {
  readonly series: RollupSeries;
  /** The step is `[startUnixNano, startUnixNano + stepNano)`. */
  readonly startUnixNano: bigint;
  readonly count: number;
  readonly errors: number;
  /** Counts them, with their maximum. Only while `eachCell` shows the cell. */
  readonly addTo: (histogram: Histogram) => void;
}

interface Section {
  readonly bytes: Uint8Array;
  readonly plainBytes: number;
}

/** Damage is told by an exception: whoever meets it scans the file. */
export class Rollup {
  readonly rows: number;
  /** 0n: there are no steps, only totals. */
  readonly stepNano: bigint;
  readonly series: readonly RollupSeries[];
  readonly #totals: Uint8Array;
  /** Where the total of each series begins. */
  readonly #totalAt: Uint32Array;
  readonly #stepsSection: Section;
  #steps: { readonly bytes: Uint8Array; readonly at: Uint32Array } | undefined;

  /** Throws RangeError for bytes that are no rollup, or none of a version that is known here. */
  constructor(data: Uint8Array) {
    const [totals, steps] = sectionsOf(data);
    const reader = new Reader(unpacked(totals));
    this.rows = reader.varint();
    this.stepNano = BigInt(reader.varint()) * NANOS_PER_MINUTE;
    const services = reader.texts();
    const names = reader.texts();
    const count = reader.varint();
    const series: RollupSeries[] = [];
    this.#totalAt = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const service = services[reader.varint()];
      const name = names[reader.varint()];
      series.push({ service, name, kind: reader.varint() });
      const bytes = reader.varint();
      this.#totalAt[i] = reader.at;
      reader.at += bytes;
    }
    this.series = series;
    this.#totals = reader.bytes;
    this.#stepsSection = steps;
  }

  /** Of what it holds in memory, roughly; more once the steps were asked for. */
  get bytesInMemory(): number {
    const plain = this.#totals.length + this.#stepsSection.bytes.length;
    return plain + (this.#steps?.bytes.length ?? 0) + this.series.length * 100;
  }

  /** Adds all rows of a series; the number of those with an error. */
  addTotal(series: number, histogram: Histogram): number {
    const reader = new Reader(this.#totals, this.#totalAt[series]);
    return reader.cell().addTo(histogram);
  }

  /**
   * Calls `use` with the cells whose step lies wholly in `[startUnixNano, endUnixNano)`, of the series that
   * `select` takes, each series in order of time. Nothing when there are no steps.
   */
  eachCell(
    range: { readonly startUnixNano: bigint; readonly endUnixNano: bigint },
    select: (series: RollupSeries) => boolean,
    use: (cell: RollupCell) => void,
  ): void {
    if (this.stepNano === 0n) return;
    const from = Number((range.startUnixNano + this.stepNano - 1n) / this.stepNano);
    const to = Number(range.endUnixNano / this.stepNano);
    this.series.forEach((series, index) => {
      if (!select(series)) return;
      this.#eachStep(index, (step, cell) => {
        if (step < from || step >= to) return;
        const { count, errors } = cell;
        const startUnixNano = BigInt(step) * this.stepNano;
        use({ series, startUnixNano, count, errors, addTo: (histogram) => void cell.addTo(histogram) });
      });
    });
  }

  #eachStep(series: number, use: (step: number, cell: CellReader) => void): void {
    if (this.#stepsSection.plainBytes === 0) {
      const reader = new Reader(this.#totals, this.#totalAt[series]);
      const cell = reader.cell();
      cell.skip();
      use(reader.varint(), cell);
      return;
    }
    const { bytes, at } = (this.#steps ??= this.#readSteps());
    const reader = new Reader(bytes, at[series]);
    const cells = reader.varint();
    reader.varint();
    for (let i = 0, step = 0; i < cells; i++) {
      step += reader.varint();
      const cell = reader.cell();
      cell.skip();
      use(step, cell);
    }
  }

  #readSteps(): { bytes: Uint8Array; at: Uint32Array } {
    const bytes = unpacked(this.#stepsSection);
    const at = new Uint32Array(this.series.length);
    const reader = new Reader(bytes);
    for (let i = 0; i < at.length; i++) {
      at[i] = reader.at;
      reader.varint();
      const size = reader.varint();
      reader.at += size;
    }
    return { bytes, at };
  }
}

function sectionsOf(data: Uint8Array): [totals: Section, steps: Section] {
  if (data.length < ROLLUP_PREFIX_BYTES || ROLLUP_MAGIC.some((byte, i) => data[i] !== byte)) {
    throw new RangeError(`rollup: ${data.length} bytes that are none`);
  }
  if (data[4] !== ROLLUP_VERSION) throw new RangeError(`rollup: version ${data[4]} is not known`);
  const checksum = (data[5] | (data[6] << 8) | (data[7] << 16) | (data[8] << 24)) >>> 0;
  if (crc32(data.subarray(ROLLUP_PREFIX_BYTES)) !== checksum) throw new RangeError('rollup: wrong checksum');
  const reader = new Reader(data, ROLLUP_PREFIX_BYTES);
  const sizes = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
  const stepsAt = reader.at + sizes[0];
  return [
    { bytes: data.slice(reader.at, stepsAt), plainBytes: sizes[1] },
    { bytes: data.slice(stepsAt, stepsAt + sizes[2]), plainBytes: sizes[3] },
  ];
}

function unpacked({ bytes, plainBytes }: Section): Uint8Array {
  if (plainBytes > MAX_SECTION_BYTES) throw new RangeError(`rollup: a section of ${plainBytes} bytes`);
  const plain = Bun.zstdDecompressSync(bytes);
  if (plain.length !== plainBytes) throw new RangeError(`rollup: ${plain.length} bytes of ${plainBytes}`);
  return plain;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reading beyond the end gives NaN or nothing, never other memory: the checksum has ruled it out. */
class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  /** Below 2^53. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
    }
    return value;
  }

  texts(): string[] {
    const count = this.varint();
    return Array.from({ length: count }, () => {
      const length = this.varint();
      this.at += length;
      return decoder.decode(this.bytes.subarray(this.at - length, this.at));
    });
  }

  cell(): CellReader {
    return new CellReader(this);
  }
}

/** A cell whose head was read; then its buckets are passed over, or added as often as one likes. */
class CellReader {
  readonly count: number;
  readonly errors: number;
  readonly #zeros: number;
  readonly #maxHigh: number;
  readonly #maxLow: number;
  readonly #buckets: number;
  readonly #isDense: boolean;
  readonly #at: number;

  constructor(private readonly reader: Reader) {
    this.count = reader.varint();
    this.errors = reader.varint();
    this.#zeros = reader.varint();
    const high = reader.varint();
    this.#maxHigh = high % 2 === 0 ? high / 2 : -(high + 1) / 2;
    this.#maxLow = reader.varint();
    const buckets = reader.varint();
    this.#buckets = buckets >>> 1;
    this.#isDense = buckets % 2 === 1;
    this.#at = reader.at;
  }

  /** Behind its buckets. */
  skip(): void {
    const { reader } = this;
    reader.at = this.#at;
    if (this.#isDense) {
      reader.varint();
      for (let left = reader.varint(); left > 0; left--) reader.varint();
    } else for (let i = 0; i < this.#buckets; i++) if (reader.varint() % 2 === 1) reader.varint();
  }

  /** The number of errors. */
  addTo(histogram: Histogram): number {
    histogram.merge({
      count: this.count,
      zeros: this.#zeros,
      maxHigh: this.#maxHigh,
      maxLow: this.#maxLow,
      parts: [],
    });
    const { bytes } = this.reader;
    if (this.#isDense) addDense(bytes, this.#at, histogram);
    else addSparse(bytes, this.#at, this.#buckets, histogram);
    return this.errors;
  }
}

/** One byte holds most numbers; through `Reader` a bucket takes 25 ns, here 4. */
function addDense(bytes: Uint8Array, from: number, histogram: Histogram): void {
  const reader = new Reader(bytes, from);
  let bucket = reader.varint();
  const end = bucket + reader.varint();
  let { at } = reader;
  while (bucket < end) {
    const part = histogram.part(bucket);
    const mask = part.length - 1;
    const partEnd = Math.min(end, (bucket | mask) + 1);
    for (; bucket < partEnd; bucket++) {
      const first = bytes[at++];
      if (first < 0x80) part[bucket & mask] += first;
      else {
        reader.at = at - 1;
        part[bucket & mask] += reader.varint();
        ({ at } = reader);
      }
    }
  }
}

function addSparse(bytes: Uint8Array, from: number, count: number, histogram: Histogram): void {
  const reader = new Reader(bytes, from);
  for (let i = 0, bucket = 0; i < count; i++) {
    const token = reader.varint();
    bucket += token >>> 1;
    const part = histogram.part(bucket);
    part[bucket & (part.length - 1)] += token % 2 === 1 ? reader.varint() + 2 : 1;
  }
}
