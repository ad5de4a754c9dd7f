/** Columns of an input on their way into sinks: only what is picked is decoded, and what is one value is not unpacked. */
import type { Vector } from '../../../span/vector.ts';
import type { ColumnSource } from '../read/scan/column-source.ts';
import type { Picks } from './picks.ts';
import type { TextSink, Uint32Sink, Uint8Sink } from './sinks.ts';

/** The rows of the picks are there. Undefined when the source has no such column. */
export function loaded(source: ColumnSource, name: string, picks: Picks): Vector | undefined {
  const { from, to } = picks.bounds();
  source.load([name], from, to);
  return source.vector(name);
}

/** A column of texts by its codes, without making a vector of it. False when the source does not keep it so. */
export function addText(sink: TextSink, source: ColumnSource, name: string, picks: Picks): boolean {
  const coded = source.coded(name);
  if (coded?.dictionary.kind !== 'text') return false;
  const { texts } = coded.dictionary;
  const { from, to } = picks.bounds();
  const constant = source.loadKept(name, from, to);
  if (constant === undefined) sink.addCoded(coded.codes, texts, picks);
  else sink.addConstant(constant, texts, picks);
  return true;
}

/** Most counts are 0 in every row. False when the rows are not known to have one value. */
export function addConstant(
  sink: Uint32Sink | Uint8Sink,
  source: ColumnSource,
  name: string,
  picks: Picks,
): boolean {
  const coded = source.coded(name);
  if (coded?.dictionary.kind !== 'plain') return false;
  const { from, to } = picks.bounds();
  const code = source.loadKept(name, from, to);
  if (code === undefined || code === coded.missing) return false;
  const { bytes, width } = coded.dictionary;
  sink.addConstant(new DataView(bytes.buffer, bytes.byteOffset).getUint32(code * width, true), picks);
  return true;
}
