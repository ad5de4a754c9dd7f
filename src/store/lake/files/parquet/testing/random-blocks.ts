/** Test support: blocks of a table that has a column of every type, filled at random in several styles. */
import type { TableSchema } from '../../../../../span/schema.ts';
import { NULL_CODE } from '../../../../../span/vector.ts';
import type { Block, TextDictionary, Vector } from '../../../../../span/vector.ts';
import type { PromotedColumn } from '../../file-entry.ts';

export const TABLE: TableSchema = {
  name: 'everything',
  columns: [
    { name: 'group', type: 'id16' },
    { name: 'id', type: 'id8' },
    { name: 'time', type: 'int64' },
    { name: 'small', type: 'uint8' },
    { name: 'count', type: 'uint32' },
    { name: 'title', type: 'text' },
    { name: 'own_attributes', type: 'attributes' },
    { name: 'shared_attributes', type: 'attributes' },
    {
      name: 'parts',
      type: {
        list: [
          { name: 'part_time', type: 'int64' },
          { name: 'part_id', type: 'id8' },
          { name: 'attributes', type: 'attributes' },
          { name: 'part_count', type: 'uint32' },
          { name: 'part_title', type: 'text' },
        ],
      },
    },
  ],
  timeColumn: 'time',
  groupColumn: 'group',
  identityColumns: ['id'],
  versionColumn: 'time',
  promoted: [],
};

export const PROMOTED: readonly PromotedColumn[] = [
  { name: 'own.quo"te\'s', type: 'string' },
  { name: 'own.ключ.', type: 'int' },
  { name: 'own. ', type: 'double' },
  { name: 'own.', type: 'bool' },
];

export interface Style {
  readonly seed: number;
  readonly rows: number;
  /** Distinct values to draw from; 1 makes a column constant. */
  readonly distinct: number;
  /** Share of nulls, where a column may have them. */
  readonly nulls: number;
  /** Entries a list has at most. */
  readonly entries: number;
  /** Neighbours are equal this often. */
  readonly repeats: number;
}

const TEXTS = ['', 'a', '\0', "it's", '"', '\\', 'ключ', '\u{1f600}', 'a\ufeff', 'x'.repeat(70), '%s\n'];
const INT64S = [
  0n,
  1n,
  -1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  1_700_000_000_000_000_000n,
  2n ** 32n,
  -(2n ** 31n),
];
const DOUBLES = [0, -0, Number.NaN, Infinity, -Infinity, 0.1, 5e-324, 1.7e308, 500, -1];
const UINT32S = [0, 1, 255, 65_536, 0x7fffffff, 0x80000000, 0xffffffff];

/** The same style makes the same block. */
export function randomBlock(style: Style): Block {
  const random = new Random(style);
  const { rows } = style;
  const columns = new Map<string, Vector>([
    ['group', random.fixed(16, rows)],
    ['id', random.fixed(8, rows)],
    ['time', random.int64(rows, 0)],
    ['small', { kind: 'uint8', values: Uint8Array.from(random.picks(rows), (n) => n % 256) }],
    ['count', random.uint32(rows)],
    ['title', random.text(rows, 0)],
    ['own_attributes', random.attributes(rows, 'plain')],
    ['shared_attributes', random.attributes(rows, 'shared')],
    ['parts', random.parts(rows)],
    [PROMOTED[0].name, random.text(rows, style.nulls)],
    [PROMOTED[1].name, random.int64(rows, style.nulls)],
    [PROMOTED[2].name, random.double(rows)],
    [PROMOTED[3].name, random.bool(rows)],
  ]);
  return { rows, columns };
}

export function dictionaryOf(texts: readonly string[]): TextDictionary {
  const bytes = texts.map((text) => Buffer.from(text));
  const offsets = new Uint32Array(texts.length + 1);
  bytes.forEach((text, i) => (offsets[i + 1] = offsets[i] + text.length));
  return { count: texts.length, offsets, bytes: new Uint8Array(Buffer.concat(bytes)) };
}

class Random {
  #state: number;
  readonly #dictionary: TextDictionary;

  constructor(readonly style: Style) {
    this.#state = style.seed | 0;
    const texts = Array.from({ length: style.distinct }, (_, n) => `${TEXTS[n % TEXTS.length]}/${n}`);
    this.#dictionary = dictionaryOf([...TEXTS, ...texts]);
  }

