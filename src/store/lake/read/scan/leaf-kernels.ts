/** The kernel of a condition on one field, by where the block or row group keeps that field. */
import type { BoolVector, TextDictionary, Vector } from '../../../../span/vector.ts';
import type { IntrinsicField, Static } from '../../../../traceql/ast.ts';
import type { Int64Range } from '../../../../traceql/bounds.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import { HIT, MISSING, attributeStates, columnStates, textTests } from './attribute-states.ts';
import type { StateFiller } from './attribute-states.ts';
import { BlockRow } from './block-row.ts';
import { columnOf } from './cells.ts';
import {
  byteStatics,
  codesKernel,
  codesStates,
  doubleStatics,
  int64Statics,
  textStatics,
} from './column-codes.ts';
import type { StaticsOfCode } from './column-codes.ts';
import type { CodedColumn, ColumnSource } from './column-source.ts';
import { boundsOf, covers, narrowToRanges, narrowWords } from './int64-kernel.ts';
import { ALWAYS, NEVER } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import type { Leaf } from './leaf.ts';
import { bytesOfHex, codesOfText } from './texts.ts';
import { kindStatics, statusStatics } from '../../../../traceql/keywords.ts';

/** Undefined when only a row-wise evaluation can tell. */
export function compileLeaf(leaf: Leaf, source: ColumnSource): Kernel | undefined {
  const { field } = leaf;
  if (field.kind === 'intrinsic') return intrinsicKernel(leaf, field, source);
  switch (field.scope) {
    case 'span':
    case 'resource':
      return attributeKernel(leaf, source, field.scope, field.key);
    case 'any':
      return statesKernel(leaf, [
        ...fillersOf(leaf, source, 'span', field.key),
        ...fillersOf(leaf, source, 'resource', field.key),
      ]);
    case 'instrumentation':
      return statesKernel(leaf, mapFillers(leaf, source, 'scope_attributes', field.key));
    case 'event':
      return childrenKernel(leaf, source, 'events');
    case 'link':
      return childrenKernel(leaf, source, 'links');
  }
}

interface Filler {
  readonly cost: number;
  readonly fill: StateFiller;
  /** The same as a kernel, for when it is the only one. */
  readonly alone?: Kernel;
}

function attributeKernel(leaf: Leaf, source: ColumnSource, scope: 'span' | 'resource', key: string): Kernel {
  const name = `${scope}.${key}`;
  const ranges = source.kindOf(name) === 'int64' && !leaf.test([]) ? boundsOf(leaf) : undefined;
  if (ranges) {
    const known = knownByBounds(source, name, ranges);
    if (known) return known;
    if (!source.coded(name)) return int64Kernel(source, name, ranges);
  }
  const isInMap = !source.has(name) && !leaf.test([]);
  if (isInMap && lacksPair(leaf, source, `${scope}_attributes`)) return NEVER;
  return statesKernel(leaf, fillersOf(leaf, source, scope, key));
}

/** A promoted column holds every value that the file has of its key. */
function fillersOf(leaf: Leaf, source: ColumnSource, scope: 'span' | 'resource', key: string): Filler[] {
  const name = `${scope}.${key}`;
  const coded = source.coded(name);
  if (coded) {
    const staticsOf = attributeStatics(coded, source.kindOf(name));
    const alone = codesKernel(source, name, coded, leaf, staticsOf, leaf.test([]));
    return [{ cost: 4, fill: codesStates(source, name, coded, leaf, staticsOf), alone }];
  }
  const own = source.vector(name);
  if (own) {
    const alone = own.kind === 'bool' ? boolKernel(source, name, own, leaf) : undefined;
    return [{ cost: 4, fill: loaded(source, name, columnStates(own, leaf)), ...(alone && { alone }) }];
  }
  return mapFillers(leaf, source, `${scope}_attributes`, key);
}

// selection[row] &= hits[isValid * (1 + value)]: which half of the rows is true would mispredict a branch
function boolKernel(source: ColumnSource, name: string, { values, valid }: BoolVector, leaf: Leaf): Kernel {
  const asked: readonly (readonly Static[])[] = [
    [],
    [{ type: 'bool', value: false }],
    [{ type: 'bool', value: true }],
  ];
  const hits = Uint8Array.from(asked, (statics) => (leaf.test(statics) ? 1 : 0));
  const names = [name];
  return {
    cost: 1,
    leaves: 0.5,
    narrow(selection, from, to) {
      source.load(names, from, to);
      if (!valid) {
        for (let row = from; row < to; row++) selection[row] &= hits[1 + values[row]];
        return;
      }
      for (let row = from; row < to; row++) {
        const isThere = (valid[row >>> 3] >>> (row & 7)) & 1;
        selection[row] &= hits[isThere * (1 + values[row])];
      }
    },
  };
}

