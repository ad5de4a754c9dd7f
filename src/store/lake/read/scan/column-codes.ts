/**
 * Conditions on a column that is kept as codes: each distinct value is tested, then codes are looked up. A column
 * whose dictionary has no hit, or nothing but hits, is not read at all.
 */
import type { Static } from '../../../../traceql/ast.ts';
import type { ColumnDictionary } from '../../files/column-flat.ts';
import type { CodeArray } from '../../files/parquet/page-codes.ts';
import { HIT, MISSING, NO_HIT } from './attribute-states.ts';
import type { StateFiller, ValueTest } from './attribute-states.ts';
import type { CodedColumn, ColumnSource } from './column-source.ts';
import { ALWAYS, NEVER, areFew, fewScratch, listFew } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import { Texts, equalsBytes } from './texts.ts';

/** What a value of the column is to TraceQL. */
export type StaticsOfCode = (code: number) => readonly Static[];

/** More distinct values are tested when a row first has them: to test 15,000 against a pattern takes 5 ms. */
const MAX_TESTED_AHEAD = 1024;

/** By code: HIT, NO_HIT, or 0 while it is not known; behind them that of a null. */
class CodeStates {
  readonly states: Uint8Array;
  /** All are known. */
  readonly isWhole: boolean;
  readonly #test: (code: number) => boolean;

  constructor(column: CodedColumn, leaf: ValueTest, staticsOf: StaticsOfCode, ofMissing: number) {
    const { dictionary, missing } = column;
    this.states = new Uint8Array(missing + 1);
    const byBytes = equalityTest(dictionary, leaf);
    this.#test = byBytes ?? ((code) => leaf.test(staticsOf(code)));
    this.isWhole = byBytes !== undefined || missing <= MAX_TESTED_AHEAD;
    if (this.isWhole) for (let code = 0; code < missing; code++) this.state(code);
    this.states[missing] = ofMissing;
  }

  state(code: number): number {
    const known = this.states[code];
    if (known !== 0) return known;
    return (this.states[code] = this.#test(code) ? HIT : NO_HIT);
  }
}

/** `= "text"` compares bytes: no text is decoded. */
function equalityTest(
  dictionary: ColumnDictionary,
  { comparison }: ValueTest,
): ((code: number) => boolean) | undefined {
  if (dictionary.kind !== 'text' || comparison?.literal.type !== 'string') return undefined;
  if (comparison.operator !== '=' && comparison.operator !== '!=') return undefined;
  const wanted = new TextEncoder().encode(comparison.literal.value);
  const isEqual = comparison.operator === '=';
  return (code) => equalsBytes(dictionary.texts, code, wanted) === isEqual;
}

/** Keeps the rows whose value passes; `matchesMissing`: those without a value too. */
export function codesKernel(
  source: ColumnSource,
  name: string,
  column: CodedColumn,
  leaf: ValueTest,
  staticsOf: StaticsOfCode,
  matchesMissing: boolean,
): Kernel {
  const { missing, hasMissing, codes } = column;
  const states = new CodeStates(column, leaf, staticsOf, matchesMissing ? HIT : NO_HIT);
  if (!states.isWhole) return lazyKernel(source, name, codes, states);
  const hits = states.states.map((state) => (state === HIT ? 1 : 0));
  const counted = hasMissing ? hits : hits.subarray(0, missing);
  const passing = counted.reduce((sum, hit) => sum + hit, 0);
  if (passing === 0) return NEVER;
  if (passing === counted.length) return ALWAYS;
  return {
    cost: 1,
    leaves: passing / counted.length,
    narrow(selection, from, to) {
      const constant = source.loadKept(name, from, to);
      if (constant === undefined) keepHits(codes, hits, selection, from, to);
      else if (hits[constant] === 0) selection.fill(0, from, to);
    },
    set(selection, from, to) {
      const constant = source.loadKept(name, from, to);
      if (constant === undefined) setHits(codes, hits, selection, from, to);
      else selection.fill(hits[constant], from, to);
    },
  };
}

function lazyKernel(source: ColumnSource, name: string, codes: CodeArray, states: CodeStates): Kernel {
  return {
    cost: 20,
    leaves: 0.5,
    narrow(selection, from, to) {
      source.loadKept(name, from, to);
      for (let row = from; row < to; row++) {
        if (selection[row] !== 0 && states.state(codes[row]) !== HIT) selection[row] = 0;
      }
    },
  };
}

/** The states of an attribute's own column, for those that may stand in several places. */
export function codesStates(
  source: ColumnSource,
  name: string,
  column: CodedColumn,
  leaf: ValueTest,
  staticsOf: StaticsOfCode,
): StateFiller {
  const { codes, missing } = column;
  const known = new CodeStates(column, leaf, staticsOf, NO_HIT);
  return (states, selection, from, to) => {
    source.loadKept(name, from, to);
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING || codes[row] === missing) continue;
      states[row] = known.state(codes[row]);
    }
  };
}

