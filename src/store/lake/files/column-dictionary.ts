/** The texts of a leaf's dictionary: of few bytes all keys of a map; of many what every read of the row group needs. */
import type { TextDictionary } from '../../../span/vector.ts';
import { isWithoutValues } from './column-files.ts';
import type { PageBytes } from './column-files.ts';
import { ENCODINGS } from './parquet/encodings.ts';
import type { ChunkLocation } from './parquet/footer-reader.ts';
import { openPage } from './parquet/page-open.ts';
import { allTexts } from './parquet/page-values.ts';

export class DictionaryTexts {
  /** Undefined when the leaf keeps its texts without a dictionary. */
  readonly texts: TextDictionary | undefined;
  /** Of memory. */
  readonly bytes: number;

  constructor(file: PageBytes, chunk: ChunkLocation, cost: { bytes: number }) {
    this.texts = isWithoutValues(chunk) ? NO_TEXTS : readTexts(file, chunk, cost);
    this.bytes = (this.texts?.bytes.byteLength ?? 0) + (this.texts?.offsets.byteLength ?? 0);
  }
}

const NO_TEXTS: TextDictionary = { count: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) };

function readTexts(
  file: PageBytes,
  { dictionaryOffset, dataOffset, codec }: ChunkLocation,
  cost: { bytes: number },
): TextDictionary | undefined {
  if (dictionaryOffset === undefined) return undefined;
  const { header, body } = openPage(file.read(dictionaryOffset, dataOffset - dictionaryOffset), codec);
  if (header.kind !== 'dictionary' || header.encoding !== ENCODINGS.plain) {
    throw new RangeError('no dictionary where it should be');
  }
  cost.bytes += dataOffset - dictionaryOffset;
  return allTexts(body, header.slots);
}