function attributeStatics(coded: CodedColumn, kind: Vector['kind'] | undefined): StaticsOfCode {
  if (kind === 'int64') return int64Statics(coded, 'int');
  return kind === 'float64' ? doubleStatics(coded) : textStatics(coded);
}

function loaded(source: ColumnSource, name: string, fill: StateFiller): StateFiller {
  const names = [name];
  return (states, selection, from, to) => {
    source.load(names, from, to);
    fill(states, selection, from, to);
  };
}

/** True when no row can have that key or value: its dictionary tells, which is small next to what it spares. */
function lacks(source: ColumnSource, column: string, part: 'key' | 'value', text: string): boolean {
  const texts = source.mapTexts(column, part);
  return texts !== undefined && !codesOfText(texts, text).includes(1);
}

/** The same of `= "text"`, which needs the key and the value. */
function lacksPair({ comparison, field }: Leaf, source: ColumnSource, column: string): boolean {
  if (field.kind !== 'attribute') return false;
  if (lacks(source, column, 'key', field.key)) return true;
  if (comparison?.operator !== '=' || comparison.literal.type !== 'string') return false;
  const values = source.mapTexts(column, 'value');
  return (
    values !== undefined && !hasArrays(values) && lacks(source, column, 'value', comparison.literal.value)
  );
}

/** The elements of an array stand within one text, its JSON. */
function hasArrays({ count, offsets, bytes }: TextDictionary): boolean {
  for (let code = 0; code < count; code++) {
    if (offsets[code + 1] > offsets[code] && bytes[offsets[code]] === 0x5b) return true;
  }
  return false;
}

function mapFillers(leaf: Leaf, source: ColumnSource, column: string, key: string): Filler[] {
  if (lacks(source, column, 'key', key)) return [];
  const map = source.vector(column);
  if (map?.kind !== 'attributes') return [];
  return [{ cost: map.rowIndex ? 4 : 50, fill: attributeStates(map, key, leaf) }];
}

function statesKernel(leaf: Leaf, fillers: readonly Filler[]): Kernel {
  const matchesMissing = leaf.test([]);
  if (fillers.length === 0) return matchesMissing ? ALWAYS : NEVER;
  if (fillers.length === 1 && fillers[0].alone) return fillers[0].alone;
  let states = new Uint8Array(0);
  return {
    cost: fillers.reduce((sum, filler) => sum + filler.cost, 0),
    leaves: 0.5,
    narrow(selection, from, to) {
      if (states.length < to) states = new Uint8Array(selection.length);
      states.fill(MISSING, from, to);
      for (const filler of fillers) filler.fill(states, selection, from, to);
      for (let row = from; row < to; row++) {
        const state = states[row];
        if (state !== HIT && !(state === MISSING && matchesMissing)) selection[row] = 0;
      }
    },
  };
}

/** Few spans have events or links: those are evaluated one by one, all others have the same answer. */
function childrenKernel(leaf: Leaf, source: ColumnSource, column: 'events' | 'links'): Kernel {
  if (!leaf.test([]) && lacksPair(leaf, source, column)) return NEVER;
  const names = [column, 'start_time_unix_nano'];
  const block = source.block(names);
  const { offsets } = columnOf(block, column, 'list');
  const matchesNone = leaf.test([]);
  if (offsets[source.rows] === offsets[0]) return matchesNone ? ALWAYS : NEVER;
  const row = new BlockRow(block);
  const needsStart = leaf.field.kind === 'intrinsic' && leaf.field.name === 'event:timeSinceStart';
  return {
    cost: 60,
    leaves: 0.2,
    narrow(selection, from, to) {
      if (needsStart) source.load(names, from, to);
      for (let at = from; at < to; at++) {
        if (selection[at] === 0) continue;
        row.row = at;
        const hit = offsets[at] === offsets[at + 1] ? matchesNone : matches(leaf.expression, row);
        if (!hit) selection[at] = 0;
      }
    },
  };
}