  below(bound: number): number {
    this.#state = (Math.imul(this.#state, 0x5851f42d) + 0x14057b7f) | 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 13)) >>> 0) % bound;
  }

  isTrue(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000;
  }

  /** Numbers below `distinct`, neighbours equal now and then. */
  picks(count: number): number[] {
    let last = this.below(this.style.distinct);
    return Array.from({ length: count }, () => {
      if (!this.isTrue(this.style.repeats)) last = this.below(this.style.distinct);
      return last;
    });
  }

  valid(count: number, nulls = this.style.nulls): Uint8Array | undefined {
    if (nulls === 0) return undefined;
    const bits = new Uint8Array((count + 7) >>> 3);
    for (let row = 0; row < count; row++) if (!this.isTrue(nulls)) bits[row >>> 3] |= 1 << (row & 7);
    return bits;
  }

  fixed(width: 8 | 16, count: number): Vector {
    const bytes = new Uint8Array(count * width);
    const view = new DataView(bytes.buffer);
    this.picks(count).forEach((pick, row) => {
      if (this.isTrue(this.style.nulls)) return;
      view.setUint32(row * width, Math.imul(pick, 0x9e3779b1));
      view.setUint32(row * width + width - 4, pick + 1, true);
    });
    return { kind: 'fixed', width, bytes };
  }

  int64(count: number, nulls: number): Vector {
    const values = this.picks(count).map((pick) =>
      pick < INT64S.length ? INT64S[pick] : BigInt(pick) * 1_000_003n - 500n,
    );
    const words = new Uint32Array(BigInt64Array.from(values).buffer);
    const valid = this.valid(count, nulls);
    return { kind: 'int64', words, ...(valid ? { valid } : {}) };
  }

  uint32(count: number): Vector {
    const values = this.picks(count).map((pick) => (pick < UINT32S.length ? UINT32S[pick] : pick));
    return { kind: 'uint32', values: Uint32Array.from(values) };
  }

  double(count: number): Vector {
    const values = this.picks(count).map((pick) => (pick < DOUBLES.length ? DOUBLES[pick] : pick / 7));
    const valid = this.valid(count);
    return { kind: 'float64', values: Float64Array.from(values), ...(valid ? { valid } : {}) };
  }

  bool(count: number): Vector {
    const valid = this.valid(count);
    const values = Uint8Array.from(this.picks(count), (pick) => pick & 1);
    return { kind: 'bool', values, ...(valid ? { valid } : {}) };
  }

  text(count: number, nulls: number): Vector {
    const codes = this.picks(count).map((pick) =>
      this.isTrue(nulls) ? NULL_CODE : pick % this.#dictionary.count,
    );
    return { kind: 'text', codes: Uint32Array.from(codes), dictionary: this.#dictionary };
  }

  /** In each of the forms that such a vector may have. */
  attributes(count: number, form: 'plain' | 'pairs' | 'shared'): Vector {
    const lists = form === 'shared' ? 3 : count;
    const offsets = this.offsets(lists);
    const entries = offsets[lists];
    const pairs = form === 'plain' ? entries : this.style.distinct;
    return {
      kind: 'attributes',
      offsets,
      ...(form === 'shared' ? { rowIndex: Uint32Array.from({ length: count }, () => this.below(3)) } : {}),
      ...(form === 'plain' ? {} : { pairs: Uint32Array.from(this.picks(entries)) }),
      keys: Uint32Array.from({ length: pairs }, () => this.below(this.#dictionary.count)),
      keyDictionary: this.#dictionary,
      types: Uint8Array.from({ length: pairs }, () => this.below(8)),
      values: Uint32Array.from({ length: pairs }, () => this.below(this.#dictionary.count)),
      valueDictionary: this.#dictionary,
    };
  }

  parts(count: number): Vector {
    const offsets = this.offsets(count);
    const elements = offsets[count];
    const children = {
      part_time: this.int64(elements, 0),
      part_id: this.fixed(8, elements),
      attributes: this.attributes(elements, 'pairs'),
      part_count: this.uint32(elements),
      part_title: this.text(elements, 0),
    };
    return { kind: 'list', offsets, children };
  }

  offsets(lists: number): Uint32Array {
    const offsets = new Uint32Array(lists + 1);
    for (let list = 0; list < lists; list++) {
      const isEmpty = this.isTrue(this.style.nulls);
      offsets[list + 1] = offsets[list] + (isEmpty ? 0 : this.below(this.style.entries + 1));
    }
    return offsets;
  }
}
