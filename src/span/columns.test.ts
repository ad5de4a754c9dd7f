import { expect, test } from 'bun:test';
import { PairTable } from './attribute-lists.ts';
import { SpanColumns } from './columns.ts';
import { Interner } from './interner.ts';
import { SPANS } from './schema.ts';
import type { FixedVector, TextVector } from './vector.ts';

/** The same numbers every time: xorshift. */
function random(): () => number {
  let state = 0x2545f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

test('an interner gives equal texts one code and different texts different ones', () => {
  const interner = new Interner();
  const known = new Map<string, number>();
  const next = random();
  for (let i = 0; i < 50_000; i++) {
    const text = 'é'.repeat(next() % 3) + 'x'.repeat(next() % 9) + (next() % 20_000).toString(36);
    const code = interner.internText(text);
    expect(code).toBe(known.get(text) ?? known.size);
    known.set(text, code);
  }
  expect(interner.count).toBe(known.size);
  for (const [text, code] of known) if (interner.text(code) !== text) throw new Error(text);
});

test('a dictionary that was handed out stays as it is', () => {
  const interner = new Interner();
  interner.internText('first');
  const before = interner.dictionary();
  expect(interner.dictionary()).toBe(before);
  for (let i = 0; i < 10_000; i++) interner.internText(`text ${i}`);
  expect(before.count).toBe(1);
  expect(new TextDecoder().decode(before.bytes)).toBe('first');
  expect(interner.dictionary().count).toBe(10_001);
});

test('raw attributes of all lengths are told apart, at all offsets', () => {
  const next = random();
  const body = new Uint8Array(100_000).map(() => next() % 3);
  const raw = new PairTable().rawProtobuf;
  const known = new Map<string, number>();
  for (let i = 0; i < 30_000; i++) {
    const start = next() % (body.length - 2_000);
    const length = i % 50 === 0 ? next() % 1_500 : next() % 12;
    const text = String.fromCharCode(...body.subarray(start, start + length));
    const expected = length > 1024 ? undefined : known.get(text);
    const pair = raw.find(body, start, start + length);
    expect(pair).toBe(expected ?? -1);
    if (pair >= 0) continue;
    known.set(text, i);
    raw.add(body, start, start + length, i);
  }
  expect(raw.find(body, 0, 20_000)).toBe(-1);
});

test('the end of a body is not taken for what lay there before', () => {
  const raw = new PairTable().rawProtobuf;
  const long = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(raw.find(long, 0, 9)).toBe(-1);
  raw.add(long, 0, 9, 7);
  for (let end = 1; end < 9; end++) expect(raw.find(long.slice(0, end), 0, end)).toBe(-1);
  expect(raw.find(long.slice(), 0, 9)).toBe(7);
});

test('pairs are one for each key, type and value', () => {
  const pairs = new PairTable();
  const seen = new Map<string, number>();
  const next = random();
  for (let i = 0; i < 20_000; i++) {
    const [key, type, value] = [next() % 20, next() % 8, next() % 200];
    const pair = pairs.pair(key, type, value);
    const name = `${key} ${type} ${value}`;
    expect(pair).toBe(seen.get(name) ?? seen.size);
    seen.set(name, pair);
  }
});

function append(columns: SpanColumns, name: string, start: number): void {
  const row = columns.openRow();
  columns.traceIds.fill(row + 1, row * 16, row * 16 + 16);
  columns.nameCodes[row] = columns.names.internText(name);
  columns.startWords[row * 2] = start;
  columns.resourceCodes[row] = row % 2;
  columns.scopeCodes[row] = 0;
  columns.closeRow();
}

/** Columns with two resources, of the services `a` and `b`, and a scope. */
function withOrigins(): SpanColumns {
  const columns = new SpanColumns(1);
  for (const [i, name] of ['a', 'b'].entries()) {
    columns.resources.open();
    columns.resources.close(i, columns.strings.internText(name));
  }
  columns.scopes.open();
  columns.scopes.close(0);
  return columns;
}

test('a block has every column of the schema, for published rows only', () => {
  const columns = withOrigins();
  append(columns, 'one', 5);
  expect(columns.block().rows).toBe(0);
  columns.publishedRows = 1;
  expect([...columns.block().columns.keys()]).toEqual(SPANS.columns.map((column) => column.name));
  expect(() => columns.block(['nonsense'])).toThrow('spans have no column nonsense');
});

test('a block stays as it is while rows are appended', () => {
  const columns = withOrigins();
  append(columns, 'one', 5);
  columns.publishedRows = 1;
  const { columns: vectors } = columns.block(['trace_id', 'service_name']);
  for (let i = 0; i < 5_000; i++) append(columns, `name ${i}`, i);
  expect([...(vectors.get('trace_id') as FixedVector).bytes]).toEqual(Array.from({ length: 16 }, () => 1));
  expect((vectors.get('service_name') as TextVector).codes).toHaveLength(1);
});

test('room for the rows that are expected is made in one step once there are many', () => {
  const filled = (expectedRows: number) => {
    const columns = new SpanColumns(undefined, undefined, expectedRows);
    columns.resources.open();
    columns.resources.close(0, 0);
    columns.scopes.open();
    columns.scopes.close(0);
    const steps = new Set<number>();
    const pairsSteps = new Set<number>();
    for (let i = 0; i < 50_000; i++) {
      const row = columns.openRow();
      columns.startWords[row * 2] = i;
      for (let key = 0; key < i % 3; key++) columns.attributes.push(columns.pairs.pair(key, 0, i % 7));
      columns.closeRow();
      steps.add(columns.kinds.length);
      pairsSteps.add(columns.attributes.pairs.length);
    }
    columns.publishedRows = columns.rows;
    const many = (seen: Set<number>) => [...seen].filter((length) => length >= 9_216);
    return { rows: many(steps), pairs: many(pairsSteps), block: columns.block() };
  };
  const expected = filled(50_500);
  const doubled = filled(0);
  expect(expected.rows).toEqual([50_500]);
  expect(doubled.rows).toEqual([9_216, 18_432, 36_864, 73_728]);
  expect(expected.pairs.length).toBeLessThan(doubled.pairs.length);
  for (const [name, vector] of doubled.block.columns) {
    expect([name, expected.block.columns.get(name)]).toEqual([name, vector]);
  }
  // Fewer were expected than came.
  expect(filled(20_000).rows).toEqual([20_000, 40_000, 80_000]);
});

test('truncate undoes rows, gathered columns and the range of times', () => {
  const columns = withOrigins();
  append(columns, 'one', 50);
  columns.publishedRows = 1;
  const mark = columns.mark();
  append(columns, 'two', 5);
  append(columns, 'three', 500);
  expect([columns.minStart, columns.maxStart]).toEqual([5n, 500n]);
  const serviceCodes = (): number[] => [
    ...(columns.block(['service_name'], columns.rows).columns.get('service_name') as TextVector).codes,
  ];
  const [a, b] = serviceCodes();
  columns.truncate(mark);
  expect([columns.rows, columns.minStart, columns.maxStart]).toEqual([1, 50n, 50n]);
  append(columns, 'four', 60);
  columns.resourceCodes[1] = 0;
  expect(serviceCodes()).toEqual([a, a]);
  expect(b).not.toBe(a);
  expect(() => columns.truncate({ ...mark, rows: 0 })).toThrow('published');
});
