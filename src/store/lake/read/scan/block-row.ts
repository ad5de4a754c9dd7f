/** One row of a block as TraceQL sees a span: for conditions that no kernel knows. */
import { TYPES_BY_TAG, parseValueText } from '../../../../span/value.ts';
import type { AttributesVector, Block, ListVector, TextDictionary } from '../../../../span/vector.ts';
import type { Intrinsic, Static } from '../../../../traceql/ast.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { kindStatics, statusStatics } from '../../../../traceql/keywords.ts';
import { attributesRange, childOf, columnOf, int64At, promotedValue } from './cells.ts';
import { TextCache, codesOfText, hexAt, isZero } from './texts.ts';

/** A code that OpenTelemetry does not define matches no keyword, not even by `!=`. */
type AttributeScopeHere = Parameters<FieldSource['attribute']>[0];

export class BlockRow implements FieldSource {
  row = 0;
  readonly #texts = new TextCache();
  readonly #codesOfKeys = new Map<TextDictionary, Map<string, Uint8Array>>();

  constructor(readonly block: Block) {}

  attribute(scope: AttributeScopeHere, key: string, parent: boolean): readonly Static[] {
    if (parent) return [];
    switch (scope) {
      case 'span':
      case 'resource':
        return this.#promoted(`${scope}.${key}`) ?? this.#inMap(`${scope}_attributes`, key);
      case 'instrumentation':
        return this.#inMap('scope_attributes', key);
      case 'event':
        return this.#inChildren('events', key);
      case 'link':
        return this.#inChildren('links', key);
    }
  }

  intrinsic(name: Intrinsic, parent: boolean): readonly Static[] {
    if (parent) return [];
    switch (name) {
      case 'span:id':
        return [{ type: 'string', value: this.#hex('span_id', 8) }];
      case 'span:parentID':
        return [{ type: 'string', value: this.#isRoot() ? '' : this.#hex('parent_span_id', 8) }];
      case 'span:parent':
        return this.#isRoot() ? [] : [{ type: 'opaque' }];
      case 'trace:id':
        return [{ type: 'string', value: this.#hex('trace_id', 16) }];
      case 'span:name':
        return this.#text('name');
      case 'span:statusMessage':
        return this.#text('status_message');
      case 'instrumentation:name':
        return this.#text('scope_name');
      case 'instrumentation:version':
        return this.#text('scope_version');
      case 'span:kind':
        return kindStatics(columnOf(this.block, 'kind', 'uint8').values[this.row]);
      case 'span:status':
        return statusStatics(columnOf(this.block, 'status_code', 'uint8').values[this.row]);
      case 'span:duration': {
        const { words } = columnOf(this.block, 'duration_nano', 'int64');
        return [{ type: 'duration', value: int64At(words, this.row) }];
      }
      case 'event:name':
      case 'event:timeSinceStart':
        return this.#eventIntrinsic(name);
      case 'link:traceID':
        return this.#linkIds('trace_id', 16);
      case 'link:spanID':
        return this.#linkIds('span_id', 8);
      case 'span:childCount':
      case 'trace:duration':
      case 'trace:rootName':
      case 'trace:rootService':
      case 'nestedSetLeft':
      case 'nestedSetRight':
      case 'nestedSetParent':
        throw new Error(`${name} can't be told from a span alone`);
    }
  }

  /** Of a column of texts; '' for a null. */
  text(column: string): string {
    const { codes, dictionary } = columnOf(this.block, column, 'text');
    return this.#texts.of(dictionary).orEmpty(codes[this.row]);
  }

  #promoted(column: string): readonly Static[] | undefined {
    const vector = this.block.columns.get(column);
    if (!vector) return undefined;
    const texts = vector.kind === 'text' ? this.#texts.of(vector.dictionary) : undefined;
    const value = promotedValue(vector, texts, this.row);
    return value && staticsOf(value);
  }

  #inMap(column: string, key: string): readonly Static[] {
    const vector = this.block.columns.get(column);
    return vector?.kind === 'attributes' ? this.#inList(vector, this.row, key) : [];
  }

  #inList(vector: AttributesVector, row: number, key: string): readonly Static[] {
    const { pairs, keys, types, values } = vector;
    const { from, to } = attributesRange(vector, row);
    const isKey = this.#keyCodes(vector.keyDictionary, key);
    for (let entry = from; entry < to; entry++) {
      const at = pairs ? pairs[entry] : entry;
      if (isKey[keys[at]] === 0) continue;
      const text = this.#texts.of(vector.valueDictionary).get(values[at]);
      return staticsOf(parseValueText(TYPES_BY_TAG[types[at]], text));
    }
    return [];
  }

  /** By code of the dictionary, 1 where it is the key: an event may be one of 100,000. */
  #keyCodes(dictionary: TextDictionary, key: string): Uint8Array {
    let known = this.#codesOfKeys.get(dictionary);
    if (known === undefined) this.#codesOfKeys.set(dictionary, (known = new Map()));
    let codes = known.get(key);
    if (codes === undefined) known.set(key, (codes = codesOfText(dictionary, key)));
    return codes;
  }

  #children(column: 'events' | 'links'): { list: ListVector; from: number; to: number } {
    const list = columnOf(this.block, column, 'list');
    return { list, from: list.offsets[this.row], to: list.offsets[this.row + 1] };
  }

  #inChildren(column: 'events' | 'links', key: string): readonly Static[] {
    const { list, from, to } = this.#children(column);
    const attributes = childOf(list, 'attributes', 'attributes');
    const found: Static[] = [];
    for (let child = from; child < to; child++) {
      for (const each of this.#inList(attributes, child, key)) found.push(each);
    }
    return found;
  }

  #eventIntrinsic(name: 'event:name' | 'event:timeSinceStart'): readonly Static[] {
    const { list, from, to } = this.#children('events');
    const found: Static[] = [];
    if (name === 'event:name') {
      const { codes, dictionary } = childOf(list, 'name', 'text');
      const texts = this.#texts.of(dictionary);
      for (let event = from; event < to; event++) {
        found.push({ type: 'string', value: texts.orEmpty(codes[event]) });
      }
      return found;
    }
    const { words } = childOf(list, 'time_unix_nano', 'int64');
    const start = int64At(columnOf(this.block, 'start_time_unix_nano', 'int64').words, this.row);
    for (let event = from; event < to; event++) {
      found.push({ type: 'duration', value: BigInt.asIntN(64, int64At(words, event) - start) });
    }
    return found;
  }

  #linkIds(field: 'trace_id' | 'span_id', width: number): readonly Static[] {
    const { list, from, to } = this.#children('links');
    const { bytes } = childOf(list, field, 'fixed');
    const found: Static[] = [];
    for (let link = from; link < to; link++) {
      found.push({ type: 'string', value: hexAt(bytes, link * width, width) });
    }
    return found;
  }

  #text(column: string): readonly Static[] {
    return [{ type: 'string', value: this.text(column) }];
  }

  #hex(column: string, width: number): string {
    return hexAt(columnOf(this.block, column, 'fixed').bytes, this.row * width, width);
  }

  #isRoot(): boolean {
    return isZero(columnOf(this.block, 'parent_span_id', 'fixed').bytes, this.row * 8, 8);
  }
}
