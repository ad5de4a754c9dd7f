/**
 * The first reading of a rewrite's inputs: which traces there are, where their rows stand, which rows the
 * filter finds, and what types the values have of keys whose types no entry tells. Few narrow columns.
 */
import type { TableSchema } from '../../../span/schema.ts';
import type { Block, Int64Vector } from '../../../span/vector.ts';
import { filterColumns, Selection } from '../read/scan/scan.ts';
import type { ColumnsAvailable } from '../read/scan/fields.ts';
import { identityColumns, wordColumn } from './identity.ts';
import type { WordColumn } from './identity.ts';
import type { Promotion } from './promotion.ts';
import { wordsOf } from './sinks.ts';
import type { Sources, Unit } from './sources.ts';
import { TraceTable } from './traces.ts';
import type { Drop, RewriteInput } from './rewrite-job.ts';

/** Rows of a trace with one start that are compared pair by pair; more are left to once.ts. */
const MAX_SAME_START = 16;

export class Survey {
  readonly traces = new TraceTable();
  /** Rows that do not come along because their whole trace does not. */
  dropped = 0;
  /** By source, a bit a row: 1 is a row that the filter finds. */
  readonly #marks = new Map<number, Uint8Array>();
  readonly #listed = new TraceTable();
  readonly #filterAvailable: readonly ColumnsAvailable[];

  constructor(
    readonly sources: Sources,
    readonly schema: TableSchema,
    readonly drop: Drop,
    inputs: readonly RewriteInput[],
    readonly promotion: Promotion,
  ) {
    this.#filterAvailable = inputs.map(availableIn);
    if (drop.kind === 'traces') this.#list(drop.ids);
    else if (drop.kind === 'matching') this.#list(drop.keep);
  }

  hasMarks(source: number): boolean {
    return this.#marks.has(source);
  }

  get hasAnyMarks(): boolean {
    return this.#marks.size > 0;
  }

  isMarked(source: number, row: number): boolean {
    const marks = this.#marks.get(source);
    return marks !== undefined && ((marks[row >>> 3] >>> (row & 7)) & 1) === 1;
  }

  /** Inputs in their order: the runs of a trace come in it. */
  async read(inputs: number): Promise<void> {
    for (let source = 0; source < inputs; source++) {
      const runs = new Runs(this, source);
      for (let unit = this.sources.firstUnit(source); unit < this.sources.firstUnit(source + 1); unit++) {
        await this.sources.columns(unit, this.#columns(source), (block) => {
          for (const column of this.promotion.columnsToLookAt(source)) {
            const vector = block.columns.get(column);
            if (vector?.kind === 'attributes') this.promotion.look(column, vector);
          }
          this.#mark(source, this.sources.units[unit], block);
          runs.add(this.sources.units[unit].firstRow, block);
        });
      }
      runs.end();
    }
  }

  /** Whether rows of the trace with this id come along; `true` may still leave out marked rows. */
  takes(ids: Uint32Array, at: number): boolean {
    return this.drop.kind !== 'traces' || this.#listed.has(ids, at) === this.drop.except;
  }

  #columns(source: number): string[] {
    const { schema, drop } = this;
    const columns = [
      schema.groupColumn,
      ...identityColumns(schema),
      ...this.promotion.columnsToLookAt(source),
    ];
    if (drop.kind === 'matching') columns.push(...filterColumns(drop.filter, this.#filterAvailable[source]));
    return columns;
  }

  #list(ids: Uint8Array): void {
    const words = wordsOf(ids);
    for (let at = 0; at < words.length; at += 4) this.#listed.traceOf(words, at);
  }

  #mark(source: number, { firstRow }: Unit, block: Block): void {
    if (this.drop.kind !== 'matching') return;
    const selected = new Selection(block, this.drop.filter).select(0, block.rows);
    const ids = groupIds(block, this.schema);
    let marks = this.#marks.get(source);
    for (let row = 0; row < block.rows; row++) {
      if (selected[row] === 0 || this.#listed.has(ids, row * 4)) continue;
      if (marks === undefined) {
        marks = new Uint8Array((this.sources.files[source].rows + 7) >>> 3);
        this.#marks.set(source, marks);
      }
      marks[(firstRow + row) >>> 3] |= 1 << ((firstRow + row) & 7);
    }
  }
}

