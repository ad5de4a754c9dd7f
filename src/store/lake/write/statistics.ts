/** What the catalog keeps of a file of spans, taken from the sorted block before attributes are promoted. */
import { STATUS_ERROR } from '../../../span/span.ts';
import type { AttributesVector, Block, Vector } from '../../../span/vector.ts';
import type {
  FileAttributeKey,
  FileEntry,
  FileOperation,
  FileService,
  FileStatistics,
  RowGroupEntry,
} from '../files/file-entry.ts';
import { pairCounts } from './promote.ts';
import { decodeText, int64At, uint64At } from './text.ts';

/** Of each list in a file's statistics; 2,000 entries are about 100 KB of JSON. */
export const MAX_STATISTICS_ENTRIES = 2_000;

export type BlockStatistics = Omit<FileStatistics, 'promoted'> &
  Pick<
    FileEntry,
    | 'minStartUnixNano'
    | 'maxStartUnixNano'
    | 'maxEndUnixNano'
    | 'minDurationNano'
    | 'maxDurationNano'
    | 'errorCount'
  >;

/** The columns that statistics read, checked once. */
interface SpanVectors {
  readonly starts: Uint32Array;
  readonly durations: Uint32Array;
  readonly statuses: Uint8Array;
  readonly kinds: Uint8Array;
  readonly services: Extract<Vector, { kind: 'text' }>;
  readonly names: Extract<Vector, { kind: 'text' }>;
}

export function blockStatistics(block: Block, rowGroupRows: number): BlockStatistics {
  const vectors: SpanVectors = {
    starts: ofKind(block, 'start_time_unix_nano', 'int64').words,
    durations: ofKind(block, 'duration_nano', 'int64').words,
    statuses: ofKind(block, 'status_code', 'uint8').values,
    kinds: ofKind(block, 'kind', 'uint8').values,
    services: ofKind(block, 'service_name', 'text'),
    names: ofKind(block, 'name', 'text'),
  };
  const rowGroups: RowGroupEntry[] = [];
  for (let from = 0; from < block.rows; from += rowGroupRows) {
    rowGroups.push(rowGroup(vectors, from, Math.min(block.rows, from + rowGroupRows)));
  }
  const services = cut(serviceStatistics(vectors, block.rows));
  const operations = cut(operationStatistics(vectors, block.rows));
  const attributeKeys = cut(keyStatistics(block));
  return {
    services: services.kept,
    servicesWhole: services.whole,
    operations: operations.kept,
    operationsWhole: operations.whole,
    attributeKeys: attributeKeys.kept,
    attributeKeysWhole: attributeKeys.whole,
    rowGroups,
    minStartUnixNano: least(rowGroups.map((group) => group.minStartUnixNano)),
    maxStartUnixNano: most(rowGroups.map((group) => group.maxStartUnixNano)),
    maxEndUnixNano: maxEnd(vectors, block.rows),
    minDurationNano: least(rowGroups.map((group) => group.minDurationNano)),
    maxDurationNano: most(rowGroups.map((group) => group.maxDurationNano)),
    errorCount: rowGroups.reduce((sum, group) => sum + group.errorCount, 0),
  };
}

function ofKind<K extends Vector['kind']>(block: Block, name: string, kind: K): Extract<Vector, { kind: K }> {
  const vector = block.columns.get(name);
  if (vector?.kind !== kind) throw new Error(`${name} is no ${kind} column`);
  return vector as Extract<Vector, { kind: K }>;
}

function rowGroup(vectors: SpanVectors, from: number, to: number): RowGroupEntry {
  const { starts, durations, statuses } = vectors;
  let minStart = from;
  let maxStart = from;
  let minDuration = from;
  let maxDuration = from;
  let errorCount = 0;
  for (let row = from; row < to; row++) {
    if (compareUnsigned(starts, row, minStart) < 0) minStart = row;
    if (compareUnsigned(starts, row, maxStart) > 0) maxStart = row;
    if (compareSigned(durations, row, minDuration) < 0) minDuration = row;
    if (compareSigned(durations, row, maxDuration) > 0) maxDuration = row;
    if (statuses[row] === STATUS_ERROR) errorCount++;
  }
  return {
    rows: to - from,
    minStartUnixNano: uint64At(starts, minStart),
    maxStartUnixNano: uint64At(starts, maxStart),
    minDurationNano: int64At(durations, minDuration),
    maxDurationNano: int64At(durations, maxDuration),
    errorCount,
  };
}

function compareUnsigned(words: Uint32Array, a: number, b: number): number {
  return words[a * 2 + 1] - words[b * 2 + 1] || words[a * 2] - words[b * 2];
}

function compareSigned(words: Uint32Array, a: number, b: number): number {
  return (words[a * 2 + 1] | 0) - (words[b * 2 + 1] | 0) || words[a * 2] - words[b * 2];
}

