/** The kernel of a condition on one field, by where the block keeps that field. */
import type { Block } from '../../../span/vector.ts';
import type { IntrinsicField, Static } from '../../../traceql/ast.ts';
import { matches } from '../../../traceql/evaluate.ts';
import { HIT, MISSING, attributeStates, columnStates, textTests } from './attribute-states.ts';
import type { StateFiller } from './attribute-states.ts';
import { BlockRow, kindStatics, statusStatics } from './block-row.ts';
import { columnOf } from './cells.ts';
import { boundsOf, narrowToRanges } from './int64-kernel.ts';
import { ALWAYS, NEVER } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import type { Leaf } from './leaf.ts';
import { bytesOfHex } from './texts.ts';

/** Undefined when only a row-wise evaluation can tell. */
export function compileLeaf(leaf: Leaf, block: Block): Kernel | undefined {
  const { field } = leaf;
  if (field.kind === 'intrinsic') return intrinsicKernel(leaf, field, block);
  switch (field.scope) {
    case 'span':
    case 'resource':
      return attributeKernel(leaf, block, field.scope, field.key);
    case 'any':
      return statesKernel(leaf, [
        ...fillersOf(leaf, block, 'span', field.key),
        ...fillersOf(leaf, block, 'resource', field.key),
      ]);
    case 'instrumentation':
      return statesKernel(leaf, mapFillers(leaf, block, 'scope_attributes', field.key));
    case 'event':
      return childrenKernel(leaf, block, 'events');
    case 'link':
      return childrenKernel(leaf, block, 'links');
  }
}

interface Filler {
  readonly cost: number;
  readonly fill: StateFiller;
}

function attributeKernel(leaf: Leaf, block: Block, scope: 'span' | 'resource', key: string): Kernel {
  const own = block.columns.get(`${scope}.${key}`);
  const bounds = own?.kind === 'int64' ? boundsOf(leaf) : undefined;
  if (own?.kind === 'int64' && bounds && !leaf.test([])) {
    return { cost: 3, narrow: narrowToRanges(own.words, own.valid, bounds) };
  }
  return statesKernel(leaf, fillersOf(leaf, block, scope, key));
}

/** A promoted column holds every value that the file has of its key. */
function fillersOf(leaf: Leaf, block: Block, scope: 'span' | 'resource', key: string): Filler[] {
  const own = block.columns.get(`${scope}.${key}`);
  if (own) return [{ cost: 4, fill: columnStates(own, leaf) }];
  return mapFillers(leaf, block, `${scope}_attributes`, key);
}

function mapFillers(leaf: Leaf, block: Block, column: string, key: string): Filler[] {
  const map = block.columns.get(column);
  if (map?.kind !== 'attributes') return [];
  return [{ cost: map.rowIndex ? 4 : 50, fill: attributeStates(map, key, leaf) }];
}

function statesKernel(leaf: Leaf, fillers: readonly Filler[]): Kernel {
  const matchesMissing = leaf.test([]);
  if (fillers.length === 0) return matchesMissing ? ALWAYS : NEVER;
  let states = new Uint8Array(0);
  return {
    cost: fillers.reduce((sum, filler) => sum + filler.cost, 0),
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
function childrenKernel(leaf: Leaf, block: Block, column: 'events' | 'links'): Kernel {
  const { offsets } = columnOf(block, column, 'list');
  const matchesNone = leaf.test([]);
  const row = new BlockRow(block);
  return {
    cost: 60,
    narrow(selection, from, to) {
      for (let at = from; at < to; at++) {
        if (selection[at] === 0) continue;
        row.row = at;
        const hit = offsets[at] === offsets[at + 1] ? matchesNone : matches(leaf.expression, row);
        if (!hit) selection[at] = 0;
      }
    },
  };
}

function intrinsicKernel(leaf: Leaf, field: IntrinsicField, block: Block): Kernel | undefined {
  switch (field.name) {
    case 'span:kind':
      return byteKernel(leaf, columnOf(block, 'kind', 'uint8').values, kindStatics);
    case 'span:status':
      return byteKernel(leaf, columnOf(block, 'status_code', 'uint8').values, statusStatics);
    case 'span:duration': {
      const { words } = columnOf(block, 'duration_nano', 'int64');
      const bounds = boundsOf(leaf);
      return bounds && { cost: 2, narrow: narrowToRanges(words, undefined, bounds) };
    }
    case 'span:name':
      return textKernel(leaf, block, 'name');
    case 'span:statusMessage':
      return textKernel(leaf, block, 'status_message');
    case 'instrumentation:name':
      return textKernel(leaf, block, 'scope_name');
    case 'instrumentation:version':
      return textKernel(leaf, block, 'scope_version');
    case 'span:id':
      return idKernel(leaf, block, 'span_id', 8);
    case 'trace:id':
      return idKernel(leaf, block, 'trace_id', 16);
    case 'event:name':
    case 'event:timeSinceStart':
      return childrenKernel(leaf, block, 'events');
    case 'link:traceID':
    case 'link:spanID':
      return childrenKernel(leaf, block, 'links');
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

function byteKernel(leaf: Leaf, values: Uint8Array, staticsOf: (value: number) => readonly Static[]): Kernel {
  const hits = Uint8Array.from({ length: 256 }, (_, value) => (leaf.test(staticsOf(value)) ? 1 : 0));
  return {
    cost: 1,
    narrow(selection, from, to) {
      for (let row = from; row < to; row++) selection[row] &= hits[values[row]];
    },
  };
}

/** A null text of a span is the empty text. */
function textKernel(leaf: Leaf, block: Block, column: string): Kernel {
  const vector = columnOf(block, column, 'text');
  const state = textTests(vector, leaf);
  const { codes } = vector;
  return {
    cost: 3,
    narrow(selection, from, to) {
      for (let row = from; row < to; row++) {
        if (selection[row] !== 0 && state(codes[row]) !== HIT) selection[row] = 0;
      }
    },
  };
}

/** Only `= id`, which is what people ask; other questions about ids are evaluated row by row. */
function idKernel(leaf: Leaf, block: Block, column: string, width: 8 | 16): Kernel | undefined {
  const { comparison } = leaf;
  if (comparison?.operator !== '=' || comparison.literal.type !== 'string') return undefined;
  const wanted = /[A-F]/.test(comparison.literal.value)
    ? undefined
    : bytesOfHex(comparison.literal.value, width);
  if (!wanted) return NEVER;
  const { bytes } = columnOf(block, column, 'fixed');
  return {
    cost: 2,
    narrow(selection, from, to) {
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