/** What the columns of a filter are in a file: as the search takes them (read/scan/fields.ts). */
function availableIn(input: RewriteInput): ColumnsAvailable {
  return {
    promoted: new Set(input.promoted.map(({ name }) => name)),
    keys: input.attributeKeysWhole
      ? new Set(input.attributeKeys.map(({ scope, key }) => `${scope} ${key}`))
      : undefined,
  };
}

export function groupIds(block: Block, schema: TableSchema): Uint32Array {
  const vector = block.columns.get(schema.groupColumn);
  if (vector?.kind !== 'fixed' || vector.width !== 16) {
    throw new Error(`${schema.name}: no 16-byte ids in ${schema.groupColumn}`);
  }
  return wordsOf(vector.bytes);
}

function times(block: Block, schema: TableSchema): Int64Vector {
  const vector = block.columns.get(schema.timeColumn);
  if (vector?.kind !== 'int64') throw new Error(`${schema.name}: no times in ${schema.timeColumn}`);
  return vector;
}

/** The runs of one file, over the borders of its units. */
class Runs {
  readonly #id = new Uint32Array(4);
  /** Of the run under way; -1 before the first and for a trace that is dropped. */
  #trace = -1;
  #firstRow = 0;
  #nextRow = 0;
  #started = false;
  #lastLow = 0;
  #lastHigh = 0;

  constructor(
    readonly survey: Survey,
    readonly source: number,
  ) {}

  add(firstRow: number, block: Block): void {
    const { survey, source } = this;
    const { traces, schema } = survey;
    const ids = groupIds(block, schema);
    const { words } = times(block, schema);
    const identity = identityColumns(schema).map((name) => wordColumn(block, name));
    const before = this.#id;
    for (let row = 0; row < block.rows; row++) {
      const at = row * 4;
      const low = words[row * 2];
      const high = words[row * 2 + 1];
      const isSame =
        this.#started &&
        before[3] === ids[at + 3] &&
        before[2] === ids[at + 2] &&
        before[1] === ids[at + 1] &&
        before[0] === ids[at];
      if (!isSame) this.#begin(firstRow + row, ids, at);
      else if (this.#trace >= 0) this.#compare(row, low, high, words, identity);
      this.#lastLow = low;
      this.#lastHigh = high;
      if (this.#trace >= 0 && !survey.isMarked(source, firstRow + row))
        traces.noteStart(this.#trace, low, high);
    }
    this.#nextRow = firstRow + block.rows;
  }

  end(): void {
    const rows = this.#nextRow - this.#firstRow;
    if (!this.#started) return;
    if (this.#trace >= 0) this.survey.traces.addRun(this.#trace, this.source, this.#firstRow, rows);
    else this.survey.dropped += rows;
  }

  #begin(row: number, ids: Uint32Array, at: number): void {
    this.#nextRow = row;
    this.end();
    for (let i = 0; i < 4; i++) this.#id[i] = ids[at + i];
    this.#trace = this.survey.takes(ids, at) ? this.survey.traces.traceOf(ids, at) : -1;
    this.#firstRow = row;
    this.#started = true;
  }

  /** A row against the one before it, of the same trace: in order, and not the same one again? */
  #compare(
    row: number,
    low: number,
    high: number,
    words: Uint32Array,
    identity: readonly WordColumn[],
  ): void {
    if (high > this.#lastHigh || (high === this.#lastHigh && low > this.#lastLow)) return;
    const { unsettled } = this.survey.traces;
    if (low !== this.#lastLow || high !== this.#lastHigh || row === 0) unsettled[this.#trace] = 1;
    if (unsettled[this.#trace] === 1) return;
    for (let other = row - 1; other >= 0; other--) {
      if (words[other * 2] !== low || words[other * 2 + 1] !== high) return;
      if (row - other > MAX_SAME_START || sameWords(identity, row, other)) {
        unsettled[this.#trace] = 1;
        return;
      }
    }
  }
}

function sameWords(columns: readonly WordColumn[], a: number, b: number): boolean {
  for (const { words, width } of columns) {
    for (let i = 0; i < width; i++) if (words[a * width + i] !== words[b * width + i]) return false;
  }
  return true;
}