/** Start plus duration, where the duration is positive; kept below 2^64. */
function maxEnd(vectors: SpanVectors, rows: number): bigint {
  const { starts, durations } = vectors;
  let high = 0;
  let low = 0;
  for (let row = 0; row < rows; row++) {
    const negative = durations[row * 2 + 1] >>> 31 === 1;
    const lowSum = starts[row * 2] + (negative ? 0 : durations[row * 2]);
    const carry = lowSum > 0xffffffff ? 1 : 0;
    const highSum = starts[row * 2 + 1] + (negative ? 0 : durations[row * 2 + 1]) + carry;
    if (highSum > high || (highSum === high && lowSum >>> 0 > low)) {
      high = highSum;
      low = lowSum >>> 0;
    }
  }
  const end = (BigInt(high) << 32n) | BigInt(low);
  return end > MAX_UINT64 ? MAX_UINT64 : end;
}

const MAX_UINT64 = 2n ** 64n - 1n;

function serviceStatistics(vectors: SpanVectors, rows: number): FileService[] {
  const { services, statuses, durations } = vectors;
  const found = new Map<number, { spanCount: number; errorCount: number; slowest: number }>();
  for (let row = 0; row < rows; row++) {
    const code = services.codes[row];
    let entry = found.get(code);
    if (entry === undefined) found.set(code, (entry = { spanCount: 0, errorCount: 0, slowest: row }));
    entry.spanCount++;
    if (statuses[row] === STATUS_ERROR) entry.errorCount++;
    if (compareSigned(durations, row, entry.slowest) > 0) entry.slowest = row;
  }
  return [...found].map(([code, { spanCount, errorCount, slowest }]) => ({
    name: decodeText(services.dictionary, code),
    spanCount,
    errorCount,
    maxDurationNano: int64At(durations, slowest),
  }));
}

function operationStatistics(vectors: SpanVectors, rows: number): FileOperation[] {
  const { services, names, kinds } = vectors;
  // Kinds are 0 to 255 and codes below 2^32: the product of service and name may pass 2^53, so two maps.
  const byService = new Map<number, Map<number, number>>();
  for (let row = 0; row < rows; row++) {
    let counts = byService.get(services.codes[row]);
    if (counts === undefined) byService.set(services.codes[row], (counts = new Map()));
    const operation = names.codes[row] * 256 + kinds[row];
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
  }
  const operations: FileOperation[] = [];
  for (const [service, counts] of byService) {
    const serviceName = decodeText(services.dictionary, service);
    for (const [operation, spanCount] of counts) {
      const name = decodeText(names.dictionary, Math.floor(operation / 256));
      operations.push({ serviceName, name, kind: operation % 256, spanCount });
    }
  }
  return operations;
}

function keyStatistics(block: Block): FileAttributeKey[] {
  const keys: FileAttributeKey[] = [];
  const direct = [
    ['span', 'span_attributes'],
    ['resource', 'resource_attributes'],
    ['instrumentation', 'scope_attributes'],
  ] as const;
  for (const [scope, name] of direct) {
    const vector = ofKind(block, name, 'attributes');
    const counts = pairCounts(vector, block.rows);
    const byKey = new Uint32Array(vector.keyDictionary.count);
    for (let pair = 0; pair < counts.length; pair++) byKey[vector.keys[pair]] += counts[pair];
    keys.push(...keyCounts(scope, vector, byKey));
  }
  for (const [scope, name] of [
    ['event', 'events'],
    ['link', 'links'],
  ] as const) {
    const { offsets, children } = ofKind(block, name, 'list');
    const vector = children.attributes;
    if (vector?.kind !== 'attributes') throw new Error(`${name} without attributes`);
    keys.push(...keyCounts(scope, vector, rowsOfChildKeys(offsets, vector, block.rows)));
  }
  return keys;
}

function keyCounts(
  scope: FileAttributeKey['scope'],
  vector: AttributesVector,
  byKey: Uint32Array,
): FileAttributeKey[] {
  const found: FileAttributeKey[] = [];
  byKey.forEach((spanCount, code) => {
    if (spanCount > 0) found.push({ scope, key: decodeText(vector.keyDictionary, code), spanCount });
  });
  return found;
}

/** Rows with a child that carries each key. */
function rowsOfChildKeys(offsets: Uint32Array, vector: AttributesVector, rows: number): Uint32Array {
  const { pairs, keys } = vector;
  const byKey = new Uint32Array(vector.keyDictionary.count);
  const lastRow = new Int32Array(byKey.length).fill(-1);
  for (let row = 0; row < rows; row++) {
    const end = vector.offsets[offsets[row + 1]];
    for (let entry = vector.offsets[offsets[row]]; entry < end; entry++) {
      const key = keys[pairs === undefined ? entry : pairs[entry]];
      if (lastRow[key] === row) continue;
      lastRow[key] = row;
      byKey[key]++;
    }
  }
  return byKey;
}

function cut<T extends { readonly spanCount: number }>(entries: T[]): { kept: T[]; whole: boolean } {
  entries.sort((a, b) => b.spanCount - a.spanCount);
  return { kept: entries.slice(0, MAX_STATISTICS_ENTRIES), whole: entries.length <= MAX_STATISTICS_ENTRIES };
}

function least(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b < a ? b : a));
}

function most(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b > a ? b : a));
}