export function textStatics({ dictionary }: CodedColumn): StaticsOfCode {
  if (dictionary.kind !== 'text') throw new Error('texts without a dictionary of texts');
  const texts = new Texts(dictionary.texts);
  return (code) => [{ type: 'string', value: texts.get(code) }];
}

/** Of whole numbers up to 32 bits; the column is a `uint8`. */
export function byteStatics(
  { dictionary }: CodedColumn,
  staticsOf: (value: number) => readonly Static[],
): StaticsOfCode {
  const view = viewOf(dictionary);
  return (code) => staticsOf(view.getUint32(code * 4, true));
}

export function int64Statics({ dictionary }: CodedColumn, type: 'int' | 'duration'): StaticsOfCode {
  const view = viewOf(dictionary);
  return (code) => [{ type, value: view.getBigInt64(code * 8, true) }];
}

export function doubleStatics({ dictionary }: CodedColumn): StaticsOfCode {
  const view = viewOf(dictionary);
  return (code) => [{ type: 'float', value: view.getFloat64(code * 8, true) }];
}

function viewOf(dictionary: ColumnDictionary): DataView {
  if (dictionary.kind === 'text') throw new Error('numbers with a dictionary of texts');
  return new DataView(dictionary.bytes.buffer, dictionary.bytes.byteOffset, dictionary.bytes.length);
}

// selection[row] &= hits[codes[row]], once for each kind of array. Where few rows are left, four that are not
// selected are passed over at once.
function keepHits(codes: CodeArray, hits: Uint8Array, selection: Uint8Array, from: number, to: number): void {
  if (areFew(selection, from, to)) keepFew(codes, hits, selection, from, to);
  else if (codes instanceof Uint8Array) keepHits8(codes, hits, selection, from, to);
  else if (codes instanceof Uint16Array) keepHits16(codes, hits, selection, from, to);
  else keepHits32(codes, hits, selection, from, to);
}

function keepHits8(codes: Uint8Array, hits: Uint8Array, selection: Uint8Array, from: number, to: number) {
  for (let row = from; row < to; row++) selection[row] &= hits[codes[row]];
}

function keepHits16(codes: Uint16Array, hits: Uint8Array, selection: Uint8Array, from: number, to: number) {
  for (let row = from; row < to; row++) selection[row] &= hits[codes[row]];
}

function keepHits32(codes: Uint32Array, hits: Uint8Array, selection: Uint8Array, from: number, to: number) {
  for (let row = from; row < to; row++) selection[row] &= hits[codes[row]];
}

function keepFew(codes: CodeArray, hits: Uint8Array, selection: Uint8Array, from: number, to: number): void {
  const list = fewScratch(to - from);
  const count = listFew(selection, from, to, list);
  for (let i = 0; i < count; i++) if (hits[codes[list[i]]] === 0) selection[list[i]] = 0;
}

// selection[row] = hits[codes[row]]
function setHits(codes: CodeArray, hits: Uint8Array, selection: Uint8Array, from: number, to: number): void {
  if (codes instanceof Uint8Array) setHits8(codes, hits, selection, from, to);
  else if (codes instanceof Uint16Array) setHits16(codes, hits, selection, from, to);
  else setHits32(codes, hits, selection, from, to);
}

function setHits8(codes: Uint8Array, hits: Uint8Array, selection: Uint8Array, from: number, to: number) {
  for (let row = from; row < to; row++) selection[row] = hits[codes[row]];
}

function setHits16(codes: Uint16Array, hits: Uint8Array, selection: Uint8Array, from: number, to: number) {
  for (let row = from; row < to; row++) selection[row] = hits[codes[row]];
}

function setHits32(codes: Uint32Array, hits: Uint8Array, selection: Uint8Array, from: number, to: number) {
  for (let row = from; row < to; row++) selection[row] = hits[codes[row]];
}
