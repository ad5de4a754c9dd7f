/**
 * Which attribute keys get columns of their own in a merged file: those that PROMOTE_SHARE of all rows
 * carry, by the entries of the inputs. A column holds all values of its key, so the type must be certain
 * before the first row is written: where an entry does not tell it, the survey looks (merge-survey.ts).
 */
import type { PromotedFrom, TableSchema } from '../../../span/schema.ts';
import { TYPE_LETTERS, TYPE_TAGS } from '../../../span/value.ts';
import type { AttributesVector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { PROMOTE_SHARE, isColumnName, mostFrequent, plainType } from '../write/promote.ts';
import { decodeText } from '../write/text.ts';
import type { RewriteInput } from './rewrite-job.ts';

interface Candidate {
  readonly key: string;
  readonly name: string;
  rows: number;
  /** A bit for each type tag that occurs. */
  tags: number;
  /** Inputs whose lists may hold the key, with values of unknown type. */
  readonly unsure: number[];
}

export class Promotion {
  /** In the order of the schema's columns. */
  readonly #candidates: readonly { readonly from: PromotedFrom; readonly byKey: Map<string, Candidate> }[];

  constructor(schema: TableSchema, inputs: readonly RewriteInput[]) {
    const rows = inputs.reduce((sum, input) => sum + input.rows, 0);
    const own = new Set(schema.columns.map((column) => column.name));
    this.#candidates = schema.promoted.map((from) => ({ from, byKey: candidates(from, inputs, rows, own) }));
  }

  /** The columns of an input in which `look` must see every list. */
  columnsToLookAt(input: number): string[] {
    return this.#candidates
      .filter(({ byKey }) => [...byKey.values()].some(({ unsure }) => unsure.includes(input)))
      .map(({ from }) => from.column);
  }

  /** Takes note of the types of the values in lists. */
  look(column: string, vector: AttributesVector): void {
    const byKey = this.#candidates.find(({ from }) => from.column === column)?.byKey;
    const { keys, types, keyDictionary } = vector;
    const found = new Uint32Array(keyDictionary.count);
    for (let entry = 0; entry < keys.length; entry++) found[keys[entry]] |= 1 << types[entry];
    for (let key = 0; key < found.length; key++) {
      if (found[key] === 0) continue;
      const candidate = byKey?.get(decodeText(keyDictionary, key));
      if (candidate) candidate.tags |= found[key];
    }
  }

  /** Once everything was looked at. */
  columns(): PromotedColumn[] {
    return this.#candidates.flatMap(({ from, byKey }) => {
      const plain = [...byKey.values()].flatMap(({ name, rows, tags }) => {
        const type = plainType(tags);
        return type === undefined ? [] : [{ column: { name, type }, rows }];
      });
      return mostFrequent(plain, from).map(({ column }) => column);
    });
  }
}

function candidates(
  from: PromotedFrom,
  inputs: readonly RewriteInput[],
  rows: number,
  own: ReadonlySet<string>,
): Map<string, Candidate> {
  const byKey = new Map<string, Candidate>();
  const inColumns = inputs.map(({ promoted }) => promotedKeys(promoted, from.prefix));
  const inEntries = inputs.map((input) => keysOf(input, from));
  for (const [source, { rows: rowsOfInput }] of inputs.entries()) {
    for (const key of new Set([...inEntries[source].keys(), ...inColumns[source].keys()])) {
      const entry = inEntries[source].get(key);
      const candidate = byKey.get(key) ?? { key, name: from.prefix + key, rows: 0, tags: 0, unsure: [] };
      candidate.rows += entry?.spanCount ?? rowsOfInput * PROMOTE_SHARE;
      byKey.set(key, candidate);
    }
  }
  for (const [key, candidate] of byKey) {
    const frequent = candidate.rows > 0 && candidate.rows >= rows * PROMOTE_SHARE;
    if (!frequent || !isColumnName(candidate.name) || own.has(candidate.name)) byKey.delete(key);
  }
  for (const candidate of byKey.values()) {
    for (const source of inputs.keys()) {
      const type = inColumns[source].get(candidate.key);
      const entry = inEntries[source].get(candidate.key);
      if (type !== undefined) candidate.tags |= 1 << TYPE_TAGS[type];
      else if (entry?.types)
        for (const letter of entry.types) candidate.tags |= 1 << TYPE_LETTERS.indexOf(letter);
      else if (entry || !inputs[source].attributeKeysWhole) candidate.unsure.push(source);
    }
  }
  return byKey;
}

function promotedKeys(
  promoted: readonly PromotedColumn[],
  prefix: string,
): Map<string, PromotedColumn['type']> {
  const keys = new Map<string, PromotedColumn['type']>();
  for (const { name, type } of promoted)
    if (name.startsWith(prefix)) keys.set(name.slice(prefix.length), type);
  return keys;
}

/** The scope of an entry's keys is the prefix of their columns. */
function keysOf({ attributeKeys }: RewriteInput, { prefix }: PromotedFrom) {
  return new Map(
    attributeKeys.filter(({ scope }) => `${scope}.` === prefix).map((entry) => [entry.key, entry]),
  );
}
