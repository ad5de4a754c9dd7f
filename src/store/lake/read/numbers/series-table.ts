/** All that a metrics question counts: of buffers as they are scanned, of files as their answers come. */
import type { Static } from '../../../../traceql/ast.ts';
import type { BufferSource } from '../session.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { drain } from '../plan/plan.ts';
import { uint64At } from '../scan/cells.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { examplesEach, spread } from './series-examples.ts';
import type { ExampleRows } from './series-examples.ts';
import { SeriesScan } from './series-scan.ts';
import type { SeriesAsk, SeriesPart } from './series-scan.ts';

/** Where an example's ids are to be had. */
export type ExamplePlace =
  | { readonly kind: 'buffer'; readonly buffer: BufferSource; readonly row: number }
  | { readonly kind: 'file'; readonly file: FileEntry; readonly rowGroup: number; readonly row: number }
  | { readonly kind: 'ids'; readonly traceId: string; readonly spanId: string };

export interface Example {
  readonly startUnixNano: bigint;
  /** NaN where nothing is measured. */
  readonly number: number;
  readonly place: ExamplePlace;
}

/** A group has up to so many times the examples that are wanted before they are thinned. */
const THIN_AT = 4;

/** Taken in about a millisecond. */
const EXAMPLES_A_STEP = 1024;

export class SeriesTable {
  readonly scan: SeriesScan;
  /** Some worker or this table had more groups than are told apart. */
  #isCut = false;
  readonly #examples = new Map<number, Example[]>();

  constructor(readonly ask: SeriesAsk) {
    this.scan = new SeriesScan(ask);
  }

  get isCut(): boolean {
    return this.#isCut || this.scan.full;
  }

  /** More series and buckets than are kept in memory: what there is, is short. */
  get isFull(): boolean {
    return this.scan.cells.full;
  }

  /** Yields about every millisecond; parts may be merged side by side. */
  *merge(part: SeriesPart, file: FileEntry): Generator<void> {
    this.#isCut ||= part.groups.full;
    let groupOf = yield* this.scan.groups.merge(part.groups);
    const { powers } = this.scan;
    if (part.powers && powers) {
      const fields = groupOf;
      const { groups, powers: exponents } = part.powers;
      groupOf = groups.map((group, i) =>
        fields[group] === NO_CODE ? NO_CODE : powers.code(fields[group], exponents[i]),
      );
      yield;
    }
    yield* this.scan.cells.merge(part.cells, groupOf);
    yield* this.#addExamples(
      part.examples,
      (group) => groupOf[group],
      (rowGroup, row) => ({ kind: 'file', file, rowGroup, row }),
    );
  }

  /** After rows were added to `scan` itself: their examples, before the rows are gone. */
  takeExamples(placeOf: (source: number, row: number) => ExamplePlace): void {
    const { examples, cells } = this.scan;
    drain(this.#addExamples(examples.take(cells.cells), (group) => group, placeOf));
  }

  *#addExamples(
    { groups, sources, rows, starts, numbers }: ExampleRows,
    groupOf: (group: number) => number,
    placeOf: (source: number, row: number) => ExamplePlace,
  ): Generator<void> {
    for (let i = 0; i < groups.length; i++) {
      if (i % EXAMPLES_A_STEP === EXAMPLES_A_STEP - 1) yield;
      const group = groupOf(groups[i]);
      if (group === NO_CODE) continue;
      this.#example(group, {
        startUnixNano: uint64At(starts, i),
        number: numbers[i],
        place: placeOf(sources[i], rows[i]),
      });
    }
  }

  #example(group: number, example: Example): void {
    const list = this.#examples.get(group) ?? [];
    list.push(example);
    const most = examplesEach(this.ask.examples, this.#examples.size);
    this.#examples.set(group, list.length > most * THIN_AT ? this.#thinned(list, most) : list);
  }

  #thinned(list: Example[], most: number): Example[] {
    list.sort((a, b) => (a.startUnixNano < b.startUnixNano ? -1 : a.startUnixNano > b.startUnixNano ? 1 : 0));
    return spread(list, most);
  }

  /** In order of time. */
  examples(group: number): readonly Example[] {
    const list = this.#examples.get(group);
    return list ? this.#thinned(list, this.ask.examples) : [];
  }

  /** Of a cell's group: the values of its fields, and its power (`powerValue`), if it has one. */
  group(group: number): { readonly values: readonly Static[]; readonly power: number | undefined } {
    const { powers, groups } = this.scan;
    if (!powers) return { values: groups.values(group), power: undefined };
    return { values: groups.values(powers.first[group]), power: powers.second[group] };
  }
}
