/**
 * Which field of an OTLP/JSON object follows which: one writer's objects all look alike, so the bytes
 * between two values are compared with what stood there before. Known by name are only those that differ.
 */
import { standsAt } from '../span/words.ts';
import type { END_OF_OBJECT } from './json-fields.ts';
import { Field } from './json-fields.ts';

/** The objects whose fields are guessed. */
export enum Level {
  request,
  resourceSpans,
  scopeSpans,
  span,
  event,
  link,
  status,
}

const LEVELS = 7;
/** More than there are fields; the last one stands for what is before the first. */
const FIELDS = 64;
export const FIRST_FIELD = 63;

/** Where a walk through an object's fields stands. */
export type FieldPlace = Field | typeof FIRST_FIELD | typeof END_OF_OBJECT;

/** Some spans have a parent and some have not. */
const GUESSES = 2;
/** Of a comma, white space, the name and a colon; longer ones are not guessed. */
const MAX_BYTES = 64;

export class FieldGuesses {
  #bytes = new Uint8Array(LEVELS * FIELDS * GUESSES * MAX_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** By guess; 0 is none. */
  #lengths = new Uint8Array(LEVELS * FIELDS * GUESSES);
  readonly #fields = Array.from({ length: LEVELS * FIELDS * GUESSES }, () => Field.unknown);

  /** The guess that stands at `source[at]` behind the value of `previous`; -1 for none. */
  find(source: DataView, at: number, level: Level, previous: number): number {
    const first = (level * FIELDS + previous) * GUESSES;
    for (let guess = first; guess < first + GUESSES; guess++) {
      const length = this.#lengths[guess];
      if (length === 0) break;
      if (standsAt(this.#view, guess * MAX_BYTES, length, source, at)) return guess;
    }
    return -1;
  }

  lengthOf(guess: number): number {
    return this.#lengths[guess];
  }

  fieldOf(guess: number): Field {
    return this.#fields[guess];
  }

  /** From now on, `source[from .. to)`, which brought `field`, is the first guess. */
  learn(source: Uint8Array, from: number, to: number, level: Level, previous: number, field: Field): void {
    if (to - from > MAX_BYTES) return;
    const guess = (level * FIELDS + previous) * GUESSES;
    this.#bytes.copyWithin((guess + 1) * MAX_BYTES, guess * MAX_BYTES, (guess + 1) * MAX_BYTES);
    this.#lengths[guess + 1] = this.#lengths[guess];
    this.#fields[guess + 1] = this.#fields[guess];
    this.#bytes.set(source.subarray(from, to), guess * MAX_BYTES);
    this.#lengths[guess] = to - from;
    this.#fields[guess] = field;
  }
}
