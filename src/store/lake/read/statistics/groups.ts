/**
 * Counts and durations of rows by service, or by operation (name and kind) of one service. Rows are counted in
 * flat arrays, 9 ns each; a group's buckets (histogram.ts) are there from the first row in their power of two.
 */
import { grown } from '../../../../span/grow.ts';
import { STATUS_ERROR } from '../../../../span/span.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type { Block, TextVector } from '../../../../span/vector.ts';
import { columnOf } from '../scan/cells.ts';
import { Histogram, bucketOf } from './histogram.ts';
import type { JobRun } from '../workers/job-run.ts';
import type { GroupsJob } from '../workers/jobs.ts';
import type { BeginRows } from '../scan/scan.ts';
import { Texts, codesOfText } from '../scan/texts.ts';

/** Undefined: by service. Else by the operations of this service. */
export type GroupService = string | undefined;

export interface GroupFigures {
  readonly name: string;
  readonly kind: number;
  errorCount: number;
  readonly histogram: Histogram;
}

const COUNTED_COLUMNS: readonly string[] = ['service_name', 'duration_nano', 'status_code'];

/** What `GroupScan` reads of a row; the times are the filter's to ask for. */
export function groupColumns(service: GroupService): readonly string[] {
  return service === undefined ? COUNTED_COLUMNS : [...COUNTED_COLUMNS, 'name', 'kind'];
}

/** Far more than anyone looks at; hostile spans, each of a name of its own, would take 600 bytes each. */
export const MAX_GROUPS = 16_384;

/** Of some rows, as plain data. Group i has the name `names[i]`. */
export interface GroupTable {
  readonly names: readonly string[];
  readonly kinds: Uint8Array;
  readonly errors: Uint32Array;
  readonly zeros: Uint32Array;
  readonly maxHigh: Int32Array;
  readonly maxLow: Uint32Array;
  /** By 64 the counts of the buckets of a power of two; whose they are, by 64 again, as `group x 64 + power`. */
  readonly parts: Uint32Array;
  readonly partOwners: Uint32Array;
  /** There were more groups than MAX_GROUPS: rows of the others are not counted. */
  readonly full: boolean;
}

const PART = 64;

export class Groups {
  full = false;
  readonly #figures = new Map<string, GroupFigures>();

