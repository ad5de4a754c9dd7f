/** Test support: rows with what a rollup counts, as blocks, and the figures of plain rows. */
import { Interner } from '../../../span/interner.ts';
import type { Block, Vector } from '../../../span/vector.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import { Histogram } from '../read/statistics/histogram.ts';

export interface PlainRow {
  /** Undefined: null. */
  readonly service: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly start: bigint;
  readonly duration: bigint;
  readonly error: boolean;
}

export function blockOf(rows: readonly PlainRow[]): Block {
  const columns = new Map<string, Vector>([
    ['service_name', textColumn(rows.map(({ service }) => service))],
    ['name', textColumn(rows.map(({ name }) => name))],
    ['kind', { kind: 'uint8', values: Uint8Array.from(rows, ({ kind }) => kind) }],
    ['status_code', { kind: 'uint8', values: Uint8Array.from(rows, ({ error }) => (error ? 2 : 0)) }],
    ['start_time_unix_nano', { kind: 'int64', words: wordsOf(rows.map(({ start }) => start)) }],
    ['duration_nano', { kind: 'int64', words: wordsOf(rows.map(({ duration }) => duration)) }],
  ]);
  return { rows: rows.length, columns };
}

function textColumn(texts: readonly (string | undefined)[]): Vector {
  const interner = new Interner();
  const codes = Uint32Array.from(texts, (text) =>
    text === undefined ? NULL_CODE : interner.internText(text),
  );
  return { kind: 'text', codes, dictionary: interner.dictionary() };
}

function wordsOf(values: readonly bigint[]): Uint32Array {
  return new Uint32Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, value)).buffer);
}

export interface PlainFigures {
  readonly count: number;
  readonly errors: number;
  readonly histogram: Histogram;
}

/** By a key of one's own. */
export function figuresBy(
  rows: readonly PlainRow[],
  keyOf: (row: PlainRow) => string,
): Map<string, PlainFigures> {
  const groups = Map.groupBy(rows, keyOf);
  return new Map(
    [...groups].map(([key, group]) => {
      const histogram = new Histogram();
      for (const { duration } of group) {
        const bits = BigInt.asUintN(64, duration);
        histogram.add(Number(bits >> 32n), Number(bits & 0xffffffffn));
      }
      const errors = group.filter(({ error }) => error).length;
      return [key, { count: group.length, errors, histogram }];
    }),
  );
}

/** Comparable: parts that are not there and parts of zeros are alike. */
export function plainHistogram({ count, zeros, maxNano, parts }: Histogram) {
  const counts: [number, number][] = [];
  parts.forEach((part, power) =>
    part?.forEach((value, sub) => {
      if (value > 0) counts.push([power * 64 + sub, value]);
    }),
  );
  return { count, zeros, maxNano, counts };
}