function intrinsicKernel(leaf: Leaf, field: IntrinsicField, source: ColumnSource): Kernel | undefined {
  switch (field.name) {
    case 'span:kind':
      return byteKernel(leaf, source, 'kind', kindStatics);
    case 'span:status':
      return byteKernel(leaf, source, 'status_code', statusStatics);
    case 'span:duration': {
      const ranges = boundsOf(leaf);
      const known = ranges && knownByBounds(source, 'duration_nano', ranges);
      if (known) return known;
      const coded = source.coded('duration_nano');
      if (coded) {
        return codesKernel(source, 'duration_nano', coded, leaf, int64Statics(coded, 'duration'), false);
      }
      return ranges && int64Kernel(source, 'duration_nano', ranges);
    }
    case 'span:name':
      return textKernel(leaf, source, 'name');
    case 'span:statusMessage':
      return textKernel(leaf, source, 'status_message');
    case 'instrumentation:name':
      return textKernel(leaf, source, 'scope_name');
    case 'instrumentation:version':
      return textKernel(leaf, source, 'scope_version');
    case 'span:id':
      return idKernel(leaf, source, 'span_id', 8);
    case 'trace:id':
      return idKernel(leaf, source, 'trace_id', 16);
    case 'event:name':
    case 'event:timeSinceStart':
      return childrenKernel(leaf, source, 'events');
    case 'link:traceID':
    case 'link:spanID':
      return childrenKernel(leaf, source, 'links');
    case 'span:parentID':
    case 'span:parent':
    case 'span:childCount':
    case 'trace:duration':
    case 'trace:rootName':
    case 'trace:rootService':
    case 'nestedSetLeft':
    case 'nestedSetRight':
    case 'nestedSetParent':
      return undefined;
  }
}

/** What the least and the largest value tell, before anything is read. */
function knownByBounds(
  source: ColumnSource,
  name: string,
  ranges: readonly Int64Range[],
): Kernel | undefined {
  const bounds = source.bounds(name);
  const all = bounds && covers(ranges, bounds);
  if (all === undefined) return undefined;
  return all ? ALWAYS : NEVER;
}

function int64Kernel(source: ColumnSource, name: string, ranges: readonly Int64Range[]): Kernel {
  const words = source.narrow(name);
  if (words) return narrowKernel(source, name, words, ranges);
  const vector = source.vector(name);
  if (vector?.kind !== 'int64') throw new Error(`column ${name} is ${vector?.kind ?? 'missing'}, not int64`);
  const narrow = narrowToRanges(vector.words, vector.valid, ranges);
  const names = [name];
  return {
    cost: 3,
    leaves: 0.4,
    narrow(selection, from, to) {
      source.load(names, from, to);
      narrow(selection, from, to);
    },
  };
}

function narrowKernel(
  source: ColumnSource,
  name: string,
  words: Uint32Array,
  ranges: readonly Int64Range[],
): Kernel {
  const narrow = narrowWords(words, ranges);
  return {
    cost: 2,
    leaves: 0.4,
    narrow(selection, from, to) {
      source.loadKept(name, from, to);
      narrow(selection, from, to);
    },
  };
}

function byteKernel(
  leaf: Leaf,
  source: ColumnSource,
  name: string,
  staticsOf: (value: number) => readonly Static[],
): Kernel {
  const coded = source.coded(name);
  if (coded) return codesKernel(source, name, coded, leaf, byteStatics(coded, staticsOf), false);
  const { values } = columnOf(source.block([name]), name, 'uint8');
  const hits = Uint8Array.from({ length: 256 }, (_, value) => (leaf.test(staticsOf(value)) ? 1 : 0));
  const names = [name];
  return {
    cost: 1,
    leaves: 0.3,
    narrow(selection, from, to) {
      source.load(names, from, to);
      for (let row = from; row < to; row++) selection[row] &= hits[values[row]];
    },
  };
}

/** A null text of a span is the empty text. */
function textKernel(leaf: Leaf, source: ColumnSource, name: string): Kernel {
  const coded = source.coded(name);
  if (coded) {
    const ofNull = leaf.test([{ type: 'string', value: '' }]);
    return codesKernel(source, name, coded, leaf, textStatics(coded), ofNull);
  }
  const vector = columnOf(source.block([name]), name, 'text');
  const state = textTests(vector, leaf);
  const { codes } = vector;
  const names = [name];
  return {
    cost: 3,
    leaves: 0.2,
    narrow(selection, from, to) {
      source.load(names, from, to);
      for (let row = from; row < to; row++) {
        if (selection[row] !== 0 && state(codes[row]) !== HIT) selection[row] = 0;
      }
    },
  };
}

/** Only `= id`, which is what people ask; other questions about ids are evaluated row by row. */
function idKernel(leaf: Leaf, source: ColumnSource, column: string, width: 8 | 16): Kernel | undefined {
  const { comparison } = leaf;
  if (comparison?.operator !== '=' || comparison.literal.type !== 'string') return undefined;
  const wanted = /[A-F]/.test(comparison.literal.value)
    ? undefined
    : bytesOfHex(comparison.literal.value, width);
  if (!wanted) return NEVER;
  const { bytes } = columnOf(source.block([column]), column, 'fixed');
  const names = [column];
  return {
    cost: 5,
    leaves: 0.001,
    narrow(selection, from, to) {
      source.load(names, from, to);
      for (let row = from; row < to; row++) {
        if (selection[row] === 0) continue;
        const at = row * width;
        for (let i = 0; i < width; i++) {
          if (bytes[at + i] === wanted[i]) continue;
          selection[row] = 0;
          break;
        }
      }
    },
  };
}
