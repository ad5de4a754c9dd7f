/** Spans by service and by operation (service, name, kind), counted without a text a row. */
import { STATUS_ERROR } from '../../../span/span.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { FileOperation, FileService } from '../files/file-entry.ts';
import { TextNumbers } from './text-numbers.ts';
import type { SpanVectors } from './statistics.ts';

/** Names and operations that are counted: hostile ones, each of its own name, would fill the memory. */
const MAX_TRACKED = 65_536;

const FIRST_OPERATIONS = 256;

interface ServiceCount {
  spanCount: number;
  errorCount: number;
  /** Words of the longest duration, signed. */
  maxHigh: number;
  maxLow: number;
}

export class OperationCounts {
  servicesWhole = true;
  private readonly serviceNames = new TextNumbers(MAX_TRACKED);
  private readonly names = new TextNumbers(MAX_TRACKED);
  private readonly byService: ServiceCount[] = [];
  private readonly table = new OperationTable(MAX_TRACKED);

  get operationsWhole(): boolean {
    return this.serviceNames.whole && this.names.whole && this.table.whole;
  }

  add(vectors: SpanVectors, from: number, to: number): void {
    const { services, names, kinds, statuses, durations } = vectors;
    const serviceEntries = this.serviceNames.table(services.dictionary);
    const nameEntries = this.names.table(names.dictionary);
    for (let row = from; row < to; row++) {
      const service = services.codes[row];
      const serviceEntry =
        (service === NULL_CODE ? 0 : serviceEntries[service]) || this.serviceNames.learn(service);
      if (serviceEntry < 0) continue;
      const high = durations[row * 2 + 1] | 0;
      const low = durations[row * 2];
      const counted = this.byService[serviceEntry - 1];
      if (counted === undefined) {
        this.byService[serviceEntry - 1] = { spanCount: 0, errorCount: 0, maxHigh: high, maxLow: low };
      }
      const count = this.byService[serviceEntry - 1];
      count.spanCount++;
      if (statuses[row] === STATUS_ERROR) count.errorCount++;
      if (high > count.maxHigh || (high === count.maxHigh && low > count.maxLow)) {
        count.maxHigh = high;
        count.maxLow = low;
      }
      const name = names.codes[row];
      const nameEntry = (name === NULL_CODE ? 0 : nameEntries[name]) || this.names.learn(name);
      if (nameEntry > 0) this.table.count(serviceEntry - 1, nameEntry - 1, kinds[row]);
    }
    this.servicesWhole = this.serviceNames.whole;
  }

  /** In the order in which they came. */
  services(): FileService[] {
    return this.byService.map(({ spanCount, errorCount, maxHigh, maxLow }, number) => ({
      name: this.serviceNames.text(number),
      spanCount,
      errorCount,
      maxDurationNano: (BigInt(maxHigh) << 32n) | BigInt(maxLow),
    }));
  }

  operations(): FileOperation[] {
    return this.table.entries().map(({ service, name, kind, count }) => ({
      serviceName: this.serviceNames.text(service),
      name: this.names.text(name),
      kind,
      spanCount: count,
    }));
  }
}

/** Counts by three numbers: open addressing, four numbers an entry, at most half full. */
class OperationTable {
  whole = true;
  private size = 0;
  private values = new Uint32Array(FIRST_OPERATIONS * 4);
  private slots = new Uint32Array(FIRST_OPERATIONS * 2);

  constructor(private readonly limit: number) {}

  count(service: number, name: number, kind: number): void {
    const { values, slots } = this;
    const mask = slots.length - 1;
    let slot = hash(service, name, kind) & mask;
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      const at = entry * 4 - 4;
      if (values[at] === name && values[at + 1] === service && values[at + 2] === kind) {
        values[at + 3]++;
        return;
      }
      slot = (slot + 1) & mask;
    }
    if (this.size >= this.limit) this.whole = false;
    else this.add(slot, service, name, kind);
  }

  /** In the order in which they came. */
  entries(): { service: number; name: number; kind: number; count: number }[] {
    return Array.from({ length: this.size }, (_, i) => {
      const [name, service, kind, count] = this.values.subarray(i * 4, i * 4 + 4);
      return { service, name, kind, count };
    });
  }

  private add(slot: number, service: number, name: number, kind: number): void {
    this.values.set([name, service, kind, 1], this.size * 4);
    this.size++;
    this.slots[slot] = this.size;
    if (this.size * 4 === this.values.length) this.grow();
  }

  private grow(): void {
    const values = new Uint32Array(this.values.length * 2);
    values.set(this.values);
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 1; entry <= this.size; entry++) {
      const at = entry * 4 - 4;
      let slot = hash(values[at + 1], values[at], values[at + 2]) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.values = values;
    this.slots = slots;
  }
}

function hash(service: number, name: number, kind: number): number {
  const mixed = Math.imul(name * 8 + kind, 0x9e3779b1) ^ Math.imul(service, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
