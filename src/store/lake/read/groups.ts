/** Counts and durations of a block's rows by service, or by operation (name and kind) of one service. */
import { NULL_CODE } from '../../../span/vector.ts';
import type { Block, TextDictionary } from '../../../span/vector.ts';
import { STATUS_ERROR } from '../../../span/span.ts';
import type { TimeRange } from '../../span-store.ts';
import { columnOf } from './cells.ts';
import { Histogram } from './histogram.ts';
import { narrowToTimes } from './int64-kernel.ts';
import { Texts } from './texts.ts';

/** Undefined: by service. Else by the operations of this service. */
export type GroupService = string | undefined;

export interface GroupFigures {
  readonly name: string;
  readonly kind: number;
  errorCount: number;
  readonly histogram: Histogram;
}

export const SERVICE_GROUP_COLUMNS: readonly string[] = [
  'service_name',
  'start_time_unix_nano',
  'duration_nano',
  'status_code',
];
export const OPERATION_GROUP_COLUMNS: readonly string[] = [...SERVICE_GROUP_COLUMNS, 'name', 'kind'];

export class Groups {
  readonly #figures = new Map<string, GroupFigures>();

  figures(name: string, kind: number): GroupFigures {
    const key = `${kind} ${name}`;
    let figures = this.#figures.get(key);
    if (!figures) {
      figures = { name, kind, errorCount: 0, histogram: new Histogram() };
      this.#figures.set(key, figures);
    }
    return figures;
  }

  all(): GroupFigures[] {
    return [...this.#figures.values()];
  }

  merge(others: readonly GroupFigures[]): void {
    for (const other of others) {
      const figures = this.figures(other.name, other.kind);
      figures.errorCount += other.errorCount;
      figures.histogram.merge(other.histogram);
    }
  }
}

/** OpenTelemetry defines six; the column holds a byte. */
const KINDS = 256;

export class GroupScan {
  readonly #block: Block;
  readonly #selected: Uint8Array;

  constructor(
    block: Block,
    readonly range: TimeRange,
    readonly service: GroupService,
    readonly groups: Groups,
  ) {
    this.#block = block;
    this.#selected = new Uint8Array(block.rows);
  }

  scan(from: number, to: number): void {
    const { words } = columnOf(this.#block, 'start_time_unix_nano', 'int64');
    const selected = this.#selected;
    selected.fill(1, from, to);
    narrowToTimes(words, this.range.startUnixNano, this.range.endUnixNano, selected, from, to);
    if (this.service !== undefined) this.#narrowToService(this.service, from, to);
    this.#count(from, to);
  }

  #narrowToService(service: string, from: number, to: number): void {
    const { codes, dictionary } = columnOf(this.#block, 'service_name', 'text');
    const texts = new Texts(dictionary);
    const hits = memoised((code) => (texts.orEmpty(code) === service ? 1 : 0));
    for (let row = from; row < to; row++) {
      if (this.#selected[row] !== 0) this.#selected[row] = hits(codes[row]);
    }
  }

  #count(from: number, to: number): void {
    const byOperation = this.service !== undefined;
    const { codes, dictionary } = columnOf(this.#block, byOperation ? 'name' : 'service_name', 'text');
    const kinds = byOperation ? columnOf(this.#block, 'kind', 'uint8').values : undefined;
    const statuses = columnOf(this.#block, 'status_code', 'uint8').values;
    const { words } = columnOf(this.#block, 'duration_nano', 'int64');
    const figuresOf = this.#figuresByCode(dictionary);
    for (let row = from; row < to; row++) {
      if (this.#selected[row] === 0) continue;
      const figures = figuresOf(codes[row], kinds ? kinds[row] : 0);
      figures.histogram.add(words[row * 2 + 1], words[row * 2]);
      if (statuses[row] === STATUS_ERROR) figures.errorCount++;
    }
  }

  #figuresByCode(dictionary: TextDictionary): (code: number, kind: number) => GroupFigures {
    const texts = new Texts(dictionary);
    /** Codes and kinds are small numbers: an array answers faster than a map. */
    const known: (GroupFigures | undefined)[] = [];
    const nameless: (GroupFigures | undefined)[] = [];
    return (code, kind) => {
      const place = code === NULL_CODE ? nameless : known;
      const slot = code === NULL_CODE ? kind : code * KINDS + kind;
      return (place[slot] ??= this.groups.figures(texts.orEmpty(code), kind));
    };
  }
}

function memoised(compute: (code: number) => number): (code: number) => number {
  const known = new Map<number, number>();
  return (code) => {
    let value = known.get(code);
    if (value === undefined) known.set(code, (value = compute(code)));
    return value;
  };
}