  /** Undefined when there is no room for one more. */
  figures(name: string, kind: number): GroupFigures | undefined {
    const key = `${kind} ${name}`;
    let figures = this.#figures.get(key);
    if (!figures && this.#figures.size >= MAX_GROUPS) this.full = true;
    else if (!figures) {
      figures = { name, kind, errorCount: 0, histogram: new Histogram() };
      this.#figures.set(key, figures);
    }
    return figures;
  }

  all(): GroupFigures[] {
    return [...this.#figures.values()];
  }

  merge(table: GroupTable): void {
    this.full ||= table.full;
    const all = table.names.map((name, group) => this.figures(name, table.kinds[group]));
    all.forEach((figures, group) => {
      if (!figures) return;
      figures.errorCount += table.errors[group];
      const [zeros, maxHigh, maxLow] = [table.zeros[group], table.maxHigh[group], table.maxLow[group]];
      figures.histogram.merge({ count: zeros, zeros, maxHigh, maxLow, parts: [] });
    });
    table.partOwners.forEach((owner, place) => {
      const histogram = all[Math.floor(owner / PART)]?.histogram;
      if (!histogram) return;
      const from = table.parts.subarray(place * PART, (place + 1) * PART);
      const to = histogram.part((owner % PART) * PART);
      for (let i = 0; i < PART; i++) {
        to[i] += from[i];
        histogram.count += from[i];
      }
    });
  }
}

/** OpenTelemetry defines six; the column holds a byte. */
const USUAL_KINDS = 8;
const UNKNOWN = -1;
const NO_ROOM = -2;

export class GroupScan {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  #kinds = new Uint8Array(PART);
  #errors = new Uint32Array(PART);
  #zeros = new Uint32Array(PART);
  #maxHigh = new Int32Array(PART).fill(-0x80000000);
  #maxLow = new Uint32Array(PART);
  /** By `group x 64 + power`: place of the part + 1; 0: it is not there yet. */
  #partOf = new Uint32Array(PART * PART);
  #parts = new Uint32Array(PART * PART);
  #partOwners: number[] = [];
  #full = false;

  constructor(readonly service: GroupService) {}

  /** For `JobRun.scan` and `Session.scanBuffer`. */
  readonly begin: BeginRows = (block) => {
    const number =
      this.service === undefined ? this.#byService(block) : this.#byOperation(block, this.service);
    const groups = new Int32Array(block.rows);
    return (selected, from, to) => {
      number(selected, from, to, groups);
      this.#count(block, groups, from, to);
    };
  };

  table(): GroupTable {
    const count = this.#names.length;
    return {
      names: this.#names,
      kinds: this.#kinds.slice(0, count),
      errors: this.#errors.slice(0, count),
      zeros: this.#zeros.slice(0, count),
      maxHigh: this.#maxHigh.slice(0, count),
      maxLow: this.#maxLow.slice(0, count),
      parts: this.#parts.slice(0, this.#partOwners.length * PART),
      partOwners: Uint32Array.from(this.#partOwners),
      full: this.#full,
    };
  }

  /** `groups`: by row, below 0 for a row that does not count. */
  #count(block: Block, groups: Int32Array, from: number, to: number): void {
    const statuses = columnOf(block, 'status_code', 'uint8').values;
    const { words } = columnOf(block, 'duration_nano', 'int64');
    const [errors, zeros, maxHigh, maxLow] = [this.#errors, this.#zeros, this.#maxHigh, this.#maxLow];
    const partOf = this.#partOf;
    let parts = this.#parts;
    for (let row = from; row < to; row++) {
      const group = groups[row];
      if (group < 0) continue;
      if (statuses[row] === STATUS_ERROR) errors[group]++;
      const high = words[row * 2 + 1] | 0;
      const low = words[row * 2];
      if (high >= maxHigh[group] && (high > maxHigh[group] || low > maxLow[group])) {
        maxHigh[group] = high;
        maxLow[group] = low;
      }
      if (high < 0 || (high === 0 && low === 0)) {
        zeros[group]++;
        continue;
      }
      const bucket = bucketOf(high, low);
      const owner = group * PART + (bucket >>> 6);
      let place = partOf[owner];
      if (place === 0) {
        place = this.#addPart(owner);
        parts = this.#parts;
      }
      parts[(place - 1) * PART + (bucket & (PART - 1))]++;
    }
  }

  #addPart(owner: number): number {
    const place = this.#partOwners.push(owner);
    if (place * PART > this.#parts.length) this.#parts = grown(this.#parts, place * PART);
    return (this.#partOf[owner] = place);
  }

  #byService(block: Block): NumberRows {
    const services = columnOf(block, 'service_name', 'text');
    const { codes } = services;
    const numbers = new CodeNumbers(services, (name, kind) => this.#numberOf(name, kind));
    const { known, nullCode } = numbers;
    return (selected, from, to, groups) => {
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) {
          groups[row] = NO_ROOM;
          continue;
        }
        const code = codes[row] === NULL_CODE ? nullCode : codes[row];
        const number = known[code * USUAL_KINDS];
        groups[row] = number === UNKNOWN ? numbers.learn(code, 0) : number;
      }
    };
  }

  #byOperation(block: Block, service: string): NumberRows {
    const services = columnOf(block, 'service_name', 'text');
    const names = columnOf(block, 'name', 'text');
    const kinds = columnOf(block, 'kind', 'uint8').values;
    const isOfService = codesOfText(services.dictionary, service);
    const withoutName = service === '' ? 1 : 0;
    const numbers = new CodeNumbers(names, (name, kind) => this.#numberOf(name, kind));
    const { known, nullCode } = numbers;
    return (selected, from, to, groups) => {
      for (let row = from; row < to; row++) {
        const owner = services.codes[row];
        const isHit = owner === NULL_CODE ? withoutName : isOfService[owner];
        if (selected[row] === 0 || isHit === 0) {
          groups[row] = NO_ROOM;
          continue;
        }
        const code = names.codes[row] === NULL_CODE ? nullCode : names.codes[row];
        const kind = kinds[row];
        const number = kind < USUAL_KINDS ? known[code * USUAL_KINDS + kind] : UNKNOWN;
        groups[row] = number === UNKNOWN ? numbers.learn(code, kind) : number;
      }
    };
  }

  #numberOf(name: string, kind: number): number {
    const key = `${kind} ${name}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#names.length;
    if (number >= MAX_GROUPS) {
      this.#full = true;
      return NO_ROOM;
    }
    this.#numbers.set(key, number);
    this.#names.push(name);
    if (number === this.#kinds.length) this.#grow(number + 1);
    this.#kinds[number] = kind;
    return number;
  }

  #grow(groups: number): void {
    this.#kinds = grown(this.#kinds, groups);
    this.#errors = grown(this.#errors, groups);
    this.#zeros = grown(this.#zeros, groups);
    this.#maxHigh = grown(this.#maxHigh, groups);
    this.#maxHigh.fill(-0x80000000, groups - 1);
    this.#maxLow = grown(this.#maxLow, groups);
    this.#partOf = grown(this.#partOf, groups * PART);
  }
}

/** In a reader worker. */
export async function scanGroups(job: GroupsJob, run: JobRun): Promise<GroupTable> {
  const scan = new GroupScan(job.service);
  for (const rowGroup of job.rowGroups) {
    await run.scan(rowGroup, job.filter, groupColumns(job.service), scan.begin);
  }
  return scan.table();
}

/** Fills `groups` for the rows from `from` to `to`. */
type NumberRows = (selected: Uint8Array, from: number, to: number, groups: Int32Array) => void;

/** The numbers of groups by the codes of one dictionary and the usual kinds, asked for once each. */
class CodeNumbers {
  /** By `code x USUAL_KINDS + kind`. */
  readonly known: Int32Array;
  /** Stands for a missing text. */
  readonly nullCode: number;
  readonly #texts: Texts;

  constructor(
    { dictionary }: TextVector,
    private readonly numberOf: (name: string, kind: number) => number,
  ) {
    this.nullCode = dictionary.count;
    this.known = new Int32Array((dictionary.count + 1) * USUAL_KINDS).fill(UNKNOWN);
    this.#texts = new Texts(dictionary);
  }

  learn(code: number, kind: number): number {
    const number = this.numberOf(code === this.nullCode ? '' : this.#texts.get(code), kind);
    if (kind < USUAL_KINDS) this.known[code * USUAL_KINDS + kind] = number;
    return number;
  }
}
